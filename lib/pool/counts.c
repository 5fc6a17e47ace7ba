/* SPDX-License-Identifier: MIT */
/*
 * Sums over the counters of all caches, of threads without one, and of threads
 * that have ended.
 *
 *	in use = allocated - freed
 *	carved - trimmed = in use + in caches + in the depot
 *	their bytes <= memory_limit
 *
 * A counter has one writer at a time, so counting costs no locked instruction.
 * If counters move to the accounts of past threads meanwhile, the sum begins
 * anew: see accounts.c.
 *
 * A reader adds up all `freed` before any `allocated`. Each free that it sees
 * follows its allocation, so the difference is never negative. In the same way
 * it reads `trimmed` before `carved`, and what is absent before what was taken.
 *
 * Between two trims the memory taken from the system only grows. So its highest
 * value is exact if it is noted at each reading, and before a trim gives back.
 */
#include "pool/counts.h"

static void add_freed(struct class_counts *sum, struct magazine_counts *counts)
{
	/*
	 * [account] acquire: pairs with count_add(). A reader of `allocated`
	 * after this sees the allocation that the free follows.
	 */
	sum->freed += atomic_load_explicit(&counts->freed, memory_order_acquire);
	sum->freed_bytes += atomic_load_explicit(&counts->freed_bytes, memory_order_acquire);
}

static void add_allocated(struct class_counts *sum, struct magazine_counts *counts)
{
	sum->allocated += atomic_load_explicit(&counts->allocated, memory_order_relaxed);
	sum->allocated_bytes +=
		atomic_load_explicit(&counts->allocated_bytes, memory_order_relaxed);
	sum->exchanges += atomic_load_explicit(&counts->exchanges, memory_order_relaxed);
}

/* One try. The caches stay, as no counter leaves one that is not skipped. */
static struct class_counts add_all(struct magring_pool *pool, unsigned int class_index,
	const struct accounts_sum *accounts)
{
	struct thread_registry *registry = &pool->registry;
	struct cache *cache;
	struct class_counts sum = { 0 };
	/*
	 * [account] acquire: pairs with give_up() in trim_class.c. What was
	 * trimmed is carved.
	 */
	sum.trimmed =
		atomic_load_explicit(&pool->depot.class[class_index].trimmed, memory_order_acquire);
	sum.carved =
		atomic_load_explicit(&pool->depot.class[class_index].carved, memory_order_relaxed);
	add_freed(&sum, &pool->uncached[class_index]);
	add_freed(&sum, accounts->past);
	for (unsigned int i = 0; (cache = thread_next_cache(registry, &i)) != NULL;)
		if (&cache->class[class_index].counts != accounts->counted)
			add_freed(&sum, &cache->class[class_index].counts);
	add_allocated(&sum, &pool->uncached[class_index]);
	add_allocated(&sum, accounts->past);
	for (unsigned int i = 0; (cache = thread_next_cache(registry, &i)) != NULL;)
		if (&cache->class[class_index].counts != accounts->counted)
			add_allocated(&sum, &cache->class[class_index].counts);
	return sum;
}

void pool_count_class(struct magring_pool *pool, unsigned int class_index,
	struct class_counts *ret_counts)
{
	struct accounts_sum sum;
	accounts_open(&pool->accounts);
	do {
		sum = accounts_begin(&pool->accounts, class_index);
		*ret_counts = add_all(pool, class_index, &sum);
	} while (accounts_moved(&pool->accounts, &sum));
	accounts_close(&pool->accounts);
}

/* Returns: the highest value so far, this one included. */
static uint64_t raise(_Atomic(uint64_t) *high, uint64_t value)
{
	/* Relaxed: a number to read. */
	uint64_t was = atomic_load_explicit(high, memory_order_relaxed);
	while (was < value &&
		!atomic_compare_exchange_weak_explicit(high, &was, value, memory_order_relaxed,
			memory_order_relaxed))
		;
	return was < value ? value : was;
}

uint64_t pool_memory(struct magring_pool *pool)
{
	struct depot *depot = &pool->depot;
	/*
	 * [account] acquire: pairs with chunk_give_back(). What is absent was
	 * taken before.
	 */
	size_t absent = atomic_load_explicit(&depot->chunks.absent_bytes, memory_order_acquire);
	uint64_t bytes = sizeof(*pool) - absent +
		atomic_load_explicit(&depot->slabs.taken, memory_order_relaxed) +
		atomic_load_explicit(&depot->metadata.taken, memory_order_relaxed) +
		atomic_load_explicit(&pool->shares.taken, memory_order_relaxed) +
		atomic_load_explicit(&pool->registry.bytes, memory_order_relaxed);
	raise(&pool->memory_high, bytes);
	return bytes;
}

uint64_t pool_raise_payload_high(struct magring_pool *pool, uint64_t bytes)
{
	return raise(&pool->payload_high, bytes);
}

void pool_raise_highs(struct magring_pool *pool)
{
	uint64_t bytes = 0;
	for (unsigned int i = 0; i < pool->depot.classes; i++) {
		struct class_counts counts;
		pool_count_class(pool, i, &counts);
		bytes += counts.allocated_bytes - counts.freed_bytes;
	}
	pool_raise_payload_high(pool, bytes);
	pool_memory(pool);
}
