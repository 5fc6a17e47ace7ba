/* SPDX-License-Identifier: MIT */
/*
 * One sleep, of any thread for any condition. A thread tries before it sleeps
 * and after it was woken: see eventcount.c.
 *
 * A thread that is cancelled in its sleep leaves the eventcount first and
 * cleans up then. A wake-up that was meant for it reaches the next sleeper only
 * if the thread is no longer counted.
 *
 * The handler is registered at run time, with setjmp, as in C without
 * exceptions. Otherwise the frame would have a landing pad and a personality.
 * The reference to a personality is a weak name that each object shares with
 * others, and the archive is to have no such name. glibc jumps to the handler
 * and unwinds on from here, so the handlers of callers run as well. The files
 * still count as code that may unwind: link-time optimisation would otherwise
 * drop landing pads of callers.
 */
#include "base/eventcount.h"
#include "base/realign.h"

#undef __EXCEPTIONS /* pthread_cleanup_push() with setjmp */
#include <pthread.h>

struct sleep {
	struct eventcount *eventcount;
	const struct eventcount_waiter *waiter;
	void *context;
};

static void awake(const struct sleep *sleep)
{
	if (sleep->waiter->after_sleep != NULL)
		sleep->waiter->after_sleep(sleep->context);
}

static REALIGN_STACK void cancelled(void *argument)
{
	struct sleep *sleep = argument;
	awake(sleep);
	eventcount_cancel_wait(sleep->eventcount);
	sleep->waiter->cancelled(sleep->context);
}

bool eventcount_await(struct eventcount *eventcount, const struct eventcount_waiter *waiter,
	void *context, int64_t deadline_ns)
{
	struct sleep sleep = { .eventcount = eventcount, .waiter = waiter, .context = context };
	uint32_t ticket = eventcount_prepare_wait(eventcount);
	bool done = waiter->try(context);
	if (!done) {
		int64_t again_ns = waiter->before_sleep(context);
		pthread_cleanup_push(cancelled, &sleep);
		eventcount_commit_wait_as(eventcount, ticket,
			again_ns < deadline_ns ? again_ns : deadline_ns,
			waiter->kinds != 0 ? waiter->kinds : EVENTCOUNT_ALL_KINDS);
		pthread_cleanup_pop(0);
		awake(&sleep);
	}
	eventcount_cancel_wait(eventcount);
	return done || waiter->try(context);
}
