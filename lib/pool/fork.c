/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork: what it finds is as if its other threads had never been.
 *
 * The child has one thread. A lock that another thread of the parent held stays
 * locked, and a list that it was changing stays half changed. So in the child,
 * before fork() returns,
 *
 *	locks     are made anew
 *	lists     of queues and limbos are empty, those of sampled messages
 *	          unused, and mappings that were kept are forgotten
 *	counts    of threads that are in something are zero
 *
 * and what is done once is done by the child, if it was not done yet. glibc
 * sees to that itself, and with musl the child would wait.
 *
 * Queues and profiles that were there know that they are in no list. What the
 * child makes itself is like any other process's, and no pool that its parent
 * has destroyed before makes a difference. All else is lock-free: another
 * thread of the parent is as one that has stopped for good.
 *
 * Nothing is done before the fork, so no fork waits for a thread that has
 * stopped with a lock. docs/decisions.md says what that is better than.
 */
#include "pool/fork.h"

#include <pthread.h>

#include "base/fence.h"
#include "base/mapping.h"
#include "base/pause.h"
#include "pool/checked.h"
#include "pool/sample.h"
#include "pool/thread_exit.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool watched; /* since the first attempt */

static void renew(struct queue_list *list)
{
	pthread_mutex_init(&list->lock, NULL); /* cannot fail on Linux */
	CDS_INIT_LIST_HEAD(&list->queues);
	list->generation++;
}

static void after_fork_child(void)
{
	static const pthread_once_t undone = PTHREAD_ONCE_INIT;
	/* It is called, so forks are noticed: see watch(). */
	watched = true;
	once = undone;
	fence_forget_deciding();
	pause_forget_measuring();
	mapping_forget_kept();
	thread_forget_sections();
	thread_forget_watching();
	renew(&queues_without_pool);
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		struct magring_pool *pool = pool_published(number);
		if (pool == NULL)
			continue;
		renew(&pool->queues);
		accounts_inherit(&pool->accounts);
		if (pool->profile != NULL)
			profile_inherit(pool->profile);
		if (pool->checked != NULL)
			checked_inherit(pool->checked);
	}
}

static void watch(void)
{
	if (!watched)
		watched = pthread_atfork(NULL, NULL, after_fork_child) == 0;
}

bool fork_init(void)
{
	static _Atomic(bool) watched_later;
	pthread_once(&once, watch);
	if (watched)
		return true;
	/*
	 * Relaxed: the C library's lock orders handlers and forks. If two
	 * threads come here the handler runs twice, which does no harm.
	 */
	if (atomic_load_explicit(&watched_later, memory_order_relaxed))
		return true;
	if (pthread_atfork(NULL, NULL, after_fork_child) != 0)
		return false;
	atomic_store_explicit(&watched_later, true, memory_order_relaxed);
	return true;
}

/* Before other constructors: see fence.c. */
static __attribute__((constructor(101))) void fork_at_load(void)
{
	(void)fork_init(); /* or by the first create */
}
