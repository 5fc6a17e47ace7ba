/* SPDX-License-Identifier: MIT */
/*
 * thread_cache: a thread's cache of free slabs in one pool.
 *
 * thread_exit.h attaches a cache to a thread and takes it back. reclaim.h
 * empties the caches of other threads.
 */
#ifndef MAGRING_THREAD_CACHE_H
#define MAGRING_THREAD_CACHE_H

#include "base/fence.h"
#include "base/thread_id.h"
#include "base/thread_local.h"
#include "pool/magazine.h"
#include "tuning.h"

struct cache {
	struct cache *next;        /* in the pool's registry; never changes */
	_Atomic(uint64_t) owner;   /* the thread it is attached to, 0: none */
	_Atomic(uint64_t) revoked; /* the thread that empties it, 0: none */
	_Atomic(uint32_t) busy;    /* its owner is between cache_enter and cache_leave */
	uint64_t seen_traffic;     /* by the last trim: see thread_empty_idle() */
	int64_t seen_ns;           /* when that was first so */
	struct magazine_pair class[];
};

/* The caches of one pool. */
struct thread_registry {
	_Atomic(struct cache *) first; /* grows at its head, never shrinks */
	uint64_t serial;               /* of this pool, never used again */
	size_t cache_size;
};

/*
 * The last cache that this thread used of the pool whose serial is in `serial`.
 */
struct thread_slot {
	uint64_t serial;
	struct cache *cache;
};
extern THREAD_LOCAL struct thread_slot thread_slots[THREAD_SLOTS];

void thread_registry_init(struct thread_registry *registry, unsigned int classes);

/*
 * The thread's cache of the pool with this serial if a slot has it, else NULL.
 * No pool has serial 0.
 */
static inline struct cache *thread_cache_of(uint64_t serial)
{
	const struct thread_slot *slot = &thread_slots[serial % THREAD_SLOTS];
	if (__builtin_expect(slot->serial != serial, 0))
		return NULL;
	if (slot->cache == NULL)
		__builtin_unreachable(); /* so a caller asks once */
	return slot->cache;
}

static inline struct cache *thread_cache_at_hand(const struct thread_registry *registry)
{
	return thread_cache_of(registry->serial);
}

/* The registry's caches, linked through `next`. */
struct cache *thread_first_cache(struct thread_registry *registry);
/* The calling thread's cache, or NULL. */
struct cache *thread_find_cache(struct thread_registry *registry);
/*
 * Find the thread's cache, or take over a free one, or make one. NULL when the
 * memory for caches is used up. For thread_attach(), which has it given back.
 */
struct cache *thread_adopt_cache(struct thread_registry *registry, struct depot *depot);
/* The calling thread's cache is free for other threads. */
void thread_release_cache(struct cache *cache);
/* Empty the slots of the calling thread. */
void thread_clear_slots(void);

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

/* Hand all slabs of the calling thread's cache to the depot. */
void cache_flush(struct cache *cache, struct depot *depot);

#endif
