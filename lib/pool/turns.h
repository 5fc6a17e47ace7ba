/* SPDX-License-Identifier: MIT */
/*
 * turns: which of the threads that want a slab of a class may take one.
 */
#ifndef MAGRING_TURNS_H
#define MAGRING_TURNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The threads that wait for one size class: see turns.c. All zero: none. */
struct turns {
	_Atomic(uint64_t) word;      /* the two groups */
	_Atomic(int64_t) since_ns;   /* when the first group became that */
	_Atomic(int64_t) offered_ns; /* to it, memory: about; 0: it has tried since */
};

/* The groups have numbers that alternate. A thread that does not wait: none. */
enum { TURNS_NO_GROUP = 2 };

/* The kind of sleepers, for eventcount_notify_kinds(). */
static inline uint32_t turns_kind(unsigned int group)
{
	return (uint32_t)1 << group;
}

/* The caller waits from now on. Returns: its group. */
unsigned int turns_join(struct turns *turns);
/* It does no longer. Notify afterwards: it may be the next one's turn. */
void turns_leave(struct turns *turns, unsigned int group);

/* The group whose turn it is. It may be empty. */
unsigned int turns_first(struct turns *turns);
/* Whether free slabs are for the first group alone. */
bool turns_closed(struct turns *turns);
/* Memory was freed, and is for the first group to find. */
void turns_offer(struct turns *turns);
/* Whether it was, and the first group has not tried since. */
bool turns_offered(struct turns *turns);
/*
 * Before a thread of this group, or of none, tries to take a slab. False: it is
 * not its turn. Else *ret_offer, if not 0, is for turns_tried().
 */
bool turns_may_take(struct turns *turns, unsigned int group, int64_t *ret_offer);
/* After that try, whatever it brought. */
void turns_tried(struct turns *turns, int64_t offer);

#endif
