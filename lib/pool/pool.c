/* SPDX-License-Identifier: MIT */
/*
 * A pool ties together what the other files do with memory: a slab is taken from
 * the thread's cache; if that is empty and the depot has nothing and the budget
 * nothing left, from what other threads' caches hold; and only then there is none.
 *
 * statistics.c tells how they are counted.
 *
 * The number of a pool is its index in a table of all pools, so that a message
 * finds its pool with 16 bits. The table is an RCU one because destructors of
 * ending threads look through it beside a destroy.
 */
#include "pool/pool.h"
#include "tuning.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sanitizer.h"
#include "base/tracepoint.h"

/* How often to reclaim, when other threads are at it, before giving up. */

_Atomic(struct magring_pool *) pools[MAGRING_POOLS_MAX];
static _Atomic(unsigned int) pools_used; /* no higher number was ever given */

unsigned int pool_numbers(void)
{
	/* Relaxed: a thread only looks for pools that it has used itself. */
	return atomic_load_explicit(&pools_used, memory_order_relaxed);
}

int pool_check_size(size_t size, size_t known)
{
	return size > known ? -E2BIG : size < known ? -EINVAL : 0;
}

int pool_name(char *name, const char *wanted, const char *prefix, uint64_t serial)
{
	if (wanted == NULL)
		snprintf(name, MAGRING_NAME_MAX + 1, "%s-%llu", prefix, (unsigned long long)serial);
	else if (strnlen(wanted, MAGRING_NAME_MAX + 1) > MAGRING_NAME_MAX)
		return -ENAMETOOLONG;
	else
		strcpy(name, wanted);
	return 0;
}

int pool_publish(struct magring_pool *pool)
{
	for (unsigned int number = 0; number < MAGRING_POOLS_MAX; number++) {
		struct magring_pool *none = NULL;
		pool->number = (uint16_t)number;
		/* [table] release: the pool is initialised before others find it. */
		if (!atomic_compare_exchange_strong_explicit(&pools[number], &none, pool,
				memory_order_release, memory_order_relaxed))
			continue;
		unsigned int used = pool_numbers();
		while (used <= number && !atomic_compare_exchange_weak_explicit(&pools_used, &used,
				number + 1, memory_order_relaxed, memory_order_relaxed))
			;
		return 0;
	}
	return -EMFILE;
}

void pool_withdraw(struct magring_pool *pool)
{
	/* Relaxed: the grace period orders it. */
	atomic_store_explicit(&pools[pool->number], NULL, memory_order_relaxed);
	/* Threads that are ending may be in thread_detach_all(). */
	thread_wait_for_readers();
}

int magring_pool_flush_thread(struct magring_pool *pool)
{
	if (pool == NULL)
		return -EINVAL;
	thread_flush(&pool->registry, &pool->depot);
	for (unsigned int i = 0; i < pool->depot.classes; i++)
		pool_notify_waiters(pool, i);
	return 0;
}

static void add(_Atomic(uint64_t) *counter, uint64_t amount, bool shared)
{
	if (shared)
		/* [account] release: as in count_add(). */
		atomic_fetch_add_explicit(counter, amount, memory_order_release);
	else
		count_add(counter, amount);
}

/* Without the cache: it is revoked, there is none, or it could not be filled. */
static bool take_round(struct magring_pool *pool, unsigned int class_index,
	struct magazine_counts *counts, bool shared, uint32_t *ret_round)
{
	size_t carved;
	bool got = depot_take_round(&pool->depot, class_index, ret_round, &carved);
	if (carved > 0)
		add(&counts->carved, carved, shared);
	return got;
}

void *pool_alloc_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	bool *ret_hidden)
{
	struct depot *depot = &pool->depot;
	struct cache *cache = thread_cache(&pool->registry, depot);
	struct magazine_counts *counts = cache != NULL ? &cache->class[class_index].counts :
		&pool->uncached[class_index];
	uint32_t round;
	bool got = false;
	*ret_hidden = false;
	if (cache != NULL && cache_enter(cache)) {
		struct magazine_pair *pair = &cache->class[class_index];
		got = pair->loaded_rounds > 0 || magazine_refill(pair, depot, class_index);
		if (got)
			round = magazine_take(pair);
		cache_leave(cache);
	}
	if (!got)
		got = take_round(pool, class_index, counts, cache == NULL, &round);
	bool again = !got;
	for (int i = 0; again && i < RECLAIM_TRIES; i++) {
		if (i > 0)
			sched_yield();
		uint64_t moves = chunk_moves(&depot->chunks);
		size_t slabs = thread_reclaim(&pool->registry, depot, class_index, ret_hidden);
		TRACEPOINT3(reclaim, depot, class_index, slabs);
		atomic_fetch_add_explicit(&pool->reclaimed, slabs, memory_order_relaxed);
		got = take_round(pool, class_index, counts, cache == NULL, &round);
		if (!got && chunk_moved(&depot->chunks, moves))
			*ret_hidden = true;
		/* Another thread has what we look for in its hands, or took it from us. */
		again = !got && (*ret_hidden || slabs > 0);
	}
	if (!got)
		return NULL;
	add(&counts->allocated, 1, cache == NULL);
	add(&counts->allocated_bytes, bytes, cache == NULL);
	return depot_slab(depot, round);
}

void pool_free_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes, void *slab)
{
	struct depot *depot = &pool->depot;
	struct cache *cache = thread_cache(&pool->registry, depot);
	struct magazine_counts *counts = cache != NULL ? &cache->class[class_index].counts :
		&pool->uncached[class_index];
	uint32_t round = depot_round(depot, slab);
	/* Counted first: a slab in a magazine may be allocated again at once. */
	add(&counts->freed, 1, cache == NULL);
	add(&counts->freed_bytes, bytes, cache == NULL);
	if (cache != NULL && cache_enter(cache)) {
		struct magazine_pair *pair = &cache->class[class_index];
		bool room = pair->loaded_rounds < pair->loaded_capacity ||
			magazine_drain(pair, depot, class_index);
		if (room)
			magazine_put(pair, round);
		cache_leave(cache);
		if (room)
			goto settle;
	}
	depot_put_round(depot, class_index, round);
settle:
	pool_notify_waiters(pool, class_index);
}
