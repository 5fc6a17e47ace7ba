/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: threads that have waited for memory for long get what is
 * freed, and others do not.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#include <errno.h>

#define OTHER ((size_t)128)
#define LATE_NS 1000 /* more than a turn */

static const struct slabs_options one = { .bytes = 64, .rounds = 1, .chunk = 1 };
static struct magring_message held[4];
static bool over;

static void pass_time(int64_t ns)
{
	engine->time_ns += ns;
}

static void use_one(void *timeout)
{
	struct magring_message message;
	if (slabs_take(&message, SLABS_SMALL, (intptr_t)timeout) == 0)
		slabs_free(&message);
}

static unsigned int asleep(const char *name, int64_t timeout_ns)
{
	unsigned int thread = slabs_spawn(name, use_one, (void *)(intptr_t)timeout_ns);
	sched_run_alone(thread, 2000);
	sched_require(sched_is_asleep(thread), "thread %u does not sleep", thread);
	return thread;
}

static int try_now(void)
{
	int rc = slabs_take(&held[1], SLABS_SMALL, 0);
	if (rc == 0)
		slabs_free(&held[1]);
	return rc;
}

/* Frees its slab and wants it back at once, before and after the turn. */
static void hold_on(void *unused)
{
	(void)unused;
	slabs_free(&held[0]);
	sched_require(slabs_take(&held[0], SLABS_SMALL, 0) == 0, "refused before the turn");
	pass_time(LATE_NS);
	slabs_free(&held[0]);
	sched_require(try_now() == -ENOBUFS, "the slab is not kept for the thread that waits");
	over = true;
	slabs_stay();
}

/* The thread gets the slab that another one frees and wants back. */
static void run_hand_off(void)
{
	slabs_take_turns();
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	unsigned int waiter = asleep("waiter", -1);
	unsigned int holder = slabs_spawn("holder", hold_on, NULL);
	for (int i = 0; i < 4000 && !over; i++)
		sched_run_alone(holder, 1);
	sched_require(over, "the holder did not come to its end");
	sched_resume_all();
	sched_wait();
	sched_require(sched_has_ended(waiter), "the slab is not found");
	slabs_wait();
	slabs_listen();
	sched_require(try_now() == 0, "the turn is not over");
	slabs_end(SLABS_SMALL);
}

/* The class is closed, and its slab is offered to the first thread. */
static void close_and_offer(unsigned int first)
{
	pass_time(LATE_NS);
	sched_stop(first);
	slabs_free(&held[0]);
	sched_require(try_now() == -ENOBUFS, "the slab is not kept for the thread that waits");
}

/* That one has stopped. The slab serves others for the time being. */
static void run_stopped(void)
{
	slabs_take_turns();
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	unsigned int first = asleep("first", -1), second = asleep("second", -1);
	pass_time(LATE_NS);
	sched_stop(first);
	slabs_free(&held[0]);
	sched_wait();
	sched_require(sched_has_ended(second) && !sched_has_ended(first),
		"the slab of a stopped thread serves nobody");
	slabs_listen();
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_free(&held[0]);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* Its time is over, or it is cancelled, and it is not there for the slab. */
static void run_gone(bool cancelled)
{
	slabs_take_turns();
	/* But for the first thread's end another one tries when that lapses. */
	tuned_turn_lapse_ns = INT64_MAX;
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_leave_metadata(0, 0); /* the end of a thread with a cache notifies */
	unsigned int first = asleep("first", cancelled ? -1 : 5 * LATE_NS);
	unsigned int second = asleep("second", -1);
	close_and_offer(first);
	if (cancelled)
		sched_cancel(first);
	else
		pass_time(10 * LATE_NS);
	sched_resume_all();
	sched_wait();
	sched_require(sched_has_ended(second), "a thread that is gone has the turn");
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void run_timeout(void)
{
	run_gone(false);
}

static void run_cancel(void)
{
	run_gone(true);
}

/* Perhaps the second thread is woken, and does not run before the turn. */
static void run_passed_on(void)
{
	slabs_take_turns();
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_leave_metadata(0, 0);
	asleep("first", -1);
	asleep("second", -1);
	tuned_turn_ns = tuned_turn_lapse_ns = INT64_MAX;
	slabs_free(&held[0]);
	tuned_turn_ns = 500;
	pass_time(LATE_NS);
	sched_wait();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* The only free since it slept is one that wakes threads of its group alone. */
static void run_woken(void)
{
	slabs_take_turns();
	tuned_turn_lapse_ns = INT64_MAX;
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	unsigned int waiter = asleep("waiter", -1);
	pass_time(LATE_NS);
	slabs_free(&held[0]);
	slabs_wait();
	sched_require(sched_has_ended(waiter), "the slab is not found");
	slabs_end(SLABS_SMALL);
}

/* The first thread is served. Then it is the second one's turn, which stops. */
static void run_next(void)
{
	slabs_take_turns();
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	unsigned int first = asleep("first", -1), second = asleep("second", -1);
	pass_time(LATE_NS);
	sched_stop(second);
	slabs_free(&held[0]);
	sched_wait();
	sched_require(sched_has_ended(first), "the slab is not found");
	pass_time(LATE_NS);
	sched_require(try_now() == -ENOBUFS, "it is not the second thread's turn");
	sched_resume_all();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

const struct sched_program fair_woken = { "fair_woken",
	"a thread has the turn before any slab is free", run_woken, 0 };
const struct sched_program fair_next = { "fair_next", "a second thread has the turn after a first",
	run_next, 0 };
const struct sched_program fair_passed_on = { "fair_passed_on",
	"a thread is woken before it is another one's turn", run_passed_on, 0 };
const struct sched_program fair_hand_off = { "fair_hand_off",
	"a thread frees its slab and wants it back", run_hand_off, 0 };
const struct sched_program fair_stopped = { "fair_stopped", "a thread stops when it is its turn",
	run_stopped, 0 };
const struct sched_program fair_timeout = { "fair_timeout",
	"a thread waits no longer when it is its turn", run_timeout, 0 };
const struct sched_program fair_cancel = { "fair_cancel",
	"a thread is cancelled when it is its turn", run_cancel, 0 };
