/* SPDX-License-Identifier: MIT */
/*
 * alloc: a slab of a class, and back.
 *
 * `bytes` is what the message asked for, and goes into the counters.
 *
 * The fast forms work on the thread's hot slab and loaded magazine alone. If
 * these do not do they return a header of 0, or NULL, and have changed nothing.
 * The slow forms use all that there is. Without asymmetric fences a thread
 * finds no cache for the fast forms: see pool->fast_key.
 */
#ifndef MAGRING_ALLOC_H
#define MAGRING_ALLOC_H

#include "base/sanitizer.h"
#include "pool/pool.h"

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
 * A slab of the thread's for a payload of so many bytes, and the header of its
 * message. The cache has been entered, and is left. Hot: there is such a slab.
 */
static inline __attribute__((always_inline)) struct magring_private_slab
pool_take(struct magring_pool *pool, struct cache *cache, struct magazine_pair *pair, uint64_t slab,
	size_t bytes)
{
	uint64_t header = pair->header | bytes;
	(void)pool; /* only sanitizers want it */
	sanitizer_alloc(pool, (void *)(uintptr_t)slab, bytes);
	count_add(&pair->counts.allocated, 1);
	count_add(&pair->counts.allocated_bytes, bytes);
	cache_leave(cache);
	return (struct magring_private_slab){ header, slab };
}

static inline __attribute__((always_inline)) struct magring_private_slab
pool_take_hot(struct magring_pool *pool, struct cache *cache, struct magazine_pair *pair,
	size_t bytes)
{
	uint64_t slab = pair->hot;
	pair->hot = HOT_NONE;
	return pool_take(pool, cache, pair, slab, bytes);
}

/* From the loaded magazine, or none. */
struct magring_private_slab pool_take_loaded(struct magring_pool *pool, struct cache *cache,
	struct magazine_pair *pair, size_t bytes);
/* As fences are not asymmetric: with the thread's cache, or none. */
struct magring_private_slab pool_alloc_fenced(struct magring_pool *pool, size_t bytes);

/* The thread's cache, which is entered; or NULL. */
static inline struct cache *pool_enter_fast(struct magring_pool *pool)
{
	struct cache *cache = thread_cache_of(pool->fast_key);
	return __builtin_expect(cache != NULL && cache_enter_fast(cache), 1) ? cache : NULL;
}

/* A slab of this pair, or none. The cache has been entered, and is left. */
static inline __attribute__((always_inline)) struct magring_private_slab
pool_take_entered(struct magring_pool *pool, struct cache *cache, size_t offset, size_t bytes)
{
	struct magazine_pair *pair = cache_pair(cache, offset);
	if (__builtin_expect(pair->hot <= HOT_NONE, 0))
		return pool_take_loaded(pool, cache, pair, bytes);
	return pool_take_hot(pool, cache, pair, bytes);
}

/* The same of the thread's cache, which is to be entered. */
static inline __attribute__((always_inline)) struct magring_private_slab
pool_take_at(struct magring_pool *pool, size_t offset, size_t bytes)
{
	struct cache *cache = pool_enter_fast(pool);
	if (__builtin_expect(cache == NULL, 0))
		return (struct magring_private_slab){ 0 };
	return pool_take_entered(pool, cache, offset, bytes);
}

/* A slab was put into the cache, which has been entered. */
static inline void pool_end_free(struct magring_pool *pool, struct cache *cache,
	struct magazine_pair *pair, size_t class_index, size_t bytes)
{
	/* Counted before another thread can have the slab. */
	count_add(&pair->counts.freed, 1);
	count_add(&pair->counts.freed_bytes, bytes);
	cache_leave(cache);
	/* [sleep] light side: pairs with eventcount_prepare_wait(). */
	fence_light_asymmetric();
	pool_notify_fenced(pool, class_index);
}

#endif
