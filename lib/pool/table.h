/* SPDX-License-Identifier: MIT */
/*
 * table: all pools of the process, by number.
 *
 * A message names its pool by a number of 16 bits. Threads that end look
 * through the table for pools whose caches they must give back. They do so in
 * sections, and a pool that is withdrawn waits until no section can still see
 * it.
 */
#ifndef MAGRING_TABLE_H
#define MAGRING_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "magring.h"

extern _Atomic(struct magring_pool *) pools[MAGRING_POOLS_MAX]
	__attribute__((visibility("hidden")));

/*
 * The pool of this number, or NULL. The caller keeps the pool alive (it holds a
 * message of it) or is in a section.
 */
static inline struct magring_pool *pool_published(unsigned int number)
{
	/*
	 * [table] acquire: pairs with pool_publish(). The pool is initialised.
	 */
	return atomic_load_explicit(&pools[number], memory_order_acquire);
}

/* Whether there is a pool at this address, which may be any. */
bool pool_is_published(const struct magring_pool *pool);

/*
 * Give the pool a number, and publish it. *ret_number belongs to the pool, and
 * is written before any thread can find the pool.
 *
 * Returns: 0, -EMFILE.
 */
int pool_publish(struct magring_pool *pool, uint16_t *ret_number);
/* Withdraw the pool, and wait for the sections that may have found it. */
void pool_withdraw(unsigned int number);
/* No pool has this number or a higher one. */
unsigned int pool_numbers(void);

/*
 * Inside a section the pools in the table stay. End takes what begin returned.
 */
unsigned int thread_section_begin(void);
void thread_section_end(unsigned int half);
/*
 * Whether a section has begun and not ended, in the order of a caller's own
 * fence.
 */
bool thread_sections_busy(void);
/* Wait until each section that began before the call has ended. */
void thread_wait_for_readers(void);
/* In the child of a fork: no thread is in a section, or waits. */
void thread_forget_sections(void);

#endif
