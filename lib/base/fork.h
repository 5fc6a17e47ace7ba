/* SPDX-License-Identifier: MIT */
/*
 * fork: locks, and whether this process is a child that cannot trust them.
 *
 * The child of a fork has one thread. A lock that another thread of the parent
 * held at that moment stays locked in the child for ever. So the child of a
 * process that had a pool takes none of the library's locks. What the
 * other thread had half done is a list from which entries can still be taken.
 */
#ifndef MAGRING_FORK_H
#define MAGRING_FORK_H

#include <pthread.h>
#include <stdbool.h>

/* Have forks noticed, unless that is done. */
void fork_init(void);
/* Whether fork_init() succeeded. */
bool fork_is_watched(void);

/* Forks from now on leave a child behind that fork_in_child() tells of. */
void fork_note_use(void);

/* Whether this process is the child of a fork beside pools. */
bool fork_in_child(void);

/* Lock and unlock, or nothing in such a child. */
void fork_lock(pthread_mutex_t *lock);
void fork_unlock(pthread_mutex_t *lock);

#endif
