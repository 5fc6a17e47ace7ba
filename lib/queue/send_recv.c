/* SPDX-License-Identifier: MIT */
/*
 * A queue is a ring with two gates: senders wait at one until it is not full,
 * receivers at the other until it is not empty. What a call does in the common case
 * is here, what it does when it must wait in blocking.c.
 *
 * Whoever has changed the ring looks at both gates: at the other side's, because
 * there is now one more message (one more free cell); and at its own, to pass a
 * wake-up on if there is more to be had.
 *
 *	[sleep] light side: the ring is changed, then the gates are read. Heavy side
 *	in eventcount_prepare_wait() and eventcount_arm().
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "queue/spacing.h"
#include "base/clock.h"
#include "base/fence.h"
#include "base/tracepoint.h"
#include "queue/blocking.h"
#include "tuning.h"


/* The ring was changed by one who went this way. */
static inline void notify_waiters(struct magring_queue *queue, enum side side)
{
	enum side other = side == SENDER ? RECEIVER : SENDER;
	/* [sleep] light side: pairs with eventcount_prepare_wait() and eventcount_arm(). */
	fence_light();
	if (__builtin_expect(eventcount_has_waiters(&queue->eventcount[other]), 0))
		wait_wake(queue, other);
	if (__builtin_expect(eventcount_has_waiters(&queue->eventcount[side]), 0))
		wait_pass_on(queue, side);
}

/* For single messages, by those who may wait for longer than that takes. Lines of a batch travel side by
 * side in any case. */
static inline void keep_spacing(const struct magring_queue *queue, enum side side, int64_t timeout_ns)
{
	bool full = side == RECEIVER;
	if (__builtin_expect(ring_position(&queue->ring, full) % SPACING_EVERY == 0, 0) &&
			(timeout_ns < 0 || timeout_ns > SPACING_TIMEOUT_NS))
		spacing_keep(&queue->ring, full);
}

/* ------------------------------------------------------------- send, recv -- */

int magring_send(struct magring_queue *queue, struct magring_message *message, int64_t timeout_ns)
{
	if (queue == NULL || message == NULL || message->private_header == 0)
		return -EINVAL;
	queue_enter(queue, SENDER);
	keep_spacing(queue, SENDER, timeout_ns);
	message_hide(message, 1);
	int result = ring_try_push(&queue->ring, message, timeout_ns == 0);
	message_show(message, result < 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, SENDER, message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, SENDER);
	if (__builtin_expect(result < 0, 0))
		return result;
	message->private_header = 0; /* it is the receiver's now */
	TRACEPOINT2(send, queue, 1);
	notify_waiters(queue, SENDER);
	return 0;
}

int magring_recv(struct magring_queue *queue, struct magring_message *ret_message, int64_t timeout_ns)
{
	if (queue == NULL || ret_message == NULL)
		return -EINVAL;
	queue_enter(queue, RECEIVER);
	keep_spacing(queue, RECEIVER, timeout_ns);
	int result = ring_try_pop(&queue->ring, ret_message, timeout_ns == 0);
	message_show(ret_message, result > 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVER, ret_message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, RECEIVER);
	if (__builtin_expect(result < 0, 0))
		return result;
	TRACEPOINT2(receive, queue, 1);
	notify_waiters(queue, RECEIVER);
	return 0;
}

int magring_send_batch(struct magring_queue *queue, struct magring_message *messages, size_t count,
	int64_t timeout_ns)
{
	if (queue == NULL || (messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (messages[i].private_header == 0)
			return -EINVAL;
	size_t sent = 0;
	int64_t deadline_ns = -1; /* not known yet */
	int result = 0;
	queue_enter(queue, SENDER);
	while (sent < count) {
		result = queue_push(queue, messages + sent, count - sent, timeout_ns == 0);
		if (__builtin_expect(result == -EAGAIN, 0)) {
			if (deadline_ns == -1)
				deadline_ns = clock_deadline(timeout_ns);
			result = wait_for(queue, SENDER, messages + sent, count - sent, deadline_ns);
		}
		if (result < 0)
			break;
		for (int i = 0; i < result; i++)
			messages[sent++].private_header = 0;
		TRACEPOINT2(send, queue, result);
		notify_waiters(queue, SENDER);
	}
	queue_leave(queue, SENDER);
	return sent > 0 ? (int)sent : result;
}

/* After as many as one claim may take: what else is ready. */
static __attribute__((noinline)) int receive_more(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count)
{
	size_t received = 0;
	int result;
	do {
		result = queue_pop(queue, ret_messages + received, count - received, false);
		if (result <= 0)
			break;
		TRACEPOINT2(receive, queue, result);
		notify_waiters(queue, RECEIVER);
		received += (size_t)result;
	} while (received < count && (size_t)result == queue->ring.claim_max);
	return (int)received;
}

int magring_recv_batch(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count, int64_t timeout_ns)
{
	if (queue == NULL || (ret_messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	if (count == 0)
		return 0;
	queue_enter(queue, RECEIVER);
	int result = queue_pop(queue, ret_messages, count, timeout_ns == 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVER, ret_messages, count, clock_deadline(timeout_ns));
	if (result > 0) {
		TRACEPOINT2(receive, queue, result);
		notify_waiters(queue, RECEIVER);
		if ((size_t)result < count && (size_t)result == queue->ring.claim_max)
			result += receive_more(queue, ret_messages + result, count - (size_t)result);
	}
	queue_leave(queue, RECEIVER);
	return result;
}
