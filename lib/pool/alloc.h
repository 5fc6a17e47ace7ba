/* SPDX-License-Identifier: MIT */
/*
 * alloc: a slab of a class, and back.
 *
 * `bytes` is what the message asked for, and goes into the counters.
 *
 * The fast forms work on the thread's loaded magazine alone. If that does not
 * do they return a header of 0 and false, and have changed nothing. The slow
 * forms use all that there is. Without asymmetric fences a thread finds no
 * cache for the fast forms: see pool->fast_key.
 */
#ifndef MAGRING_ALLOC_H
#define MAGRING_ALLOC_H

#include "base/prefetch.h"
#include "base/sanitizer.h"
#include "pool/pool.h"
#include "tuning.h"

/*
 * The slab may be of a larger class than was asked for: *class_index is changed
 * then.
 *
 * Returns: a slab, or NULL if no memory is left. Then *ret_hidden tells whether
 *          some is only out of reach for now. Another thread may be at work in
 *          its cache, or have free memory in its hands to cut or trim it.
 */
void *pool_alloc_slowly(struct magring_pool *pool, unsigned int *class_index, size_t bytes,
	bool *ret_hidden);
void pool_free_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	void *slab);
/* A free in two steps: count it, and later have the slab in use again. */
void pool_count_free(struct magring_pool *pool, unsigned int class_index, size_t bytes);
void pool_put_slab(struct magring_pool *pool, unsigned int class_index, uint32_t round);

/*
 * A slab for a payload of so many bytes, fast_max at most, and the header of
 * its message.
 *
 * A message with a new payload is sent by a locked instruction, which waits for
 * the stores before it. A slab that another thread freed has its lines in that
 * thread's cache, and the stores would wait for them. So an allocation
 * prefetches the slab that comes next. PREFETCH_BYTES suffice: a processor
 * foresees the rest.
 */
static inline __attribute__((always_inline)) struct magring_private_slab
pool_take(struct magring_pool *pool, struct magazine_pair *pair, size_t bytes)
{
	void *slab = depot_slab(&pool->depot, magazine_take(pair));
	uint64_t header = pair->header | bytes;
	sanitizer_alloc(pool, slab, bytes);
	count_add(&pair->counts.allocated, 1);
	count_add(&pair->counts.allocated_bytes, bytes);
	return (struct magring_private_slab){ header, (uintptr_t)slab };
}

/* The same if the next slab, too, is likely in another core's cache. */
struct magring_private_slab pool_take_cold(struct magring_pool *pool, struct cache *cache,
	struct magazine_pair *pair, size_t bytes);

/* `fenced`: as fences are not asymmetric. */
static inline __attribute__((always_inline)) struct magring_private_slab
pool_alloc_fast(struct magring_pool *pool, size_t bytes, bool fenced)
{
	const struct magring_private_slab none = { 0 };
	struct cache *cache = thread_cache_of(fenced ? pool->registry.key : pool->fast_key);
	if (__builtin_expect(cache == NULL ||
			    !(fenced ? cache_enter(cache) : cache_enter_fast(cache)),
		    0))
		return none;
	struct magazine_pair *pair = pool_pair(pool, cache, bytes);
	/* One test for none and for cold ones. */
	if (__builtin_expect(pair->loaded_rounds <= pair->cold_rounds, 0)) {
		if (pair->loaded_rounds > 0)
			return pool_take_cold(pool, cache, pair, bytes);
		cache_leave(cache);
		return none;
	}
	struct magring_private_slab slab = pool_take(pool, pair, bytes);
	cache_leave(cache);
	return slab;
}

static inline bool pool_free_fast(struct magring_pool *pool, size_t class_index, size_t bytes,
	uint32_t round)
{
	struct cache *cache = thread_cache_of(pool->fast_key);
	if (__builtin_expect(cache == NULL || !cache_enter_fast(cache), 0))
		return false;
	struct magazine_pair *pair = &cache->class[class_index];
	__asm__("" : "+r"(pair)); /* one register, where gcc takes three */
	if (__builtin_expect(pair->loaded_rounds == pair->loaded_capacity, 0)) {
		cache_leave(cache);
		return false;
	}
	magazine_put(pair, round);
	/* Counted before another thread can have the slab. */
	count_add(&pair->counts.freed, 1);
	count_add(&pair->counts.freed_bytes, bytes);
	cache_leave(cache);
	/* [sleep] light side: pairs with eventcount_prepare_wait(). */
	fence_light_asymmetric();
	pool_notify_fenced(pool, (unsigned int)class_index);
	return true;
}

#endif
