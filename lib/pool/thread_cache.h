/* SPDX-License-Identifier: MIT */
/*
 * thread: which cache is whose.
 */
#ifndef MAGRING_THREAD_H
#define MAGRING_THREAD_H

#include <pthread.h>

#include "base/fence.h"
#include "base/thread_local.h"
#include "pool/magazine.h"
#include "tuning.h"

/* The caches of one pool. */
struct thread_registry {
	_Atomic(struct cache *) first; /* grows at its head, never shrinks */
	uint64_t serial;               /* of this pool, never used again */
	size_t cache_size;
};

/* The last cache that this thread used of the pool whose serial is in `serial`. */
struct thread_slot {
	uint64_t serial;
	struct cache *cache;
};
extern THREAD_LOCAL struct thread_slot thread_slots[THREAD_SLOTS];

/* The calling thread's number, 1 or more, never used again. */
uint64_t thread_self(void);

void thread_registry_init(struct thread_registry *registry, unsigned int classes);

/* Attach: find the thread's cache, or take over a free one, or make one. NULL
 * when the memory for caches is used up. */
struct cache *thread_attach(struct thread_registry *registry, struct depot *depot);

/* The thread's cache of the pool with this serial if it is in the table, else NULL. No pool has
 * serial 0. */
static inline struct cache *thread_cache_of(uint64_t serial)
{
	const struct thread_slot *slot = &thread_slots[serial % THREAD_SLOTS];
	return __builtin_expect(slot->serial == serial, 1) ? slot->cache : NULL;
}

static inline struct cache *thread_cache_at_hand(const struct thread_registry *registry)
{
	return thread_cache_of(registry->serial);
}

static inline struct cache *thread_cache(struct thread_registry *registry, struct depot *depot)
{
	struct cache *cache = thread_cache_at_hand(registry);
	return cache != NULL ? cache : thread_attach(registry, depot);
}

/* The registry's caches, linked through `next`. */
struct cache *thread_first_cache(struct thread_registry *registry);

/* Whether this process is the child of a fork beside pools. */
bool thread_is_forked(void);
/* Lock and unlock, but for the child of a fork: it has one thread, and a lock of its parent's may
 * have been another's, who is not there to give it back. What that one had half done is still a list
 * from which others may be taken. */
void thread_lock(pthread_mutex_t *lock);
void thread_unlock(pthread_mutex_t *lock);
/* Give the calling thread's caches back, of every pool that is published. */
void thread_detach_all(void);
/* Between these the pools that are found in the table stay. What begin returns is for end. */
unsigned int thread_section_begin(void);
void thread_section_end(unsigned int half);
/* Wait until every thread that was in such a section is out of it. */
void thread_wait_for_readers(void);

/* Hand the calling thread's slabs of this pool to the depot. */
void thread_flush(struct thread_registry *registry, struct depot *depot);

/* Empty the class out of all other threads' caches into the depot. Returns how many
 * slabs, and in *ret_hidden whether some are out of reach: in caches at which their
 * owners, or other reclaimers, are at work right now. */
size_t thread_reclaim(struct thread_registry *registry, struct depot *depot,
	unsigned int class_index, bool *ret_hidden);

/* Empty the caches without traffic for at least idle_ns, so far as calls of this function have
 * seen: no two at a time. 0: all. Returns how many slabs. */
size_t thread_empty_idle(struct thread_registry *registry, struct depot *depot, int64_t idle_ns);

static inline void cache_leave(struct cache *cache)
{
	/* [left] release: the owner's work on the magazines is over before the
	 * cache reads as not busy. */
	atomic_store_explicit(&cache->busy, 0, memory_order_release);
}

/*
 * Between enter and leave the magazines are the owner's, or else false: another
 * thread is emptying the cache.
 */
static inline bool cache_enter(struct cache *cache)
{
	/* [revoked] light side: the mark is stored before `revoked` is read, and a
	 * reclaimer that missed the mark has set `revoked` before. */
	atomic_store_explicit(&cache->busy, 1, memory_order_relaxed);
	fence_light();
	/* [returned] acquire: pairs with empty_revoked(); the
	 * magazines are as the reclaimer left them. */
	if (__builtin_expect(atomic_load_explicit(&cache->revoked, memory_order_acquire) == 0, 1))
		return true;
	cache_leave(cache);
	return false;
}

#endif
