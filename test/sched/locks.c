/* SPDX-License-Identifier: MIT */
/*
 * Mutexes, which order memory, and what is done once.
 */
#include "kernel.h"
#include "shim.h"

#undef memset

#define LOCKS 64

struct lock {
	const void *address;
	struct thread *owner;
	struct clock clock;
};

static struct lock locks[LOCKS];
static unsigned int lock_count;

static struct lock *lock_at(const void *address)
{
	struct lock *unused = NULL;
	for (unsigned int i = 0; i < lock_count; i++) {
		if (locks[i].address == address)
			return &locks[i];
		if (locks[i].address == NULL)
			unused = &locks[i];
	}
	if (unused == NULL && lock_count == LOCKS)
		sched_fail("too many locks");
	if (unused == NULL)
		unused = &locks[lock_count++];
	memset(unused, 0, sizeof(*unused));
	unused->address = address;
	return unused;
}

int shim_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *unused)
{
	(void)unused;
	memset(mutex, 0, sizeof(*mutex));
	/* The child of a fork makes locks anew that others held. */
	if (is_running())
		lock_at(mutex)->owner = NULL;
	return 0;
}

int shim_mutex_destroy(pthread_mutex_t *mutex)
{
	struct lock *lock = lock_at(mutex);
	if (lock->owner != NULL)
		sched_fail("a lock is destroyed that is held");
	lock->address = NULL;
	return 0;
}

int shim_mutex_lock(pthread_mutex_t *mutex)
{
	if (!is_running())
		return 0;
	kernel_enter();
	struct lock *lock = lock_at(mutex);
	while (lock->owner != NULL) {
		me->lock = lock;
		engine_block(LOCKED);
	}
	lock->owner = me;
	memory_acquire_edge(&lock->clock);
	trace("lock", (uintptr_t)mutex, 0);
	return 0;
}

int shim_mutex_unlock(pthread_mutex_t *mutex)
{
	if (!is_running())
		return 0;
	kernel_enter();
	struct lock *lock = lock_at(mutex);
	if (lock->owner != me)
		sched_fail("a lock is unlocked by thread %u (%s), which does not hold it", me->id,
			me->name);
	memory_release_edge(&lock->clock);
	lock->owner = NULL;
	trace("unlock", (uintptr_t)mutex, 0);
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == LOCKED && engine->threads[i].lock == lock)
			engine_wake(&engine->threads[i], 0);
	return 0;
}

/* Every once of the library is done by a constructor, or by the first call. */
int shim_once(pthread_once_t *once, void (*run)(void))
{
	if (*(int *)once != 2) {
		*(int *)once = 2;
		run();
	}
	return 0;
}
