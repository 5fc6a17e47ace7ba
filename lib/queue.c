/* SPDX-License-Identifier: MIT */
/*
 * A queue is a ring with two gates: senders wait at one until it is not full,
 * receivers at the other until it is not empty. What a call does in the common case
 * is here, what it does when it must wait in wait.c.
 *
 * Whoever has changed the ring looks at both gates: at the other side's, because
 * there is now one more message (one more free cell); and at its own, to pass a
 * wake-up on if there is more to be had.
 *
 *	[sleep] light side: the ring is changed, then the gates are read. Heavy side
 *	in gate_enter() and gate_arm().
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"
#include "clock.h"
#include "fence.h"
#include "probe.h"
#include "wait.h"

#define CAPACITY 4096
#define APART_TIMEOUT_NS 1000000

/* The ring was changed by one who went this way. */
static inline void settle(struct magring_queue *queue, enum way way)
{
	enum way other = way == SENDING ? RECEIVING : SENDING;
	/* [sleep] light side: pairs with gate_enter() and gate_arm(). */
	fence_light();
	if (__builtin_expect(gate_wanted(&queue->gate[other]), 0))
		wait_wake(queue, other);
	if (__builtin_expect(gate_wanted(&queue->gate[way]), 0))
		wait_pass_on(queue, way);
}

/* For single messages, by those who may wait for longer than that takes. Lines of a batch travel side by
 * side in any case. */
static inline void keep_apart(const struct magring_queue *queue, enum way way, int64_t timeout_ns)
{
	bool full = way == RECEIVING;
	if (__builtin_expect(ring_position(&queue->ring, full) % APART_EVERY == 0, 0) &&
			(timeout_ns < 0 || timeout_ns > APART_TIMEOUT_NS))
		apart_keep(&queue->ring, full);
}

/* ------------------------------------------------------------- send, recv -- */

int magring_send(struct magring_queue *queue, struct magring_message *message, int64_t timeout_ns)
{
	if (queue == NULL || message == NULL || message->private_header == 0)
		return -EINVAL;
	queue_enter(queue, SENDING);
	keep_apart(queue, SENDING, timeout_ns);
	message_hide(message, 1);
	int result = ring_try_push(&queue->ring, message, timeout_ns == 0);
	message_show(message, result < 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, SENDING, message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, SENDING);
	if (__builtin_expect(result < 0, 0))
		return result;
	message->private_header = 0; /* it is the receiver's now */
	PROBE2(send, queue, 1);
	settle(queue, SENDING);
	return 0;
}

int magring_recv(struct magring_queue *queue, struct magring_message *ret_message, int64_t timeout_ns)
{
	if (queue == NULL || ret_message == NULL)
		return -EINVAL;
	queue_enter(queue, RECEIVING);
	keep_apart(queue, RECEIVING, timeout_ns);
	int result = ring_try_pop(&queue->ring, ret_message, timeout_ns == 0);
	message_show(ret_message, result > 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVING, ret_message, 1, clock_deadline(timeout_ns));
	queue_leave(queue, RECEIVING);
	if (__builtin_expect(result < 0, 0))
		return result;
	PROBE2(receive, queue, 1);
	settle(queue, RECEIVING);
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
	queue_enter(queue, SENDING);
	while (sent < count) {
		result = queue_push(queue, messages + sent, count - sent, timeout_ns == 0);
		if (__builtin_expect(result == -EAGAIN, 0)) {
			if (deadline_ns == -1)
				deadline_ns = clock_deadline(timeout_ns);
			result = wait_for(queue, SENDING, messages + sent, count - sent, deadline_ns);
		}
		if (result < 0)
			break;
		for (int i = 0; i < result; i++)
			messages[sent++].private_header = 0;
		PROBE2(send, queue, result);
		settle(queue, SENDING);
	}
	queue_leave(queue, SENDING);
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
		PROBE2(receive, queue, result);
		settle(queue, RECEIVING);
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
	queue_enter(queue, RECEIVING);
	int result = queue_pop(queue, ret_messages, count, timeout_ns == 0);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVING, ret_messages, count, clock_deadline(timeout_ns));
	if (result > 0) {
		PROBE2(receive, queue, result);
		settle(queue, RECEIVING);
		if ((size_t)result < count && (size_t)result == queue->ring.claim_max)
			result += receive_more(queue, ret_messages + result, count - (size_t)result);
	}
	queue_leave(queue, RECEIVING);
	return result;
}

/* ------------------------------------------------------ create and the rest -- */

void queue_not_alone(const struct magring_queue *queue, enum way way)
{
	fprintf(stderr, "magring: two threads %s queue \"%s\" at once, which is for one: MAGRING_SINGLE_%s\n",
		way == SENDING ? "send to" : "receive from", queue->name, way == SENDING ? "SENDER" : "RECEIVER");
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
			(flags & MAGRING_SINGLE_SENDER ? RING_ALONE_SENDER : 0) |
			(flags & MAGRING_SINGLE_RECEIVER ? RING_ALONE_RECEIVER : 0));
	if (rc != 0) {
		free(queue);
		return rc;
	}
	gate_init(&queue->gate[SENDING]);
	gate_init(&queue->gate[RECEIVING]);
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
	gate_fini(&queue->gate[SENDING]);
	gate_fini(&queue->gate[RECEIVING]);
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
	gate_wake_all(&queue->gate[SENDING]);
	gate_wake_all(&queue->gate[RECEIVING]);
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
	return queue != NULL ? gate_fd(&queue->gate[RECEIVING]) : -EINVAL;
}

int magring_queue_send_fd(struct magring_queue *queue)
{
	return queue != NULL ? gate_fd(&queue->gate[SENDING]) : -EINVAL;
}

int magring_queue_stats(struct magring_queue *queue, struct magring_queue_stats *ret_stats)
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
		.questions = ring.questions,
		.quarantined = ring.quarantined,
		.capacity = ring_capacity(&queue->ring),
		.closed = ring.closed,
	};
	for (int i = 0; i < QUEUE_STRIPES; i++) {
		struct queue_counts *counts = &queue->counts[i];
		stats.full += atomic_load_explicit(&counts->in_vain[SENDING], memory_order_relaxed);
		stats.empty += atomic_load_explicit(&counts->in_vain[RECEIVING], memory_order_relaxed);
		stats.parked += atomic_load_explicit(&counts->parked, memory_order_relaxed);
		stats.woken += atomic_load_explicit(&counts->woken, memory_order_relaxed);
	}
	*ret_stats = stats;
	return 0;
}
