/* SPDX-License-Identifier: MIT */
/*
 * past_caches: what becomes of the cache of a thread that has ended.
 */
#ifndef MAGRING_PAST_CACHES_H
#define MAGRING_PAST_CACHES_H

#include "pool/pool.h"

/* The calling thread is done with its cache. The pool stays meanwhile. */
void pool_end_cache(struct magring_pool *pool, struct cache *cache);

/*
 * Give memory of free caches to the system. No two run at a time. Returns: the
 * bytes.
 */
size_t pool_give_back_caches(struct magring_pool *pool);

#endif
