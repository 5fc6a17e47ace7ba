/* SPDX-License-Identifier: MIT */
/*
 * What the owner of a cache does with all of it at once.
 *
 *	cache: free -> attached to a thread -> free
 *
 * Between cache_enter() and cache_leave() the owner works on its magazines.
 * Else another thread may revoke the cache and empty it: see reclaim.c.
 */
#include "pool/thread_cache.h"

bool cache_flush(struct cache *cache, struct depot *depot)
{
	if (!cache_enter(cache))
		return false;
	for (unsigned int i = 0; i < depot->classes; i++)
		magazine_flush(&cache->class[i], depot, i);
	cache_leave(cache);
	return true;
}
