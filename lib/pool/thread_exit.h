/* SPDX-License-Identifier: MIT */
/*
 * thread_exit: caches that a thread gives back when it ends.
 */
#ifndef MAGRING_THREAD_EXIT_H
#define MAGRING_THREAD_EXIT_H

#include "pool/thread_registry.h"

/*
 * Attach a cache to the calling thread, until the thread ends.
 *
 * Returns: the cache. NULL when there is no memory for it, or nothing
 *          would give the cache back: the thread is ending, or the library has
 *          no key for thread-specific data (any more).
 */
struct cache *thread_attach(struct thread_registry *registry);

static inline struct cache *thread_cache(struct thread_registry *registry)
{
	struct cache *cache = thread_cache_at_hand(registry);
	return cache != NULL ? cache : thread_attach(registry);
}

/* Give back the calling thread's caches of all published pools. */
void thread_detach_all(void);

/* In the child of a fork: no thread is about to set the key. */
void thread_forget_watching(void);

#endif
