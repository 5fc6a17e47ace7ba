/* SPDX-License-Identifier: MIT */
/*
 * Memory is free: a thread that waits for it is woken.
 *
 * While a class is closed its slabs are for the first group of those that wait
 * (turns.c). What the calling thread has in its cache goes to the depot, where
 * it would else find it again. All threads of the group may then be gone, and
 * the next one's threads may have tried before the slab was there. So the group
 * is compared once more. [wake] orders that: a thread that leaves notifies as
 * well, by a change of the same word.
 */
#include "pool/pool.h"

/* Slabs of the class, out of the caller's cache into the depot. */
static void flush(struct magring_pool *pool, unsigned int class_index)
{
	struct depot *depot = &pool->depot;
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	/* Else another thread empties it into the depot. */
	if (cache == NULL || !cache_enter(cache))
		return;
	magazine_flush(&cache->class[class_index], depot, class_index);
	cache_leave(cache);
}

void pool_notify_slowly(struct magring_pool *pool, unsigned int class_index)
{
	struct eventcount *eventcount = &pool->memory[class_index];
	struct turns *turns = &pool->turns[class_index];
	if (!eventcount_has_waiters(eventcount))
		return;
	while (turns_closed(turns)) {
		unsigned int group = turns_first(turns);
		flush(pool, class_index);
		turns_offer(turns);
		eventcount_notify_kinds(eventcount, turns_kind(group));
		/* Else its last thread has left, perhaps before the flush. */
		if (turns_first(turns) == group)
			return;
	}
	turns_offer(turns);
	eventcount_notify(eventcount);
}
