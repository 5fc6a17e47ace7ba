/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork: what it finds is as if its other threads had never been.
 *
 * The child has one thread. A lock that another thread of the parent held stays
 * locked, and a list that it was changing stays half changed. So in the child,
 * before fork() returns,
 *
 *	locks     are made anew
 *	lists     of queues are empty, and those of sampled messages unused
 *	counts    of threads that are in something are zero
 *
 * Queues and profiles that were there know that they are in no list. What the
 * child makes itself is like any other process's. So a parent leaves nothing
 * behind by the pools that it had and destroyed. All else is lock-free: another
 * thread of the parent is as one that has stopped for good.
 *
 * Nothing is done before the fork, so no fork waits for a thread that has
 * stopped with a lock. docs/decisions.md says what that is better than.
 */
#include "pool/fork.h"

#include <pthread.h>

#include "pool/sample.h"
#include "pool/thread_exit.h"

static bool watched;

static void renew(struct queue_list *list)
{
	pthread_mutex_init(&list->lock, NULL); /* cannot fail on Linux */
	CDS_INIT_LIST_HEAD(&list->queues);
	list->generation++;
}

static void after_fork_child(void)
{
	thread_forget_sections();
	thread_forget_watching();
	renew(&queues_without_pool);
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		struct magring_pool *pool = pool_published(number);
		if (pool == NULL)
			continue;
		renew(&pool->queues);
		if (pool->profile != NULL)
			profile_inherit(pool->profile);
	}
}

static void watch(void)
{
	watched = pthread_atfork(NULL, NULL, after_fork_child) == 0;
}

void fork_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, watch);
}

/* Before other constructors: see fence.c. */
static __attribute__((constructor(101))) void fork_at_load(void)
{
	fork_init();
}

bool fork_is_watched(void)
{
	return watched;
}
