/* SPDX-License-Identifier: MIT */
/*
 * What calls do for threads that poll. Traffic makes no system call for a
 * descriptor that is not armed, so a call has to arm it before its caller polls
 * again. These calls arm:
 *
 *	-EAGAIN, -ETIMEDOUT  there was nothing, as before a cancellation
 *	a short batch        there is nothing more, as after a short read()
 *
 * A loop with EPOLLET stops at any of these. If something comes, or was left
 * behind by a batch, the arming itself signals: eventcount_arm().
 *
 * A call without a limit of time does not arm. Its thread comes back for more
 * and does not poll. Otherwise each message to a thread that waits would be
 * signalled, too.
 *
 * Passing the signal on. Of workers that wait with EPOLLEXCLUSIVE, EPOLLET or
 * EPOLLONESHOT one signal wakes one, and what comes while the descriptor is
 * readable signals nothing. So a call that got something and leaves more behind
 * passes the signal on, unless its thread was the last to do so. A worker that
 * sleeps went to sleep before that last signal. The worker that the signal woke
 *
 *	leaves more behind  it was not the last, and passes the signal on
 *	takes the rest      it forgets the last, so that the next call that
 *	                    leaves something behind passes the signal on
 *	gets nothing        it arms
 *
 * A loop alone passes on once, for two system calls, when it finds more than
 * one message. Workers that are all at work pass on with nearly every call.
 *
 * A level-triggered worker may poll while the signal is consumed, and sleep,
 * and the signal may wake a thread that does nothing with it. So a thread
 * passes on again if none has for PASS_ON_NS, and always where the clock is
 * refused.
 *
 * On a closed queue each answer of -EPIPE passes the signal on, as its thread
 * comes for no more. So does the close itself.
 */
#include "queue/descriptor.h"

#include <errno.h>

#include "base/clock.h"
#include "base/thread_id.h"
#include "tuning.h"

static bool may_send(void *ring)
{
	return ring_may_push(ring);
}

static bool may_receive(void *ring)
{
	return ring_may_pop(ring);
}

eventcount_condition *const queue_may[2] = { [SENDER] = may_send, [RECEIVER] = may_receive };

void descriptor_end(struct magring_queue *queue, enum side side, int result)
{
	if (result == -EPIPE)
		eventcount_pass_fd_on(&queue->eventcount[side], 0);
	else
		eventcount_arm(&queue->eventcount[side], queue_may[side], &queue->ring);
}

/* Another thread was the last to pass the signal on, or none has lately. */
static bool is_due(struct magring_queue *queue, enum side side, uint64_t self)
{
	/* Relaxed, both: they decide how often, and nothing else. */
	if (atomic_load_explicit(&queue->eventcount[side].passed, memory_order_relaxed) != self)
		return true;
	int64_t passed_ns = atomic_load_explicit(&queue->passed_ns[side], memory_order_relaxed);
	int64_t now_ns = clock_coarse();
	return now_ns == CLOCK_REFUSED || now_ns - passed_ns >= PASS_ON_NS;
}

/* The rest was taken. If this thread was the last, another one is to come. */
static void forget_passed(struct eventcount *eventcount, uint64_t self)
{
	/* Relaxed: as above. */
	uint64_t last = atomic_load_explicit(&eventcount->passed, memory_order_relaxed);
	if (last != 0 && last != self)
		atomic_store_explicit(&eventcount->passed, 0, memory_order_relaxed);
}

void descriptor_pass_on(struct magring_queue *queue, enum side side)
{
	uint64_t exclusive = side == SENDER ? MAGRING_SINGLE_SENDER : MAGRING_SINGLE_RECEIVER;
	uint64_t self = thread_self();
	if (queue->flags & exclusive)
		return;
	if (!queue_may[side](&queue->ring))
		forget_passed(&queue->eventcount[side], self);
	else if (is_due(queue, side, self) && eventcount_pass_fd_on(&queue->eventcount[side], self))
		atomic_store_explicit(&queue->passed_ns[side], clock_coarse(),
			memory_order_relaxed);
}
