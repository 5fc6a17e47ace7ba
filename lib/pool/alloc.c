/* SPDX-License-Identifier: MIT */
/*
 * Allocation and free where the loaded magazine does not do.
 *
 *	alloc                                  free
 *	the cache, refilled from the depot     the cache, drained into the depot
 *	one slab of the depot, or carved       one slab into the depot
 *	what the other caches hold, reclaimed
 *	what other classes have and do not use: pressure.c
 *	a slab of a larger class, the nearest that has one
 *	NULL
 *
 * What a caller does with NULL stands in alloc_wait.c, with the whole order.
 *
 * A thread without a cache, or whose cache is revoked, works on the depot. Its
 * counters are the cache's, or the pool's if it has none.
 */
#include "pool/alloc.h"

#include "base/pause.h"
#include "base/prefetch.h"
#include "base/tracepoint.h"
#include "pool/carve.h"
#include "pool/pressure.h"
#include "pool/reclaim.h"
#include "pool/thread_exit.h"
#include "tuning.h"

/* A pool, the thread's cache, and the class of the slab. */
struct request {
	struct magring_pool *pool;
	struct cache *cache; /* NULL: counters are shared */
	unsigned int class_index;
};

static inline struct magazine_counts *counts_of(const struct request *request)
{
	return request->cache != NULL ? &request->cache->class[request->class_index].counts
				      : &request->pool->uncached[request->class_index];
}

static inline struct request request_of(struct magring_pool *pool, unsigned int class_index)
{
	return (struct request){ pool, thread_cache(&pool->registry), class_index };
}

static void add(_Atomic(uint64_t) *counter, uint64_t amount, bool shared)
{
	if (shared)
		/* [account] release: as in count_add(). */
		atomic_fetch_add_explicit(counter, amount, memory_order_release);
	else
		count_add(counter, amount);
}

static bool take_cached(const struct request *request, uint32_t *ret_round)
{
	struct cache *cache = request->cache;
	if (cache == NULL || !cache_enter(cache))
		return false;
	struct magazine_pair *pair = &cache->class[request->class_index];
	struct depot *depot = &request->pool->depot;
	bool got = magazine_take_hot(pair, depot, ret_round);
	if (!got &&
		(pair->loaded_rounds > 0 || magazine_refill(pair, depot, request->class_index))) {
		*ret_round = magazine_take(pair);
		got = true;
	}
	cache_leave(cache);
	return got;
}

/* Without the cache: it is revoked, or could not be filled, or is none. */
static bool take_round(const struct request *request, uint32_t *ret_round)
{
	return depot_take_round(&request->pool->depot, request->class_index, ret_round);
}

/*
 * A slab of a larger class. Those that wait for one of that class are notified,
 * as this thread had some in its hands.
 */
static bool take_larger(struct request *request, const struct survey *survey, uint32_t *ret_round,
	bool *ret_hidden)
{
	struct depot *depot = &request->pool->depot;
	for (unsigned int i = request->class_index + 1; i < depot->classes; i++) {
		bool hidden = false;
		if (survey->free[i] == 0 || turns_closed(&request->pool->turns[i]))
			continue;
		bool got = depot_take_round(depot, i, ret_round);
		if (!got) {
			thread_reclaim(&request->pool->registry, depot, i, &hidden);
			got = depot_take_round(depot, i, ret_round);
		}
		pool_notify_waiters(request->pool, i);
		if (got) {
			request->class_index = i;
			return true;
		}
		*ret_hidden = *ret_hidden || hidden;
	}
	return false;
}

static bool take_reclaimed(struct request *request, uint32_t *ret_round, bool *ret_hidden)
{
	struct magring_pool *pool = request->pool;
	struct depot *depot = &pool->depot;
	for (int i = 0; i < RECLAIM_TRIES; i++) {
		struct survey survey;
		if (i > 0)
			pause_for(RECLAIM_PAUSE_NS);
		uint64_t moves = chunk_moves(&depot->chunks);
		size_t slabs =
			thread_reclaim(&pool->registry, depot, request->class_index, ret_hidden);
		TRACEPOINT4(reclaim, depot, depot->name, request->class_index, slabs);
		atomic_fetch_add_explicit(&pool->reclaimed, slabs, memory_order_relaxed);
		if (take_round(request, ret_round))
			return true;
		pressure_survey(pool, &survey);
		if (pressure_trim(pool, request->class_index, &survey, ret_hidden)) {
			moves++; /* its own */
			if (take_round(request, ret_round))
				return true;
		}
		if (take_larger(request, &survey, ret_round, ret_hidden))
			return true;
		if (chunk_moved(&depot->chunks, moves))
			*ret_hidden = true;
		/* Otherwise another thread holds the slab, or took it first. */
		if (!*ret_hidden && slabs == 0)
			return false;
	}
	return false;
}

void *pool_alloc_slowly(struct magring_pool *pool, unsigned int *class_index, size_t bytes,
	bool *ret_hidden)
{
	struct request request = request_of(pool, *class_index);
	uint32_t round;
	*ret_hidden = false;
	if (!take_cached(&request, &round) && !take_round(&request, &round) &&
		!take_reclaimed(&request, &round, ret_hidden))
		return NULL;
	*class_index = request.class_index;
	struct magazine_counts *counts = counts_of(&request);
	add(&counts->allocated, 1, request.cache == NULL);
	add(&counts->allocated_bytes, bytes, request.cache == NULL);
	return depot_slab(&pool->depot, round);
}

/*
 * A message with a new payload is sent by a locked instruction, which waits for
 * the stores before it. A slab that another thread freed has its lines in that
 * thread's cache, and the stores would wait for them. So an allocation
 * prefetches the slab that comes next. PREFETCH_BYTES suffice: a processor
 * foresees the rest.
 */
struct magring_private_slab pool_take_loaded(struct magring_pool *pool, struct cache *cache,
	struct magazine_pair *pair, size_t bytes)
{
	uint32_t next;
	/* One test for none and for cold ones. */
	if (__builtin_expect(pair->loaded_rounds <= pair->cold_rounds, 0) &&
		pair->loaded_rounds == 0) {
		cache_leave(cache);
		return (struct magring_private_slab){ 0 };
	}
	void *slab = depot_slab(&pool->depot, magazine_take(pair));
	if (magazine_next_cold(pair, &next))
		prefetch_lines(depot_slab(&pool->depot, next),
			bytes < PREFETCH_BYTES ? bytes : PREFETCH_BYTES);
	return pool_take(pool, cache, pair, (uintptr_t)slab, bytes);
}

struct magring_private_slab pool_alloc_fenced(struct magring_pool *pool, size_t bytes)
{
	size_t offset;
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	if (!pool_find_pair(pool, bytes, &offset) || cache == NULL || !cache_enter(cache))
		return (struct magring_private_slab){ 0 };
	return pool_take_entered(pool, cache, offset, bytes);
}

static bool put_cached(const struct request *request, uint32_t round)
{
	struct cache *cache = request->cache;
	if (cache == NULL || !cache_enter(cache))
		return false;
	struct magazine_pair *pair = &cache->class[request->class_index];
	bool room = pair->loaded_rounds < pair->loaded_capacity ||
		magazine_drain(pair, &request->pool->depot, request->class_index);
	if (room)
		magazine_put(pair, round);
	cache_leave(cache);
	return room;
}

static void count_free(const struct request *request, size_t bytes)
{
	struct magazine_counts *counts = counts_of(request);
	add(&counts->freed, 1, request->cache == NULL);
	add(&counts->freed_bytes, bytes, request->cache == NULL);
}

static void put_slab(const struct request *request, uint32_t round)
{
	struct magring_pool *pool = request->pool;
	if (!put_cached(request, round))
		depot_put_round(&pool->depot, request->class_index, round);
	pool_notify_waiters(pool, request->class_index);
}

void pool_free_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes, void *slab)
{
	struct request request = request_of(pool, class_index);
	/* Counted first: the slab may be allocated again at once. */
	count_free(&request, bytes);
	put_slab(&request, depot_round(&pool->depot, slab));
}

void pool_count_free(struct magring_pool *pool, unsigned int class_index, size_t bytes)
{
	struct request request = request_of(pool, class_index);
	count_free(&request, bytes);
}

void pool_put_slab(struct magring_pool *pool, unsigned int class_index, uint32_t round)
{
	struct request request = request_of(pool, class_index);
	put_slab(&request, round);
}
