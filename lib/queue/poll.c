/* SPDX-License-Identifier: MIT */
/*
 * Send and receive by threads that poll: calls that may answer "not now".
 *
 * A true "empty" takes a full fence and a read of tail, a cache line that
 * senders write all the time. A thread that asks again at once, or a hundred
 * queues in turn, needs no true answer. So a poll reads its own end of the ring
 * and the cell there, and answers -EAGAIN if that cell is not ready. It then
 * has written nothing that another thread reads.
 *
 * Such an answer may hide messages: those behind a sender that has claimed the
 * cell and not filled it. If that sender has stopped they must be found all the
 * same. So must the end of a closed queue, which tail tells. Therefore each
 * POLLS_TO_BE_SURE-th poll in vain is DEFINITE, as a receive with a timeout of
 * 0 is, and skips what is in its way.
 *
 * The polls are counted for a queue and a stripe of threads, by a load and a
 * store. A locked instruction would cost as much as the fence. A thread that is
 * alone in its stripe is sure in time. Where threads share one, a stale store
 * sets the count back to what its thread had loaded, once in each of its polls.
 * So the least count that any of them has loaded grows with each poll of all.
 * No multiple is left out, as each count that is stored is one more than one
 * that was. So one of them is sure in the end, if later than after that many.
 *
 * A poll that got something is a send or receive like any other, and notifies
 * waiters. One in vain arms no descriptor: that takes a true answer. But a send
 * in vain may have changed the ring: if its position was skipped, it returned
 * the cell. That is room for a sleeper, even where it is none for this thread:
 * behind the cell of another stopped thread.
 */
#include <errno.h>
#include <limits.h>

#include "base/thread_id.h"
#include "base/tracepoint.h"
#include "queue/blocking.h"
#include "queue/descriptor.h"
#include "queue/notify.h"
#include "tuning.h"

/* A poll was in vain. Whether to make sure. */
static inline bool is_due(struct magring_queue *queue, enum side side)
{
	_Atomic(uint32_t) *polls = &queue->counts[thread_self() % QUEUE_STRIPES].polls[side];
	/* Relaxed, and not exact: see above. */
	uint32_t count = atomic_load_explicit(polls, memory_order_relaxed) + 1;
	atomic_store_explicit(polls, count, memory_order_relaxed);
	return __builtin_expect(count % POLLS_TO_BE_SURE == 0, 0);
}

static __attribute__((noinline)) int make_sure(struct magring_queue *queue, enum side side,
	struct magring_message *messages, size_t count)
{
	int result = side == SENDER ? queue_push(queue, messages, count, DEFINITE)
				    : queue_pop(queue, messages, count, DEFINITE);
	return result == -EAGAIN ? refuse(queue, side) : result;
}

/* The last step of a poll that got nothing, or nothing more. */
static inline int not_now(struct magring_queue *queue, enum side side,
	struct magring_message *messages, size_t count, int result)
{
	if (result == -EAGAIN && is_due(queue, side))
		return make_sure(queue, side, messages, count);
	return result;
}

/* A poll is over that got nothing. */
static inline int ended(struct magring_queue *queue, enum side side, int result)
{
	return result == -EAGAIN ? result : descriptor_ended(queue, side, result);
}

/* A push with TRY is over. In vain, it may have returned a cell: see above. */
static inline int pushed(struct magring_queue *queue, int result)
{
	if (result == -EAGAIN)
		pass_wake_up_on(queue, SENDER);
	return result;
}

/* ---------------------------------------------------------------- single -- */

static inline int poll_push(struct magring_queue *queue, const struct magring_message *message)
{
	if (ring_has_nothing(&queue->ring, SENDER))
		return -EAGAIN;
	message_hide(message, 1);
	int result = ring_poll_push(&queue->ring, message);
	message_show(message, result < 0);
	return pushed(queue, result);
}

static inline int poll_pop(struct magring_queue *queue, struct magring_message *ret_message)
{
	if (ring_has_nothing(&queue->ring, RECEIVER))
		return -EAGAIN;
	int result = ring_poll_pop(&queue->ring, ret_message);
	message_show(ret_message, result > 0);
	return result;
}

int magring_try_send(struct magring_queue *queue, struct magring_message *message)
{
	if (queue == NULL || message == NULL || message->private_header == 0)
		return -EINVAL;
	queue_enter(queue, SENDER);
	int result = not_now(queue, SENDER, message, 1, poll_push(queue, message));
	queue_leave(queue, SENDER);
	if (result < 0)
		return ended(queue, SENDER, result);
	message->private_header = 0; /* it is the receiver's now */
	TRACEPOINT3(send, queue, queue->ring.name, 1);
	notify_waiters(queue, SENDER);
	return 0;
}

int magring_try_recv(struct magring_queue *queue, struct magring_message *ret_message)
{
	if (queue == NULL || ret_message == NULL)
		return -EINVAL;
	queue_enter(queue, RECEIVER);
	int result = not_now(queue, RECEIVER, ret_message, 1, poll_pop(queue, ret_message));
	queue_leave(queue, RECEIVER);
	if (result < 0)
		return ended(queue, RECEIVER, result);
	TRACEPOINT3(receive, queue, queue->ring.name, 1);
	notify_waiters(queue, RECEIVER);
	return 0;
}

/* ----------------------------------------------------------------- batch -- */

int magring_try_send_batch(struct magring_queue *queue, struct magring_message *messages,
	size_t count)
{
	if (queue == NULL || (messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (messages[i].private_header == 0)
			return -EINVAL;
	size_t sent = 0;
	int result = 0;
	queue_enter(queue, SENDER);
	while (sent < count) {
		result = ring_has_nothing(&queue->ring, SENDER)
			? -EAGAIN
			: pushed(queue, queue_push(queue, messages + sent, count - sent, TRY));
		if (sent == 0)
			result = not_now(queue, SENDER, messages, count, result);
		if (result < 0)
			break;
		for (int i = 0; i < result; i++)
			messages[sent++].private_header = 0;
		TRACEPOINT3(send, queue, queue->ring.name, result);
		notify_waiters(queue, SENDER);
	}
	queue_leave(queue, SENDER);
	if (result < 0)
		ended(queue, SENDER, result);
	return sent > 0 ? (int)sent : result;
}

/* What one claim brings. */
int magring_try_recv_batch(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count)
{
	if (queue == NULL || (ret_messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	if (count == 0)
		return 0;
	queue_enter(queue, RECEIVER);
	int result = ring_has_nothing(&queue->ring, RECEIVER)
		? -EAGAIN
		: queue_pop(queue, ret_messages, count, TRY);
	result = not_now(queue, RECEIVER, ret_messages, count, result);
	queue_leave(queue, RECEIVER);
	if (result < 0)
		return ended(queue, RECEIVER, result);
	TRACEPOINT3(receive, queue, queue->ring.name, result);
	notify_waiters(queue, RECEIVER);
	return result;
}
