/* SPDX-License-Identifier: MIT */
/*
 * A queue: made, destroyed, closed, and asked about. What send and receive do
 * is in send_recv.c.
 */
#include "queue/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tuning.h"

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
	size_t capacity = QUEUE_CAPACITY;
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
