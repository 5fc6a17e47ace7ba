/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a free cell or for a message. Sending and receiving mirror each
 * other, so this is written once, for an `enum side`. A call goes on as follows
 * until it has got something or its time is over:
 *
 *	1. A first try, in send_recv.c. In the common case that is all.
 *	2. Tries with pauses between them, and then with yields: the other side
 *	   is likely at work on another processor. A thread leaves out what
 *	   was in vain of late, but for a trial now and then, and yields that
 *	   cost more than they save: backoff.c.
 *	3. Sleeps, each with a try before and after it. It sleeps if the try
 *	   before it was in vain: eventcount_await() in eventcount_await.c.
 *
 * A batch wakes one sleeper, and while two wake-ups are on their way no other
 * thread wakes. So a thread that got something, or gives up, passes a wake-up
 * on if there is more to be had. See eventcount.c.
 */
#include "queue/blocking.h"
#include "tuning.h"

#include <errno.h>

#include "base/clock.h"
#include "base/fence.h"
#include "base/thread_id.h"
#include "base/tracepoint.h"
#include "queue/backoff.h"
#include "queue/descriptor.h"
#include "queue/skip.h"

static struct queue_counts *counts_of(struct magring_queue *queue)
{
	return &queue->counts[thread_self() % QUEUE_STRIPES];
}

static void count_one(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number to read; nothing follows from it. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void wake_waiter(struct magring_queue *queue, enum side side)
{
	if (!eventcount_notify(&queue->eventcount[side]))
		return;
	TRACEPOINT3(wake, queue, queue->ring.name, side);
	count_one(&counts_of(queue)->woken);
}

void pass_wake_up_on(struct magring_queue *queue, enum side side)
{
	/* [sleep] light side: as in notify_waiters(), for other callers. */
	fence_light();
	if (eventcount_has_waiters(&queue->eventcount[side]) && queue_may[side](&queue->ring))
		wake_waiter(queue, side);
}

/* One call that waits: what it wants, and what its last try returned. */
struct wait {
	struct magring_queue *queue;
	enum side side;
	struct magring_message *messages;
	size_t count;
	int64_t deadline_ns;
	int result;
};

static int attempt(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, enum effort effort)
{
	if (side == SENDER)
		return queue_push(queue, messages, count, effort);
	int result = queue_pop(queue, messages, count, effort);
	bool skipped = ring_take_skipped();
	if (result == -EAGAIN && skipped)
		pass_wake_up_on(queue, SENDER);
	return result;
}

/* Whether the wait is over. */
static bool try_once(struct wait *wait, enum effort effort)
{
	wait->result = attempt(wait->queue, wait->side, wait->messages, wait->count, effort);
	return wait->result != -EAGAIN;
}

/* ---------------------------------------------------------------- asleep -- */

static bool try_definitely(void *context)
{
	return try_once(context, DEFINITE);
}

static int64_t before_sleep(void *context)
{
	struct wait *wait = context;
	count_one(&counts_of(wait->queue)->parked);
	TRACEPOINT3(park, wait->queue, wait->queue->ring.name, wait->side);
	return INT64_MAX;
}

static void after_sleep(void *context)
{
	struct wait *wait = context;
	TRACEPOINT3(unpark, wait->queue, wait->queue->ring.name, wait->side);
}

static void cancelled(void *context)
{
	struct wait *wait = context;
	/* As when its time is over: a signal may have brought it here. */
	descriptor_ended(wait->queue, wait->side, -EAGAIN);
	queue_leave(wait->queue, wait->side);
	pass_wake_up_on(wait->queue, wait->side);
}

static const struct eventcount_waiter waiter = { .try = try_definitely,
	.before_sleep = before_sleep,
	.after_sleep = after_sleep,
	.cancelled = cancelled };

/* Until the wait is over or the deadline has passed. */
static void sleep_until_done(struct wait *wait)
{
	struct eventcount *eventcount = &wait->queue->eventcount[wait->side];
	while (!eventcount_await(eventcount, &waiter, wait, wait->deadline_ns)) {
		if (wait->deadline_ns != INT64_MAX && clock_now() >= wait->deadline_ns) {
			wait->result = -ETIMEDOUT;
			return;
		}
	}
}

/* ----------------------------------------------------------------- awake -- */

/*
 * The last try is definite: it also reaches what is behind a stopped thread's
 * cell.
 */
static bool try_between_pauses(struct wait *wait)
{
	struct backoff backoff = backoff_begin();
	bool over = false;
	while (backoff.left > 0 && !over) {
		backoff_pause(&backoff);
		over = try_once(wait, backoff.left == 0 ? DEFINITE : TRY);
	}
	if (wait->result > 0)
		backoff_learn(&wait->queue->ring, wait->side, (unsigned int)wait->result);
	return over;
}

static bool try_between_yields(struct wait *wait)
{
	const struct ring *ring = &wait->queue->ring;
	bool over = false;
	struct backoff_yields yields = { .count = 0 };
	while (!over && backoff_may_yield(&yields, wait->deadline_ns)) {
		backoff_yield(&yields, ring);
		over = try_once(wait, DEFINITE);
		backoff_yielded(&yields, ring);
	}
	return over;
}

/* What a thread does before it sleeps, and what the wait ended with. */
static enum backoff_end try_awake(struct wait *wait)
{
	if (try_between_pauses(wait))
		return BY_PAUSES;
	return try_between_yields(wait) ? BY_YIELDS : ASLEEP;
}

/* The same, unless it was in vain too often. Whether the wait is over then. */
static bool try_awake_if_due(struct wait *wait)
{
	_Atomic(unsigned int) *counter = &wait->queue->slept[wait->side];
	/* Relaxed, and not exact: it decides how to wait and nothing else. */
	unsigned int slept = atomic_load_explicit(counter, memory_order_relaxed);
	enum backoff_end end = ASLEEP;
	if (backoff_is_due(slept)) {
		end = try_awake(wait);
		backoff_end(end);
	}
	if (end == ASLEEP)
		atomic_store_explicit(counter, slept + 1, memory_order_relaxed);
	else if (slept > 0)
		atomic_store_explicit(counter, 0, memory_order_relaxed);
	return end != ASLEEP;
}

/*
 * The same for so long as the option spin_ns has it, whatever was in vain
 * before. A round without pauses, as they were, is followed by one with. At its
 * deadline the wait ends here and does not sleep.
 */
static bool try_awake_for(struct wait *wait, int64_t spin_ns)
{
	int64_t until_ns = spin_ns < MAGRING_SPIN_ALWAYS ? clock_deadline(spin_ns) : INT64_MAX;
	for (;;) {
		enum backoff_end end = try_awake(wait);
		backoff_end(end);
		if (end != ASLEEP)
			return true;
		int64_t now_ns = clock_now();
		if (now_ns >= wait->deadline_ns) {
			if (!try_once(wait, DEFINITE))
				wait->result = -ETIMEDOUT;
			return true;
		}
		if (now_ns >= until_ns)
			return false;
	}
}

static bool wait_awake(struct wait *wait)
{
	int64_t spin_ns = wait->queue->spin_ns;
	if (spin_ns == 0)
		return try_awake_if_due(wait);
	return spin_ns > 0 && try_awake_for(wait, spin_ns);
}

/* The first try was in vain. */
static void count_in_vain(struct magring_queue *queue, enum side side)
{
	count_one(&counts_of(queue)->in_vain[side]);
	if (side == SENDER)
		TRACEPOINT2(full, queue, queue->ring.name);
	else
		TRACEPOINT2(empty, queue, queue->ring.name);
}

int refuse(struct magring_queue *queue, enum side side)
{
	count_in_vain(queue, side);
	if (side == RECEIVER && ring_take_skipped())
		pass_wake_up_on(queue, SENDER);
	return -EAGAIN;
}

int wait_for(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, int64_t deadline_ns)
{
	struct wait wait = { .queue = queue,
		.side = side,
		.messages = messages,
		.count = count,
		.deadline_ns = deadline_ns,
		.result = -EAGAIN };
	count_in_vain(queue, side);
	if (!wait_awake(&wait))
		sleep_until_done(&wait);
	if (wait.result < 0)
		/* The thread gives up, and may have taken a wake-up with it. */
		pass_wake_up_on(queue, side);
	return wait.result;
}
