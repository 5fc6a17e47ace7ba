/* SPDX-License-Identifier: MIT */
/* pool_acts: what threads of several programs do with slabs. */
#ifndef MAGRING_SCHED_POOL_ACTS_H
#define MAGRING_SCHED_POOL_ACTS_H

#include "pool_slabs.h"

/* Slabs that are there. */
void slabs_take_all(struct magring_message *ret_messages, size_t payload, unsigned int count);

/* A thread waits for a slab of so many bytes, a size_t, and keeps it for others. */
void slabs_want(void *payload);

/* So many times the thread takes a small slab, frees one or hands it to others.
 * It holds three at most, and frees what is left. */
void slabs_trade(unsigned int turns, unsigned int most);

/* The thread goes no further, and has told what it did. Its end would do more. */
void slabs_stay(void);

#endif
