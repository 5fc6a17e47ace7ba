/* SPDX-License-Identifier: MIT */
/*
 * What a pool has: the sums of what its threads count.
 *
 *	in use = allocated - freed,  summed over all caches and `uncached`
 *	carved - trimmed = in use + in caches + in the depot,   their bytes <= memory_limit
 *
 * Counters have one writer at a time, so counting costs no locked instruction. A
 * reader adds up all `freed` before any `allocated`: every free that it sees
 * comes after its allocation, so the difference is never negative. In the same way
 * `trimmed` is read before `carved`, and what is absent before what was taken.
 *
 * Between two trims the memory taken from the system only grows. So its highest value is
 * exact when it is noted before each time that a trim gives something back, and when
 * somebody asks.
 */
#include "pool/pool.h"

#include <errno.h>

static void add_freed(struct magring_class_stats *sum, uint64_t *bytes, struct magazine_counts *counts)
{
	/* [account] acquire: pairs with count_add(); an allocation that this free
	 * follows is counted for whoever reads `allocated` after this. */
	sum->freed += atomic_load_explicit(&counts->freed, memory_order_acquire);
	*bytes += atomic_load_explicit(&counts->freed_bytes, memory_order_acquire);
}

static void add_allocated(struct magring_class_stats *sum, uint64_t *bytes,
	struct magazine_counts *counts)
{
	sum->allocated += atomic_load_explicit(&counts->allocated, memory_order_relaxed);
	*bytes += atomic_load_explicit(&counts->allocated_bytes, memory_order_relaxed);
	sum->carved += atomic_load_explicit(&counts->carved, memory_order_relaxed);
	sum->exchanges += atomic_load_explicit(&counts->exchanges, memory_order_relaxed);
}

static void sum_class(struct magring_pool *pool, unsigned int i, struct magring_class_stats *sum)
{
	uint64_t allocated = 0, freed = 0;
	*sum = (struct magring_class_stats){ .size = sizeof(*sum), .slab_size = slab_size(i) };
	/* [account] acquire: pairs with give_up() in trim.c; what was trimmed is counted as carved. */
	sum->trimmed = atomic_load_explicit(&pool->depot.class[i].trimmed, memory_order_acquire);
	add_freed(sum, &freed, &pool->uncached[i]);
	for (struct cache *cache = thread_first_cache(&pool->registry); cache; cache = cache->next)
		add_freed(sum, &freed, &cache->class[i].counts);
	add_allocated(sum, &allocated, &pool->uncached[i]);
	for (struct cache *cache = thread_first_cache(&pool->registry); cache; cache = cache->next)
		add_allocated(sum, &allocated, &cache->class[i].counts);
	sum->payload_bytes_in_use = allocated - freed;
	uint64_t bytes = (sum->carved - sum->trimmed) * sum->slab_size;
	if (bytes > 0)
		sum->efficiency = (double)sum->payload_bytes_in_use / (double)bytes;
}

/* The highest value so far, of which this one is the latest. */
static uint64_t raise(_Atomic(uint64_t) *high, uint64_t value)
{
	/* Relaxed: a number to look at. */
	uint64_t was = atomic_load_explicit(high, memory_order_relaxed);
	while (was < value && !atomic_compare_exchange_weak_explicit(high, &was, value,
			memory_order_relaxed, memory_order_relaxed))
		;
	return was < value ? value : was;
}

uint64_t pool_memory(struct magring_pool *pool)
{
	struct depot *depot = &pool->depot;
	/* [account] acquire: pairs with chunk_give_back(); what is absent was taken before. */
	size_t absent = atomic_load_explicit(&depot->chunks.absent_bytes, memory_order_acquire);
	uint64_t bytes = sizeof(*pool) - absent +
		atomic_load_explicit(&depot->slabs.taken, memory_order_relaxed) +
		atomic_load_explicit(&depot->metadata.taken, memory_order_relaxed);
	raise(&pool->memory_high, bytes);
	return bytes;
}

int magring_pool_get_class_stats(struct magring_pool *pool, unsigned int class_index,
	struct magring_class_stats *ret_stats)
{
	if (pool == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	if (class_index >= pool->depot.classes)
		return -EINVAL;
	sum_class(pool, class_index, ret_stats);
	return 0;
}

int magring_pool_get_stats(struct magring_pool *pool, struct magring_pool_stats *ret_stats)
{
	if (pool == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	struct depot *depot = &pool->depot;
	struct magring_pool_stats stats = { .size = sizeof(stats), .classes = depot->classes };
	for (unsigned int i = 0; i < depot->classes; i++) {
		struct magring_class_stats sum;
		sum_class(pool, i, &sum);
		stats.allocated += sum.allocated;
		stats.freed += sum.freed;
		stats.exchanges += sum.exchanges;
		stats.payload_bytes_in_use += sum.payload_bytes_in_use;
		stats.slab_bytes_in_use += (sum.allocated - sum.freed) * sum.slab_size;
		stats.slab_bytes_carved += (sum.carved - sum.trimmed) * sum.slab_size;
	}
	stats.slabs_in_use = stats.allocated - stats.freed;
	stats.memory_limit = depot->slabs.limit;
	/* Memory that has changed its class meanwhile was seen twice. */
	if (stats.slab_bytes_carved > stats.memory_limit)
		stats.slab_bytes_carved = stats.memory_limit;
	/* Of a snapshot, so the two may have met in between. */
	if (stats.slab_bytes_carved > stats.slab_bytes_in_use)
		stats.slab_bytes_cached = stats.slab_bytes_carved - stats.slab_bytes_in_use;
	stats.memory_bytes = pool_memory(pool);
	stats.memory_bytes_high = atomic_load_explicit(&pool->memory_high, memory_order_relaxed);
	stats.payload_bytes_in_use_high = raise(&pool->payload_high, stats.payload_bytes_in_use);
	stats.trims = atomic_load_explicit(&pool->trims, memory_order_relaxed);
	stats.trimmed_bytes = atomic_load_explicit(&pool->trimmed_bytes, memory_order_relaxed);
	stats.exhausted = atomic_load_explicit(&pool->exhausted, memory_order_relaxed);
	stats.reclaimed = atomic_load_explicit(&pool->reclaimed, memory_order_relaxed);
	/* [queues] acquire: pairs with magring_queue_destroy(). */
	stats.queues = atomic_load_explicit(&pool->queue_count, memory_order_acquire);
	for (struct cache *cache = thread_first_cache(&pool->registry); cache; cache = cache->next)
		stats.threads += atomic_load_explicit(&cache->owner, memory_order_relaxed) != 0;
	stats.efficiency = (double)stats.payload_bytes_in_use / (double)stats.memory_bytes;
	*ret_stats = stats;
	return 0;
}
