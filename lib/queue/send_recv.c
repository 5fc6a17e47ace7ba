/* SPDX-License-Identifier: MIT */
/*
 * Send and receive. A queue is a ring with two eventcounts: senders sleep at
 * one until the ring is not full, receivers at the other until it is not empty.
 * What a call does in the common case is here:
 *
 *	1. Now and then, keep the gap to the other side: spacing.c.
 *	2. Try a push or a pop.
 *	3. If that was in vain, wait: blocking.c.
 *	4. Notify waiters.
 *
 * A thread that has changed the ring reads both eventcounts. A sleeper of the
 * other side may go on, as there is one message (one free cell) more. A sleeper
 * of its own side may, if a wake-up came with this thread and there is more.
 *
 *	[sleep] light side: the ring is changed, then the eventcounts are read.
 *	Heavy side in eventcount_prepare_wait() and eventcount_arm().
 */
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "base/tracepoint.h"
#include "queue/blocking.h"
#include "queue/descriptor.h"
#include "queue/notify.h"
#include "queue/spacing.h"
#include "tuning.h"

/* One of the eventcounts may have waiters. */
void notify_slowly(struct magring_queue *queue, enum side side)
{
	enum side other = side == SENDER ? RECEIVER : SENDER;
	if (eventcount_has_waiters(&queue->eventcount[other]))
		wake_waiter(queue, other);
	if (eventcount_has_waiters(&queue->eventcount[side]))
		pass_wake_up_on(queue, side);
	if (eventcount_has_signal(&queue->eventcount[side]))
		descriptor_pass_on(queue, side);
}

/*
 * For calls with a single message that may take longer than a back-off. The
 * cache lines of a batch travel side by side in any case.
 */
static inline void keep_spacing(const struct magring_queue *queue, enum side side,
	int64_t timeout_ns)
{
	if (__builtin_expect(ring_position(&queue->ring, side) % SPACING_EVERY == 0, 0) &&
		(timeout_ns < 0 || timeout_ns > SPACING_TIMEOUT_NS))
		spacing_keep(&queue->ring, side);
}

/* A call that does not wait has one try, which must be right. */
static inline enum effort effort_for(int64_t timeout_ns)
{
	return timeout_ns == 0 ? DEFINITE : TRY;
}

/* After a first try in vain. For deadlines see clock_deadline(). */
static inline int go_on(struct magring_queue *queue, enum side side,
	struct magring_message *messages, size_t count, int64_t deadline_ns)
{
	if (deadline_ns == 0)
		return refuse(queue, side);
	return wait_for(queue, side, messages, count, deadline_ns);
}

/* ------------------------------------------------------------ send, recv -- */

int magring_send(struct magring_queue *queue, struct magring_message *message, int64_t timeout_ns)
{
	if (queue == NULL || message == NULL || message->private_header == 0)
		return -EINVAL;
	queue_enter(queue, SENDER);
	keep_spacing(queue, SENDER, timeout_ns);
	message_hide(message, 1);
	int result = ring_try_push(&queue->ring, message, effort_for(timeout_ns));
	message_show(message, result < 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = go_on(queue, SENDER, message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, SENDER);
	if (__builtin_expect(result < 0, 0))
		return descriptor_ended(queue, SENDER, result);
	message->private_header = 0; /* it is the receiver's now */
	TRACEPOINT3(send, queue, queue->ring.name, 1);
	notify_waiters(queue, SENDER);
	return 0;
}

int magring_recv(struct magring_queue *queue, struct magring_message *ret_message,
	int64_t timeout_ns)
{
	if (queue == NULL || ret_message == NULL)
		return -EINVAL;
	queue_enter(queue, RECEIVER);
	keep_spacing(queue, RECEIVER, timeout_ns);
	int result = ring_try_pop(&queue->ring, ret_message, effort_for(timeout_ns));
	message_show(ret_message, result > 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = go_on(queue, RECEIVER, ret_message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, RECEIVER);
	if (__builtin_expect(result < 0, 0))
		return descriptor_ended(queue, RECEIVER, result);
	TRACEPOINT3(receive, queue, queue->ring.name, 1);
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
		result = queue_push(queue, messages + sent, count - sent, effort_for(timeout_ns));
		if (__builtin_expect(result == -EAGAIN, 0)) {
			if (deadline_ns == -1)
				deadline_ns = clock_deadline(timeout_ns);
			result = go_on(queue, SENDER, messages + sent, count - sent, deadline_ns);
		}
		if (result < 0)
			break;
		for (int i = 0; i < result; i++)
			messages[sent++].private_header = 0;
		TRACEPOINT3(send, queue, queue->ring.name, result);
		notify_waiters(queue, SENDER);
	}
	queue_leave(queue, SENDER);
	if (__builtin_expect(result < 0, 0))
		descriptor_ended(queue, SENDER, result);
	return sent > 0 ? (int)sent : result;
}

/* One claim has taken as many as it may: take what else is ready. */
static int receive_more(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count)
{
	size_t received = 0;
	int result;
	do {
		result = queue_pop(queue, ret_messages + received, count - received, TRY);
		if (result <= 0)
			break;
		TRACEPOINT3(receive, queue, queue->ring.name, result);
		notify_waiters(queue, RECEIVER);
		received += (size_t)result;
	} while (received < count && (size_t)result == queue->ring.claim_max);
	return (int)received;
}

/* One claim brought less than was asked for. Returns how many there are. */
static __attribute__((noinline)) int receive_short(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count, int64_t timeout_ns, int received)
{
	if ((size_t)received == queue->ring.claim_max)
		received += receive_more(queue, ret_messages + received, count - (size_t)received);
	if ((size_t)received < count && timeout_ns >= 0)
		descriptor_ended(queue, RECEIVER, -EAGAIN);
	return received;
}

int magring_recv_batch(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count, int64_t timeout_ns)
{
	if (queue == NULL || (ret_messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	if (count == 0)
		return 0;
	queue_enter(queue, RECEIVER);
	int result = queue_pop(queue, ret_messages, count, effort_for(timeout_ns));
	if (__builtin_expect(result == -EAGAIN, 0))
		result = go_on(queue, RECEIVER, ret_messages, count, clock_deadline(timeout_ns));
	if (result > 0) {
		TRACEPOINT3(receive, queue, queue->ring.name, result);
		notify_waiters(queue, RECEIVER);
		if ((size_t)result < count)
			result = receive_short(queue, ret_messages, count, timeout_ns, result);
	}
	queue_leave(queue, RECEIVER);
	return __builtin_expect(result < 0, 0) ? descriptor_ended(queue, RECEIVER, result) : result;
}
