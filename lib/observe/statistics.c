/* SPDX-License-Identifier: MIT */
/*
 * Statistics of a pool, for programs: the structures of magring.h.
 *
 * pool/counts.c sums up the counters. Read while other threads work they are a
 * snapshot, in which each difference of two counts is at least zero.
 */
#include <errno.h>

#include "pool/counts.h"

int magring_pool_get_class_stats(struct magring_pool *pool, unsigned int class_index,
	struct magring_class_stats *ret_stats)
{
	struct class_counts counts;
	if (pool == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	if (class_index >= pool->depot.classes)
		return -EINVAL;
	pool_count_class(pool, class_index, &counts);
	struct magring_class_stats stats = {
		.size = sizeof(stats),
		.slab_size = slab_size(class_index),
		.allocated = counts.allocated,
		.freed = counts.freed,
		.payload_bytes_in_use = counts.allocated_bytes - counts.freed_bytes,
		.carved = counts.carved,
		.trimmed = counts.trimmed,
		.exchanges = counts.exchanges,
	};
	uint64_t bytes = (stats.carved - stats.trimmed) * stats.slab_size;
	if (bytes > 0)
		stats.efficiency = (double)stats.payload_bytes_in_use / (double)bytes;
	*ret_stats = stats;
	return 0;
}

static void add_class(struct magring_pool_stats *stats, struct magring_pool *pool,
	unsigned int class_index)
{
	struct class_counts counts;
	pool_count_class(pool, class_index, &counts);
	uint64_t size = slab_size(class_index);
	stats->allocated += counts.allocated;
	stats->freed += counts.freed;
	stats->exchanges += counts.exchanges;
	stats->payload_bytes_in_use += counts.allocated_bytes - counts.freed_bytes;
	stats->slab_bytes_in_use += (counts.allocated - counts.freed) * size;
	stats->slab_bytes_carved += (counts.carved - counts.trimmed) * size;
}

/* The differences and bounds of what add_class() has summed up. */
static void conclude(struct magring_pool_stats *stats)
{
	stats->slabs_in_use = stats->allocated - stats->freed;
	/* Memory that has changed its class meanwhile was counted twice. */
	if (stats->slab_bytes_carved > stats->memory_limit)
		stats->slab_bytes_carved = stats->memory_limit;
	/* The two are of a snapshot, so in use may be the larger one. */
	if (stats->slab_bytes_carved > stats->slab_bytes_in_use)
		stats->slab_bytes_cached = stats->slab_bytes_carved - stats->slab_bytes_in_use;
	stats->efficiency = (double)stats->payload_bytes_in_use / (double)stats->memory_bytes;
}

int magring_pool_get_stats(struct magring_pool *pool, struct magring_pool_stats *ret_stats)
{
	if (pool == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	struct magring_pool_stats stats = { .size = sizeof(stats), .classes = pool->depot.classes };
	for (unsigned int i = 0; i < pool->depot.classes; i++)
		add_class(&stats, pool, i);
	stats.memory_limit = pool->depot.slabs.limit;
	stats.memory_bytes = pool_memory(pool);
	conclude(&stats);
	stats.memory_bytes_high = atomic_load_explicit(&pool->memory_high, memory_order_relaxed);
	stats.payload_bytes_in_use_high = pool_raise_payload_high(pool, stats.payload_bytes_in_use);
	stats.trims = atomic_load_explicit(&pool->trims, memory_order_relaxed);
	stats.trimmed_bytes = atomic_load_explicit(&pool->trimmed_bytes, memory_order_relaxed);
	stats.exhausted = atomic_load_explicit(&pool->exhausted, memory_order_relaxed);
	stats.reclaimed = atomic_load_explicit(&pool->reclaimed, memory_order_relaxed);
	/* [queues] acquire: pairs with magring_queue_release(). */
	stats.queues = atomic_load_explicit(&pool->queue_count, memory_order_acquire);
	stats.queue_bytes = atomic_load_explicit(&pool->queue_bytes, memory_order_relaxed);
	stats.threads = atomic_load_explicit(&pool->registry.attached, memory_order_relaxed);
	*ret_stats = stats;
	return 0;
}
