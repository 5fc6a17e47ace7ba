/* SPDX-License-Identifier: MIT */
/*
 * A handler that runs in the child notes the fork. A process that forked before
 * it used the library is like any other.
 */
#include "base/fork.h"

#include <stdatomic.h>

static _Atomic(bool) used;
static bool watched;
static bool thread_forked; /* this process is the child of a fork */

static void after_fork_child(void)
{
	/* Relaxed: a thread that forks knows of the pools that it uses. */
	thread_forked = thread_forked || atomic_load_explicit(&used, memory_order_relaxed);
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

void fork_note_use(void)
{
	atomic_store_explicit(&used, true, memory_order_relaxed);
}

bool fork_in_child(void)
{
	return thread_forked;
}

void fork_lock(pthread_mutex_t *lock)
{
	if (!thread_forked)
		pthread_mutex_lock(lock);
}

void fork_unlock(pthread_mutex_t *lock)
{
	if (!thread_forked)
		pthread_mutex_unlock(lock);
}
