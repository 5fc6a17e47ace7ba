/* SPDX-License-Identifier: MIT */
/*
 * Caches of threads that have ended.
 *
 * A thread that ends empties its cache into the depot, moves its counters to
 * the accounts, and gives the record back. It waits for nothing. So if another
 * thread empties the cache, sums up or moves counters right now, the record
 * stays used. The next thread that ends finds such a record, takes it as if it
 * were its own, and tries again. So does a trim. Many threads that end at once
 * leave few of them, as each that succeeds looks for those that did not.
 *
 * A trim gives the pages of free records back. It owns the record meanwhile,
 * and has revoked it, so neither a new owner nor a reclaimer works in it. The
 * mark goes with the pages. A reclaimer that has met the record before may then
 * set its own. It finds the record absent, takes its mark back, and touches
 * nothing else. (If a new owner has come in between it finds it present.)
 */
#include "pool/past_caches.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/thread_id.h"
#include "pool/counts.h"

/* Whether the caller's record is empty, and not used any more. */
static bool retire(struct magring_pool *pool, struct cache *cache)
{
	if (!thread_is_used(&pool->registry, cache->index))
		return true;
	if (!cache_flush(cache, &pool->depot))
		return false;
	pool_notify_all_classes(pool);
	return accounts_fold(&pool->accounts, &pool->registry, pool->depot.classes, cache);
}

void pool_end_cache(struct magring_pool *pool, struct cache *cache)
{
	struct thread_registry *registry = &pool->registry;
	bool retired = retire(pool, cache);
	thread_release_cache(registry, cache);
	/* Else another thread is at it, and does what follows. */
	for (unsigned int i = 0; retired;) {
		cache = thread_claim_free(registry, registry->used, &i);
		if (cache == NULL)
			return;
		retired = retire(pool, cache);
		thread_unclaim(registry, i - 1);
	}
}

/* The caller owns the record. Returns: the bytes that the system got. */
static size_t give_back(struct magring_pool *pool, struct cache *cache, unsigned int index)
{
	uint64_t nobody = 0;
	if (!retire(pool, cache))
		return 0;
	/* [returned] acquire: the work of the last reclaimer on it is over. */
	if (!atomic_compare_exchange_strong_explicit(&cache->revoked, &nobody, thread_self(),
		    memory_order_acquire, memory_order_relaxed))
		return 0;
	pool_memory(pool); /* for the highest value */
	thread_note_absent(&pool->registry, index);
	/* A reclaimer that finds no mark where one was finds it absent. */
	atomic_thread_fence(memory_order_release);
	if (madvise((unsigned char *)cache - pool->registry.colour, pool->registry.cache_size,
		    MADV_DONTNEED) == 0)
		return pool->registry.cache_size;
	thread_note_present(&pool->registry, index);
	/* [returned] release: nothing has changed. */
	atomic_store_explicit(&cache->revoked, 0, memory_order_release);
	return 0;
}

size_t pool_give_back_caches(struct magring_pool *pool)
{
	struct thread_registry *registry = &pool->registry;
	struct cache *cache;
	size_t bytes = 0;
	if (sysconf(_SC_PAGESIZE) != (long)REGION_PAGE)
		return 0;
	for (unsigned int i = 0;
		(cache = thread_claim_free(registry, registry->present, &i)) != NULL;) {
		bytes += give_back(pool, cache, i - 1);
		thread_unclaim(registry, i - 1);
	}
	return bytes;
}
