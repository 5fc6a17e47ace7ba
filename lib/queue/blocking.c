/* SPDX-License-Identifier: MIT */
/*
 * Waiting for room or for a message. Sending and receiving mirror each other, so this
 * is written once, for an `enum side`.
 *
 *	attempt             one push or pop; done in the common case, by queue.c
 *	spin(), then yield  the other side is likely at work on another processor
 *	enter the eventcount, attempt, park, leave, attempt, ...
 *
 * A thread that is told to go on, or that gives up, passes a wake-up on if there is
 * more to be had: a batch wakes one sleeper, and while two wake-ups are on their way
 * nobody else wakes. See eventcount.c.
 */
#include "queue/blocking.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <ck_pr.h>
#include <errno.h>
#include <sched.h>

#include "base/clock.h"
#include "base/fence.h"
#include "base/tracepoint.h"
#include "base/random.h"

/* Before parking, which costs two system calls and a switch. A pause is some 10
 * to 40 ns on current processors. See spin() and spin_budget(). */
/* See spin(). */
/* See look(). */

static bool may_send(const void *ring)
{
	return ring_may_push(ring);
}

static bool may_receive(const void *ring)
{
	return ring_may_pop(ring);
}

static eventcount_condition *const may[2] = { [SENDER] = may_send, [RECEIVER] = may_receive };

static struct queue_counts *counts_of(struct magring_queue *queue)
{
	return &queue->counts[thread_self() % QUEUE_STRIPES];
}

static void count_one(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number to look at; nothing follows from it. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void wait_wake(struct magring_queue *queue, enum side side)
{
	if (!eventcount_notify(&queue->eventcount[side]))
		return;
	TRACEPOINT2(wake, queue, side);
	count_one(&counts_of(queue)->woken);
}

void wait_pass_on(struct magring_queue *queue, enum side side)
{
	/* [sleep] light side: as in notify_waiters(); not all come from there. */
	fence_light();
	if (eventcount_has_waiters(&queue->eventcount[side]) && may[side](&queue->ring))
		wait_wake(queue, side);
}

static int attempt(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, bool sure)
{
	if (side == SENDER)
		return queue_push(queue, messages, count, sure);
	int result = queue_pop(queue, messages, count, sure);
	bool skipped = ring_has_skipped();
	if (result == -EAGAIN && skipped)
		wait_pass_on(queue, SENDER);
	return result;
}

struct sleeper {
	struct magring_queue *queue;
	enum side side;
};

static void cancelled(void *argument)
{
	struct sleeper *sleeper = argument;
	TRACEPOINT2(unpark, sleeper->queue, sleeper->side);
	eventcount_cancel_wait(&sleeper->queue->eventcount[sleeper->side]);
	queue_leave(sleeper->queue, sleeper->side);
	wait_pass_on(sleeper->queue, sleeper->side);
}

/* Enter, look, sleep, leave, look. -EAGAIN: woken in vain, or the deadline is over. */
static int sleep_once(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, int64_t deadline_ns)
{
	struct eventcount *eventcount = &queue->eventcount[side];
	struct sleeper sleeper = { .queue = queue, .side = side };
	uint32_t ticket = eventcount_prepare_wait(eventcount);
	int result = attempt(queue, side, messages, count, true);
	if (result == -EAGAIN) {
		count_one(&counts_of(queue)->parked);
		TRACEPOINT2(park, queue, side);
		pthread_cleanup_push(cancelled, &sleeper);
		eventcount_commit_wait(eventcount, ticket, deadline_ns);
		pthread_cleanup_pop(0);
		TRACEPOINT2(unpark, queue, side);
	}
	eventcount_cancel_wait(eventcount);
	return result == -EAGAIN ? attempt(queue, side, messages, count, true) : result;
}

/* Of a thread, whatever it waits for. */
static THREAD_LOCAL unsigned int stride = 1;

/*
 * How long to look away between two attempts, in pauses. A receiver that takes
 * each message the moment it is there makes sender and receiver pass the same
 * line to and fro for every single one; one that looks away for a while then finds
 * several, at lines that travel side by side. But a thread in a dialogue gains
 * nothing by looking away, and one that gets a message now and then only waits. So:
 * longer as long as BACKOFF_BACKLOG more are there after a wait, shorter when none is, and now and
 * then a long look for a change. A batch leaves nothing to be seen, so it counts by what it brought: more than BACKOFF_BACKLOG
 * messages, and more than there were pauses, as a dialogue in batches brings no more however long one waits. Shorter, too, when
 * they are half of what the ring holds: then the other side may have had to wait.
 */
static void adapt(const struct ring *ring, enum side side, unsigned int came)
{
	bool full = side == RECEIVER;
	if ((came <= stride && !ring_ready(ring, 0, full)) || ring_ready(ring, ring_cells(ring) / 2, full))
		stride = stride > 1 ? stride / 2 : 1;
	else if (stride < BACKOFF_MAX && (came > BACKOFF_BACKLOG || ring_ready(ring, BACKOFF_BACKLOG - 1, full)))
		stride *= 2;
}

/*
 * How many pauses before a thread yields, from SPIN_PAUSES to three times as many, and at random: if two senders
 * on two processors find a queue full at the same moment, yield at the same moment, and so let two receivers go on, these
 * will find it empty at the same moment, and so on. If one is earlier, there is soon a sender beside a receiver.
 */
static unsigned int spin_budget(void)
{
	static THREAD_LOCAL uint64_t random;
	if (random == 0)
		random = thread_self();
	return SPIN_PAUSES + (unsigned int)(random_next(&random) % (2 * SPIN_PAUSES));
}

static int spin(struct magring_queue *queue, enum side side, struct magring_message *messages, size_t count)
{
	static THREAD_LOCAL unsigned int waits;
	if (++waits % BACKOFF_PROBE_EVERY == 0 && stride < BACKOFF_PROBE)
		stride = BACKOFF_PROBE;
	int result = -EAGAIN;
	unsigned int most = spin_budget();
	for (unsigned int pauses = 0; pauses < most && result == -EAGAIN;) {
		for (unsigned int i = 0; i < stride && pauses < most; i++, pauses++)
			ck_pr_stall();
		result = attempt(queue, side, messages, count, pauses >= most);
	}
	if (result > 0)
		adapt(&queue->ring, side, (unsigned int)result);
	return result;
}

/*
 * Let others run. While a thread yields to others that run for long nobody wakes it: if little
 * went through the ring meanwhile, it had better slept, and then comes back with *ret_late. If much
 * did, others are at work on it, and would only have woken this one all the time. Nor does it
 * yield when its deadline is near.
 */
static int yield(struct magring_queue *queue, enum side side, struct magring_message *messages, size_t count,
	int64_t deadline_ns, bool *ret_late)
{
	int result = -EAGAIN;
	int64_t before = clock_now(), after = before;
	for (int i = 0; i < YIELDS && result == -EAGAIN && !*ret_late && deadline_ns - after > YIELD_BEFORE_NS; i++) {
		uint64_t position = ring_position(&queue->ring, side == RECEIVER);
		before = after;
		sched_yield();
		result = attempt(queue, side, messages, count, true);
		after = clock_now();
		if (after - before > YIELD_LONG_NS) {
			uint64_t own = result > 0 ? (uint64_t)result : 0;
			uint64_t moved = ring_position(&queue->ring, side == RECEIVER) - position - own;
			*ret_late = moved < (uint64_t)(after - before) / WAKE_UP_NS;
		}
	}
	return result;
}

/*
 * What a waiting thread does before it sleeps. If SLEPT_IN_A_ROW waits in a row, of whatever threads, were
 * slept through, or should have been, looking costs more than sleeping: then only one in so many
 * finds out whether what it waits for comes at once again.
 */
static int look(struct magring_queue *queue, enum side side, struct magring_message *messages, size_t count,
	int64_t deadline_ns)
{
	/* Relaxed, and not counted exactly: it decides how to wait, and nothing else. */
	unsigned int slept = atomic_load_explicit(&queue->slept[side], memory_order_relaxed);
	int result = -EAGAIN;
	bool late = false;
	if (slept < SLEPT_IN_A_ROW || slept % SLEPT_IN_A_ROW == 0) {
		result = spin(queue, side, messages, count);
		if (result == -EAGAIN)
			result = yield(queue, side, messages, count, deadline_ns, &late);
	}
	if (result == -EAGAIN || late) {
		atomic_store_explicit(&queue->slept[side], slept + 1, memory_order_relaxed);
		return result;
	}
	if (slept > 0)
		atomic_store_explicit(&queue->slept[side], 0, memory_order_relaxed);
	return result;
}

int wait_for(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, int64_t deadline_ns)
{
	count_one(&counts_of(queue)->in_vain[side]);
	if (side == SENDER)
		TRACEPOINT1(full, queue);
	else
		TRACEPOINT1(empty, queue);
	if (deadline_ns == 0) {
		if (side == RECEIVER && ring_has_skipped())
			wait_pass_on(queue, SENDER);
		eventcount_arm(&queue->eventcount[side], may[side], &queue->ring);
		return -EAGAIN;
	}
	int result = look(queue, side, messages, count, deadline_ns);
	while (result == -EAGAIN) {
		result = sleep_once(queue, side, messages, count, deadline_ns);
		if (result == -EAGAIN && deadline_ns != INT64_MAX && clock_now() >= deadline_ns)
			result = -ETIMEDOUT;
	}
	if (result < 0)
		/* Nothing was changed, but a wake-up may have come with it. */
		wait_pass_on(queue, side);
	return result;
}
