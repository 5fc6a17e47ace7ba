/* SPDX-License-Identifier: MIT */
/*
 * alloc: a slab of a class, and back.
 *
 * `bytes` is what the message asked for, and goes into the counters.
 *
 * The fast forms work on the thread's loaded magazine alone. If that does not
 * do they return NULL and false, and have changed nothing. The slow forms use
 * all that there is.
 */
#ifndef MAGRING_ALLOC_H
#define MAGRING_ALLOC_H

#include "base/prefetch.h"
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

/*
 * With a profile every allocation is a slow one: no cache is found for serial
 * 0. Frees of sampled messages are told by the message.
 *
 * A message with a new payload is sent by a locked instruction, which waits for
 * the stores before it. A slab that another thread freed has its lines in that
 * thread's cache, and the stores would wait for them. So an allocation
 * prefetches the slab that comes next. PREFETCH_BYTES suffice: a processor
 * foresees the rest.
 */
static inline void *pool_alloc_fast(struct magring_pool *pool, unsigned int class_index,
	size_t bytes)
{
	struct cache *cache = thread_cache_of(pool->fast_serial);
	if (__builtin_expect(cache == NULL || !cache_enter(cache), 0))
		return NULL;
	struct magazine_pair *pair = &cache->class[class_index];
	if (__builtin_expect(pair->loaded_rounds == 0, 0)) {
		cache_leave(cache);
		return NULL;
	}
	uint32_t next;
	void *slab = depot_slab(&pool->depot, magazine_take(pair));
	if (magazine_next_cold(pair, &next))
		prefetch_lines(depot_slab(&pool->depot, next),
			bytes < PREFETCH_BYTES ? bytes : PREFETCH_BYTES);
	count_add(&pair->counts.allocated, 1);
	count_add(&pair->counts.allocated_bytes, bytes);
	cache_leave(cache);
	if (slab == NULL)
		__builtin_unreachable(); /* the caller need not ask */
	return slab;
}

static inline bool pool_free_fast(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	void *slab)
{
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	if (__builtin_expect(cache == NULL || !cache_enter(cache), 0))
		return false;
	struct magazine_pair *pair = &cache->class[class_index];
	if (__builtin_expect(pair->loaded_rounds == pair->loaded_capacity, 0)) {
		cache_leave(cache);
		return false;
	}
	magazine_put(pair, depot_round(&pool->depot, slab));
	/* Counted before another thread can have the slab. */
	count_add(&pair->counts.freed, 1);
	count_add(&pair->counts.freed_bytes, bytes);
	cache_leave(cache);
	pool_notify_waiters(pool, class_index);
	return true;
}

#endif
