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

#define CAPACITY 4096
#define SPACING_TIMEOUT_NS 1000000

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

/* ------------------------------------------------------ create and the rest -- */

void queue_not_exclusive(const struct magring_queue *queue, enum side side)
{
	fprintf(stderr, "magring: two threads %s queue \"%s\" at once, which is for one: MAGRING_SINGLE_%s\n",
		side == SENDER ? "send to" : "receive from", queue->name, side == SENDER ? "SENDER" : "RECEIVER");
	abort();
}

static size_t round_up_capacity(size_t wanted)
{
	size_t capacity = 2;
	while (capacity < wanted)
		capacity *= 2;
	return capacity;
}

int magring_queue_create(struct magring_queue **ret_queue, struct magring_pool *pool,
	const struct magring_queue_options *options)
{
	static _Atomic(uint64_t) serials;
	size_t capacity = CAPACITY;
	uint64_t flags = 0;
	if (ret_queue == NULL || pool == NULL)
		return -EINVAL;
	if (options != NULL) {
		int rc = pool_check_size(options->size, sizeof(*options));
		if (rc != 0)
			return rc;
		if (options->capacity > MAGRING_CAPACITY_MAX)
			return -EINVAL;
		if (options->capacity != 0)
			capacity = round_up_capacity(options->capacity);
		flags = options->flags;
		if (flags & ~(uint64_t)(MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER))
			return -EINVAL;
	}
	struct magring_queue *queue = aligned_alloc(_Alignof(struct magring_queue), sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	int rc = pool_name(queue->name, options != NULL ? options->name : NULL, "queue",
		atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1);
	if (rc == 0)
		rc = ring_init(&queue->ring, 2 * capacity, capacity, 0, RING_FETCHES |
			(flags & MAGRING_SINGLE_SENDER ? RING_EXCLUSIVE_SENDER : 0) |
			(flags & MAGRING_SINGLE_RECEIVER ? RING_EXCLUSIVE_RECEIVER : 0));
	if (rc != 0) {
		free(queue);
		return rc;
	}
	eventcount_init(&queue->eventcount[SENDER]);
	eventcount_init(&queue->eventcount[RECEIVER]);
	queue->pool = pool;
	queue->flags = flags;
	/* Relaxed: nobody destroys the pool beside this call. */
	atomic_fetch_add_explicit(&pool->queue_count, 1, memory_order_relaxed);
	pthread_mutex_lock(&pool->queues_lock);
	cds_list_add_tail(&queue->link, &pool->queues);
	pthread_mutex_unlock(&pool->queues_lock);
	*ret_queue = queue;
	return 0;
}

int magring_queue_destroy(struct magring_queue *queue)
{
	struct magring_message message;
	if (queue == NULL)
		return -EINVAL;
	struct magring_pool *pool = queue->pool;
	thread_lock(&pool->queues_lock);
	cds_list_del(&queue->link);
	thread_unlock(&pool->queues_lock);
	while (ring_pop(&queue->ring, &message) == 1)
		magring_message_free(&message);
	eventcount_fini(&queue->eventcount[SENDER]);
	eventcount_fini(&queue->eventcount[RECEIVER]);
	ring_fini(&queue->ring);
	free(queue);
	/* [queues] release: this call is done with the pool before the count that lets
	 * it be destroyed. */
	atomic_fetch_sub_explicit(&pool->queue_count, 1, memory_order_release);
	return 0;
}

int magring_queue_close(struct magring_queue *queue)
{
	if (queue == NULL)
		return -EINVAL;
	ring_close(&queue->ring);
	eventcount_notify_all(&queue->eventcount[SENDER]);
	eventcount_notify_all(&queue->eventcount[RECEIVER]);
	return 0;
}

size_t magring_queue_capacity(const struct magring_queue *queue)
{
	return queue != NULL ? ring_capacity(&queue->ring) : 0;
}

size_t magring_queue_size(const struct magring_queue *queue)
{
	return queue != NULL ? ring_size(&queue->ring) : 0;
}

int magring_queue_recv_fd(struct magring_queue *queue)
{
	return queue != NULL ? eventcount_fd(&queue->eventcount[RECEIVER]) : -EINVAL;
}

int magring_queue_send_fd(struct magring_queue *queue)
{
	return queue != NULL ? eventcount_fd(&queue->eventcount[SENDER]) : -EINVAL;
}

int magring_queue_get_stats(struct magring_queue *queue, struct magring_queue_stats *ret_stats)
{
	if (queue == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	struct ring_counts ring = ring_counts(&queue->ring);
	struct magring_queue_stats stats = {
		.size = sizeof(stats),
		.sent = ring.sent,
		.received = ring.received,
		.returned = ring.returned,
		.challenged = ring.challenged,
		.quarantined = ring.quarantined,
		.capacity = ring_capacity(&queue->ring),
		.closed = ring.closed,
	};
	for (int i = 0; i < QUEUE_STRIPES; i++) {
		struct queue_counts *counts = &queue->counts[i];
		stats.full += atomic_load_explicit(&counts->in_vain[SENDER], memory_order_relaxed);
		stats.empty += atomic_load_explicit(&counts->in_vain[RECEIVER], memory_order_relaxed);
		stats.parked += atomic_load_explicit(&counts->parked, memory_order_relaxed);
		stats.woken += atomic_load_explicit(&counts->woken, memory_order_relaxed);
	}
	*ret_stats = stats;
	return 0;
}
