/* SPDX-License-Identifier: MIT */
/*
 * What happens when the budget of a pool is used up, in order:
 *
 *	take_cached()     the thread's own cache, refilled from the depot
 *	take_round()      a slab of the depot, carved, or cooling
 *	take_reclaimed()  thread_reclaim() in reclaim.c empties the caches of
 *	                  other threads into the depot, RECLAIM_TRIES times at
 *	                  most
 *	limbo_empty()     of a checked pool: what was freed last; then again
 *	alloc_wait()      counts in `exhausted`; with a timeout of 0: -ENOBUFS
 *	is_hopeless()     no slab of the class is there or can be: -ENOBUFS
 *	wait_for_slab()   sleeps until a free, or the deadline: -ETIMEDOUT
 *
 * The first three are pool_alloc_slowly() in alloc.c, which a waiting thread
 * calls again each time.
 *
 * Waiting for memory. Every size class has an eventcount. A thread that waits
 * tries, sleeps and tries again: see eventcount_await(). Every free wakes one
 * sleeper of its class, if there is one. The sleeper takes the slab out of
 * whatever cache it is in.
 *
 * A thread that has got a slab, or gives up waiting, wakes the next sleeper, as
 * there may be more slabs. That chain ends with the first thread that finds
 * none.
 *
 * A slab may be out of reach for a moment, in the hands of another thread:
 *
 *	- A thread that had slabs in its hands on a slow path notifies sleepers
 *	  when it is done.
 *	- A thread at work in a cache, its own or as a reclaimer, does not. So a
 *	  sleeper that met one tries again unasked, soon at first and then less
 *	  often. Every such try has all processors pass a barrier.
 *	- A trim has the memory of whole classes in its hands. A sleeper that
 *	  met one tries again in the same way. When the trim has put everything
 *	  back it notifies the sleepers of every class, as each may take what it
 *	  gave back.
 *
 * No thread waits for what no free can bring. Slabs stay with their class
 * unless they are trimmed, and no trim is promised. So a class without any slab
 * is hopeless when the memory is used up.
 */
#include "pool/alloc_wait.h"
#include "tuning.h"

#include <errno.h>

#include "base/clock.h"
#include "pool/alloc.h"
#include "pool/limbo.h"

/* Slabs of the class, as far as they are counted. */
static uint64_t carved(struct magring_pool *pool, unsigned int class_index)
{
	/*
	 * [account] acquire: pairs with give_up() in trim.c; what was trimmed
	 * is counted as carved.
	 */
	uint64_t slabs = -atomic_load_explicit(&pool->depot.class[class_index].trimmed,
		memory_order_acquire);
	/*
	 * [account] acquire: pairs with carve_bytes(); a thread takes the bytes
	 * before it counts them.
	 */
	return slabs +
		atomic_load_explicit(&pool->depot.class[class_index].carved, memory_order_acquire);
}

/*
 * After a try in vain: whether the class has no slab and cannot get one. That
 * needs all bytes to be accounted for. Else another thread has some in its
 * hands, or has carved some and not counted them yet.
 *
 * The try may be older than what is read here. A trim that had the memory in
 * its hands during the try, and ends before this begins, has put it where the
 * class finds it: into a free range. So ranges are looked for once more.
 */
static bool is_hopeless(struct magring_pool *pool, unsigned int class_index)
{
	struct chunks *chunks = &pool->depot.chunks;
	uint64_t moves = chunk_moves(chunks);
	/* Relaxed, as other reads of bytes: they hold if nothing moved. */
	uint64_t bytes = atomic_load_explicit(&chunks->free_bytes, memory_order_relaxed);
	if (carved(pool, class_index) > 0 || chunk_has_range(chunks, class_index))
		return false;
	for (unsigned int i = 0; i < pool->depot.classes; i++) {
		uint64_t slabs = carved(pool, i);
		if (i == class_index && slabs > 0)
			return false;
		bytes += slabs * slab_size(i);
	}
	/*
	 * Relaxed: the try has seen the budget used up, and so all that was
	 * taken of it. What the counts above are of was taken before they were
	 * read.
	 */
	return bytes == atomic_load_explicit(&pool->depot.slabs.taken, memory_order_relaxed) &&
		!chunk_moved(chunks, moves);
}

/* One allocation that waits: what it wants, and what it has got. */
struct wait {
	struct magring_pool *pool;
	unsigned int class_index;
	size_t bytes;
	int64_t retry_ns; /* a try unasked is due after so long */
	bool hidden;      /* the last try met slabs that were out of reach */
	void *slab;
};

static bool try_alloc(void *context)
{
	struct wait *wait = context;
	do {
		wait->slab = pool_alloc_slowly(wait->pool, wait->class_index, wait->bytes,
			&wait->hidden);
	} while (wait->slab == NULL && wait->pool->checked != NULL && limbo_empty(wait->pool));
	return wait->slab != NULL;
}

static int64_t when_to_retry(void *context)
{
	struct wait *wait = context;
	bool again = wait->hidden || carved(wait->pool, wait->class_index) == 0;
	return again ? clock_now() + wait->retry_ns : INT64_MAX;
}

static void cancelled(void *context)
{
	struct wait *wait = context;
	pool_notify_waiters(wait->pool, wait->class_index);
}

static int wait_for_slab(struct wait *wait, int64_t deadline_ns)
{
	static const struct eventcount_waiter waiter = { .try = try_alloc,
		.before_sleep = when_to_retry,
		.cancelled = cancelled };
	struct eventcount *eventcount = &wait->pool->memory[wait->class_index];
	do {
		if (is_hopeless(wait->pool, wait->class_index))
			return -ENOBUFS;
		if (deadline_ns != INT64_MAX && clock_now() >= deadline_ns)
			return -ETIMEDOUT;
		eventcount_await(eventcount, &waiter, wait, deadline_ns);
		if (wait->retry_ns < MEMORY_RETRY_MAX_NS)
			wait->retry_ns *= 2;
	} while (wait->slab == NULL);
	return 0;
}

int alloc_wait(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	int64_t timeout_ns, void **ret_slab)
{
	struct wait wait = { .pool = pool,
		.class_index = class_index,
		.bytes = bytes,
		.retry_ns = MEMORY_RETRY_NS };
	int rc = 0;
	if (!try_alloc(&wait)) {
		/* Relaxed: a number to read. */
		atomic_fetch_add_explicit(&pool->exhausted, 1, memory_order_relaxed);
		if (timeout_ns == 0)
			return -ENOBUFS;
		rc = wait_for_slab(&wait, clock_deadline(timeout_ns));
	}
	if (rc == 0)
		*ret_slab = wait.slab;
	/*
	 * There may be more slabs, and this thread had some in its hands. Or a
	 * wake-up came with it that was meant for another thread.
	 */
	pool_notify_waiters(pool, class_index);
	return rc;
}
