/* SPDX-License-Identifier: MIT */
/*
 * What happens when the budget of a pool is used up, in order:
 *
 *	take_cached()     the thread's own cache, refilled from the depot
 *	take_round()      a slab of the depot, carved, or cooling
 *	take_reclaimed()  thread_reclaim() in reclaim.c empties the caches of
 *	                  other threads into the depot, RECLAIM_TRIES times at
 *	                  most; pressure_trim() in pressure.c takes from other
 *	                  classes, and take_larger() a larger slab
 *	limbo_empty()     of a checked pool: what was freed last; then again
 *	alloc_wait()      counts in `exhausted`; with a timeout of 0: -ENOBUFS
 *	is_hopeless()     no free can bring a slab: -ENOBUFS
 *	wait_for_slab()   sleeps until a free, or the deadline: -ETIMEDOUT
 *
 * The first three are pool_alloc_slowly() in alloc.c, which a waiting thread
 * calls again each time.
 *
 * Waiting for memory. Every size class has an eventcount. A thread that waits
 * tries, sleeps and tries again: see eventcount_await(). Every free wakes one
 * sleeper of its class, if there is one. The sleeper takes the slab out of
 * whatever cache it is in. Other threads may take it first, but not for long:
 * turns.c. A thread whose turn it is not does not try. It tries again unasked,
 * as nothing tells it when the turn of a stopped thread lapses.
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
 * A free of another class wakes no sleeper, as the fast path of a free looks
 * for those of its own class alone. So a sleeper tries again unasked while
 * other classes have slabs, at longer intervals. It also does while the budget
 * has room that the system has refused so far.
 *
 * No thread waits for what no free can bring. Any memory that was taken from
 * the budget may become free, and then serves. If all of it is less than a slab
 * while the budget has room for one, the system has refused that. Such a wait
 * is hopeless.
 */
#include "pool/alloc_wait.h"
#include "tuning.h"

#include <errno.h>

#include "base/clock.h"
#include "pool/alloc.h"
#include "pool/limbo.h"

/* After a try in vain. */
static bool is_hopeless(struct magring_pool *pool, unsigned int class_index)
{
	struct region *slabs = &pool->depot.slabs;
	/* It only falls. The try has met what the system refuses. */
	size_t left = region_left(slabs), size = slab_size(class_index);
	return left >= size && slabs->limit - left < size;
}

/*
 * Whether memory may come without a free of this class: from what is left of
 * the budget, or from other classes. They have what was taken and is neither
 * this class's nor free. So what a thread is about to count as carved counts.
 */
static bool may_come(struct magring_pool *pool, unsigned int class_index)
{
	struct depot *depot = &pool->depot;
	struct depot_class *class = &depot->class[class_index];
	/*
	 * Relaxed: another class that has memory later got it from this one.
	 * The free that gave it has woken a thread, and that one sees it.
	 */
	size_t left = region_left(&depot->slabs);
	size_t free = atomic_load_explicit(&depot->chunks.free_bytes, memory_order_relaxed);
	if (left >= SLAB_UNIT && left + free >= class->slab_size)
		return true;
	uint64_t slabs = atomic_load_explicit(&class->carved, memory_order_relaxed) -
		atomic_load_explicit(&class->trimmed, memory_order_relaxed);
	return slabs * class->slab_size + free < depot->slabs.limit - left;
}

/* One allocation that waits: what it wants, and what it has got. */
struct wait {
	struct magring_pool *pool;
	unsigned int class_index; /* of what it wants */
	unsigned int class_got;
	unsigned int group; /* of turns.c */
	size_t bytes;
	int64_t retry_ns; /* a try unasked is due after so long */
	bool refused;     /* the last try was not made: it is not the thread's turn */
	bool hidden;      /* the last try met slabs that were out of reach */
	void *slab;
};

static struct turns *turns_of(const struct wait *wait)
{
	return &wait->pool->turns[wait->class_index];
}

static bool try_alloc(void *context)
{
	struct wait *wait = context;
	int64_t offer;
	wait->refused = !turns_may_take(turns_of(wait), wait->group, &offer);
	if (wait->refused)
		return false;
	do {
		wait->class_got = wait->class_index;
		wait->slab =
			pool_alloc_slowly(wait->pool, &wait->class_got, wait->bytes, &wait->hidden);
	} while (wait->slab == NULL && wait->pool->checked != NULL && limbo_empty(wait->pool));
	if (offer != 0)
		turns_tried(turns_of(wait), offer);
	return wait->slab != NULL;
}

/* After a try in vain. */
static int64_t retry_within(struct wait *wait)
{
	int64_t most_ns = wait->hidden ? MEMORY_RETRY_MAX_NS : MEMORY_RETRY_OTHERS_NS;
	if (!wait->hidden && !may_come(wait->pool, wait->class_index))
		return INT64_MAX;
	return wait->retry_ns < most_ns ? wait->retry_ns : most_ns;
}

static int64_t when_to_retry(void *context)
{
	struct wait *wait = context;
	int64_t ns = wait->refused ? INT64_MAX : retry_within(wait);
	/* It is not told when the turn of others lapses. */
	if (ns > TURN_LAPSE_NS && wait->group != turns_first(turns_of(wait)))
		ns = TURN_LAPSE_NS;
	return ns == INT64_MAX ? ns : clock_now() + ns;
}

static void cancelled(void *context)
{
	struct wait *wait = context;
	turns_leave(turns_of(wait), wait->group);
	pool_notify_waiters(wait->pool, wait->class_index);
}

#define WAITER(number) \
	{ \
		.try = try_alloc, .before_sleep = when_to_retry, .cancelled = cancelled, \
		.kinds = 1 << (number) \
	}

static int wait_for_slab(struct wait *wait, int64_t deadline_ns)
{
	static const struct eventcount_waiter waiters[] = { WAITER(0), WAITER(1) };
	struct eventcount *eventcount = &wait->pool->memory[wait->class_index];
	do {
		if (!wait->refused && is_hopeless(wait->pool, wait->class_index))
			return -ENOBUFS;
		if (deadline_ns != INT64_MAX && clock_now() >= deadline_ns)
			return -ETIMEDOUT;
		eventcount_await(eventcount, &waiters[wait->group], wait, deadline_ns);
		/*
		 * It may have been woken before the class closed. If the group
		 * has tried since, that try's thread passes on what is left.
		 */
		if (wait->refused && turns_offered(turns_of(wait)))
			eventcount_pass_on_kinds(eventcount,
				turns_kind(turns_first(turns_of(wait))));
		if (wait->retry_ns < MEMORY_RETRY_OTHERS_NS)
			wait->retry_ns *= 2;
	} while (wait->slab == NULL);
	return 0;
}

int alloc_wait(struct magring_pool *pool, unsigned int *class_index, size_t bytes,
	int64_t timeout_ns, void **ret_slab)
{
	struct wait wait = { .pool = pool,
		.class_index = *class_index,
		.group = TURNS_NO_GROUP,
		.bytes = bytes,
		.retry_ns = MEMORY_RETRY_NS };
	int rc = 0;
	if (!try_alloc(&wait)) {
		/* Relaxed: a number to read. */
		atomic_fetch_add_explicit(&pool->exhausted, 1, memory_order_relaxed);
		if (timeout_ns == 0)
			return -ENOBUFS;
		int64_t deadline_ns = clock_deadline(timeout_ns);
		wait.group = turns_join(turns_of(&wait));
		rc = wait_for_slab(&wait, deadline_ns);
		turns_leave(turns_of(&wait), wait.group);
	}
	if (rc == 0) {
		*ret_slab = wait.slab;
		*class_index = wait.class_got;
	}
	/*
	 * There may be more slabs, and this thread had some in its hands. Or a
	 * wake-up came with it that was meant for another thread.
	 */
	pool_notify_waiters(pool, wait.class_index);
	return rc;
}
