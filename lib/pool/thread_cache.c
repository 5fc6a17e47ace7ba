/* SPDX-License-Identifier: MIT */
/*
 * Caches of threads.
 *
 * A pool's caches form a list that only grows, at its head, by CAS. A thread
 * takes over a cache that no live thread owns before it makes one. So there are
 * never more caches than threads that used the pool at the same time.
 *
 *	cache: free (owner 0) -> attached (owner = thread) -> free
 *
 * A thread finds its cache in its directory: see thread_directory.c.
 */
#include "pool/thread_cache.h"

#include "base/thread_id.h"

static _Atomic(uint64_t) thread_serials;

void thread_registry_init(struct thread_registry *registry, unsigned int classes)
{
	atomic_init(&registry->first, NULL);
	registry->serial = atomic_fetch_add_explicit(&thread_serials, 1, memory_order_relaxed) + 1;
	registry->cache_size = sizeof(struct cache) + classes * sizeof(struct magazine_pair);
}

void thread_registry_number(struct thread_registry *registry, unsigned int number)
{
	registry->key = pool_key(number, registry->serial);
}

struct cache *thread_first_cache(struct thread_registry *registry)
{
	/* [registry] acquire: pairs with the push in create_cache(). */
	return atomic_load_explicit(&registry->first, memory_order_acquire);
}

static struct cache *create_cache(struct thread_registry *registry, struct depot *depot)
{
	size_t offset;
	size_t bytes = (registry->cache_size + 255) / 256 * 256; /* magazines stay aligned */
	if (region_take(&depot->metadata, bytes, 1, &offset) == 0)
		return NULL;
	/* Fresh from the system, so all zero: no magazines, nothing counted. */
	struct cache *cache = (struct cache *)(void *)(depot->metadata.base + offset);
	atomic_init(&cache->owner, thread_self());
	cache->next = atomic_load_explicit(&registry->first, memory_order_relaxed);
	/*
	 * [registry] release: the cache is initialised before others find it.
	 */
	while (!atomic_compare_exchange_weak_explicit(&registry->first, &cache->next, cache,
		memory_order_release, memory_order_relaxed))
		;
	return cache;
}

/* A cache that no live thread owns, or NULL. */
static struct cache *take_over(struct thread_registry *registry)
{
	uint64_t self = thread_self();
	struct cache *cache = thread_first_cache(registry);
	for (; cache != NULL; cache = cache->next) {
		uint64_t nobody = 0;
		/*
		 * [owner] acquire: pairs with thread_release_cache(). The
		 * counters and magazines of the former owner are visible.
		 */
		if (atomic_compare_exchange_strong_explicit(&cache->owner, &nobody, self,
			    memory_order_acquire, memory_order_relaxed))
			return cache;
	}
	return NULL;
}

struct cache *thread_adopt_cache(struct thread_registry *registry, struct depot *depot)
{
	if (!thread_directory_reach(registry->key))
		return NULL;
	struct cache *cache = take_over(registry);
	if (cache == NULL)
		cache = create_cache(registry, depot);
	if (cache != NULL)
		thread_directory_set(registry->key, cache);
	return cache;
}

void thread_release_cache(struct cache *cache)
{
	/* [owner] release: this thread is done with the cache. */
	atomic_store_explicit(&cache->owner, 0, memory_order_release);
}

void cache_flush(struct cache *cache, struct depot *depot)
{
	if (!cache_enter(cache))
		return; /* a reclaimer is emptying it, or will find it */
	for (unsigned int i = 0; i < depot->classes; i++)
		magazine_flush(&cache->class[i], depot, i);
	cache_leave(cache);
}
