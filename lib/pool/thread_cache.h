/* SPDX-License-Identifier: MIT */
/*
 * thread_cache: a thread's cache of free slabs in one pool.
 *
 * thread_registry.h has the caches of a pool. thread_exit.h attaches one to a
 * thread and takes it back. reclaim.h empties the caches of other threads.
 */
#ifndef MAGRING_THREAD_CACHE_H
#define MAGRING_THREAD_CACHE_H

#include "base/fence.h"
#include "base/thread_id.h"
#include "base/thread_local.h"
#include "pool/magazine.h"
#include "pool/thread_directory.h"

/* All zero: it holds nothing, and has counted nothing. */
struct cache {
	_Atomic(uint64_t) revoked;  /* the thread that empties it, 0: none */
	_Atomic(uint32_t) busy;     /* its owner is between cache_enter and cache_leave */
	unsigned int index;         /* in the registry; written by each owner */
	struct cache *next_revoked; /* of the thread that has revoked it */
	uint64_t seen_traffic;      /* by the last trim: see thread_empty_idle() */
	int64_t seen_ns;            /* when that was first so */
	struct magazine_pair class[];
};

/* No pool has it. (Nor 0, which unused slots have.) */
#define NO_KEY UINT64_MAX

/* The thread's cache of the pool with this key, or NULL. The key is not 0. */
static inline struct cache *thread_cache_of(uint64_t key)
{
	const struct thread_slot *slot = thread_slot_of(key);
	if (__builtin_expect(slot->key != key, 0))
		return NULL;
	if (slot->cache == NULL)
		__builtin_unreachable(); /* so a caller asks once */
	return slot->cache;
}

static inline void cache_leave(struct cache *cache)
{
	/* [left] release: the owner's work on the magazines is over before the
	 * cache reads as not busy. */
	atomic_store_explicit(&cache->busy, 0, memory_order_release);
}

/*
 * Between enter and leave the magazines are the owner's. False: another thread
 * is emptying the cache, and the owner must not touch it.
 */
static inline bool cache_enter(struct cache *cache)
{
	/* [revoked] light side: the mark is stored before `revoked` is read. A
	 * reclaimer that missed the mark has set `revoked` before. */
	atomic_store_explicit(&cache->busy, 1, memory_order_relaxed);
	fence_light();
	/*
	 * [returned] acquire: pairs with empty_revoked(). The magazines are as
	 * the reclaimer left them.
	 */
	if (__builtin_expect(atomic_load_explicit(&cache->revoked, memory_order_acquire) == 0, 1))
		return true;
	cache_leave(cache);
	return false;
}

/* The same in a thread that knows that fences are asymmetric. */
static inline bool cache_enter_fast(struct cache *cache)
{
	/* [revoked] light side, as above. */
	atomic_store_explicit(&cache->busy, 1, memory_order_relaxed);
	fence_light_asymmetric();
	/* [returned] acquire, as above. */
	uint64_t reclaimer = atomic_load_explicit(&cache->revoked, memory_order_acquire);
	if (__builtin_expect(reclaimer == 0, 1))
		return true;
	cache_leave(cache);
	return false;
}

/*
 * Hand all slabs of the calling thread's cache to the depot. False: a reclaimer
 * is emptying it, or will find it.
 */
bool cache_flush(struct cache *cache, struct depot *depot);

#endif
