/* SPDX-License-Identifier: MIT */
/*
 * Emptying the caches of other threads, without their help.
 *
 * A thread that finds the budget used up takes what other caches hold:
 *
 *	mark     each cache as revoked, by CAS
 *	fence    once, the heavy one, for all of them
 *	empty    each marked cache that is not busy into the depot
 *	unmark   each marked cache
 *
 * An owner that finds its cache revoked works on the depot instead. So neither
 * waits for the other, wherever it is stopped. What a thread has revoked it
 * links: a cache may change hands meanwhile, and must be unmarked all the same.
 *
 *	owner: busy = 1; light fence;   reclaimer: revoked = self; heavy fence;
 *	       read revoked                        read busy
 *
 * At least one of them sees the other, and then leaves the magazines alone. A
 * trim empties idle caches in the same way, all classes of them.
 */
#include "pool/reclaim.h"

#include "base/clock.h"
#include "base/thread_id.h"

/* Mark the cache, and put it before those that the thread has marked. */
static bool revoke(struct thread_registry *registry, unsigned int index, struct cache *cache,
	struct cache **revoked)
{
	uint64_t nobody = 0;
	/* [returned] acquire: the work of the last reclaimer on it is over. */
	if (!atomic_compare_exchange_strong_explicit(&cache->revoked, &nobody, thread_self(),
		    memory_order_acquire, memory_order_relaxed))
		return false;
	if (!thread_is_present(registry, index)) {
		/* [returned] release: it was not touched. */
		atomic_store_explicit(&cache->revoked, 0, memory_order_release);
		return true;
	}
	cache->next_revoked = *revoked;
	*revoked = cache;
	return true;
}

/* Empty the classes first to last of the caches that the thread has revoked. */
static size_t empty_revoked(struct cache *cache, struct depot *depot, unsigned int first,
	unsigned int last, bool *ret_hidden)
{
	size_t slabs = 0;
	/* [revoked] heavy side: see cache_enter(). */
	fence_heavy();
	for (struct cache *next; cache != NULL; cache = next) {
		next = cache->next_revoked;
		/* [left] acquire: pairs with cache_leave(). */
		if (atomic_load_explicit(&cache->busy, memory_order_acquire) == 0)
			for (unsigned int i = first; i <= last; i++)
				slabs += magazine_flush(&cache->class[i], depot, i);
		else
			*ret_hidden = true;
		/*
		 * [returned] release: the magazines are gone before an owner
		 * reads.
		 */
		atomic_store_explicit(&cache->revoked, 0, memory_order_release);
	}
	return slabs;
}

size_t thread_reclaim(struct thread_registry *registry, struct depot *depot,
	unsigned int class_index, bool *ret_hidden)
{
	struct cache *cache, *revoked = NULL;

	*ret_hidden = false;
	for (unsigned int i = 0; (cache = thread_next_cache(registry, &i)) != NULL;)
		if (!revoke(registry, i - 1, cache, &revoked))
			*ret_hidden = true;
	return empty_revoked(revoked, depot, class_index, class_index, ret_hidden);
}

/*
 * Whether the cache had no traffic for idle_ns, as far as trims have seen. The
 * owner pays nothing for it: its counters tell whether it was at work.
 */
static bool is_idle(struct cache *cache, unsigned int classes, int64_t idle_ns, int64_t now_ns)
{
	uint64_t traffic = 0;
	for (unsigned int i = 0; i < classes; i++) {
		struct magazine_counts *counts = &cache->class[i].counts;
		/*
		 * Relaxed: each of them only grows, so the sum is the same only
		 * if all are.
		 */
		traffic += atomic_load_explicit(&counts->allocated, memory_order_relaxed) +
			atomic_load_explicit(&counts->freed, memory_order_relaxed);
	}
	if (traffic != cache->seen_traffic) {
		cache->seen_traffic = traffic;
		cache->seen_ns = now_ns;
	}
	return now_ns - cache->seen_ns >= idle_ns;
}

size_t thread_empty_idle(struct thread_registry *registry, struct depot *depot, int64_t idle_ns,
	bool *ret_hidden)
{
	int64_t now_ns = clock_now();
	struct cache *cache, *revoked = NULL;
	for (unsigned int i = 0; (cache = thread_next_cache(registry, &i)) != NULL;)
		if (is_idle(cache, depot->classes, idle_ns, now_ns) &&
			!revoke(registry, i - 1, cache, &revoked))
			*ret_hidden = true; /* it is being emptied, perhaps of one class */
	if (revoked == NULL)
		return 0;
	return empty_revoked(revoked, depot, 0, depot->classes - 1, ret_hidden);
}
