/* SPDX-License-Identifier: MIT */
/*
 * Waiting for memory, as for room in a queue: see eventcount.c and blocking.c. Every size class has a
 * eventcount. Every free looks for sleepers of its class and wakes one, who takes the slab out of
 * whatever cache it is in. Who has got one, or gives up, wakes the next: there may be more,
 * and the chain ends with the first who finds nothing.
 *
 * A slab may be there and out of reach for a moment, in the hands of another thread. Who
 * had some in its hands on a slow path, and got one, ends with a look for sleepers. Who works
 * in a cache, its own or as a reclaimer, need not; a sleeper that has met one of those
 * looks again by itself, soon at first, then less often: every look has all processors
 * pass a barrier.
 *
 * Nobody waits for what no free can bring: slabs stay with their class unless they are trimmed,
 * and no trim is promised, so there must be one. A trim has the memory of whole classes in its
 * hands. Who meets that looks again like one who has met a cache at work, and when it has put
 * everything back it looks for sleepers of every class: each may take what it gave back.
 */
#include "pool/alloc_wait.h"
#include "tuning.h"

#include <errno.h>

#include "base/clock.h"

/* After how long a sleeper looks again, and after how long at most. */

/* Slabs of the class, as far as they are counted. */
static uint64_t carved(struct magring_pool *pool, unsigned int class_index)
{
	/* [account] acquire: pairs with give_up() in trim.c; what was trimmed is counted as carved. */
	uint64_t slabs = -atomic_load_explicit(&pool->depot.class[class_index].trimmed, memory_order_acquire);
	/* [account] acquire: pairs with count_add(); who has counted has taken the bytes before. */
	slabs += atomic_load_explicit(&pool->uncached[class_index].carved, memory_order_acquire);
	for (struct cache *cache = thread_first_cache(&pool->registry); cache; cache = cache->next)
		slabs += atomic_load_explicit(&cache->class[class_index].counts.carved, memory_order_acquire);
	return slabs;
}

/* After an attempt in vain: the class has no slab, and nobody has carved any bytes and not
 * counted them yet, or has some in its hands. */
static bool is_hopeless(struct magring_pool *pool, unsigned int class_index)
{
	struct chunks *chunks = &pool->depot.chunks;
	uint64_t moves = chunk_moves(chunks);
	/* Relaxed, as all that follows: if nothing has moved since, it is as it was. */
	uint64_t bytes = atomic_load_explicit(&chunks->free_bytes, memory_order_relaxed);
	if (carved(pool, class_index) > 0)
		return false;
	for (unsigned int i = 0; i < pool->depot.classes; i++) {
		uint64_t slabs = carved(pool, i);
		if (i == class_index && slabs > 0)
			return false;
		bytes += slabs * slab_size(i);
	}
	/* Relaxed: the attempt has seen the budget used up, and so what others took of it
	 * before; and those whose counts were seen have taken theirs before, too. */
	return bytes == atomic_load_explicit(&pool->depot.slabs.taken, memory_order_relaxed) &&
		!chunk_moved(chunks, moves);
}

struct sleeper {
	struct magring_pool *pool;
	unsigned int class_index;
};

static void cancelled(void *argument)
{
	struct sleeper *sleeper = argument;
	eventcount_cancel_wait(&sleeper->pool->memory[sleeper->class_index]);
	pool_notify_waiters(sleeper->pool, sleeper->class_index);
}

/* Enter, look, sleep, leave, look. NULL: woken in vain, or time is over. */
static void *sleep_once(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	int64_t look_ns, int64_t deadline_ns)
{
	struct eventcount *eventcount = &pool->memory[class_index];
	struct sleeper sleeper = { .pool = pool, .class_index = class_index };
	bool hidden;
	uint32_t ticket = eventcount_prepare_wait(eventcount);
	void *slab = pool_alloc_slowly(pool, class_index, bytes, &hidden);
	if (slab == NULL) {
		bool again = hidden || carved(pool, class_index) == 0;
		int64_t soon_ns = again ? clock_now() + look_ns : INT64_MAX;
		pthread_cleanup_push(cancelled, &sleeper);
		eventcount_commit_wait(eventcount, ticket, soon_ns < deadline_ns ? soon_ns : deadline_ns);
		pthread_cleanup_pop(0);
	}
	eventcount_cancel_wait(eventcount);
	return slab != NULL ? slab : pool_alloc_slowly(pool, class_index, bytes, &hidden);
}

static int wait_for_slab(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	int64_t deadline_ns, void **ret_slab)
{
	int64_t look_ns = MEMORY_RETRY_NS;
	void *slab = NULL;
	while (slab == NULL) {
		if (is_hopeless(pool, class_index))
			return -ENOBUFS;
		if (deadline_ns != INT64_MAX && clock_now() >= deadline_ns)
			return -ETIMEDOUT;
		slab = sleep_once(pool, class_index, bytes, look_ns, deadline_ns);
		if (look_ns < MEMORY_RETRY_MAX_NS)
			look_ns *= 2;
	}
	*ret_slab = slab;
	return 0;
}

int alloc_wait(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	int64_t timeout_ns, void **ret_slab)
{
	bool hidden;
	int rc = 0;
	void *slab = pool_alloc_slowly(pool, class_index, bytes, &hidden);
	if (slab != NULL) {
		*ret_slab = slab;
	} else {
		/* Relaxed: a number to look at. */
		atomic_fetch_add_explicit(&pool->exhausted, 1, memory_order_relaxed);
		if (timeout_ns == 0)
			return -ENOBUFS;
		rc = wait_for_slab(pool, class_index, bytes, clock_deadline(timeout_ns), ret_slab);
	}
	/* There may be more, and what was in this thread's hands was hidden from others; or a
	 * wake-up was meant for another. */
	pool_notify_waiters(pool, class_index);
	return rc;
}
