/* SPDX-License-Identifier: MIT */
/*
 * fence: the asymmetric fence.
 *
 * fence_light() on a path taken all the time and fence_heavy() on a rare one order
 * a store before a later load on both sides, as two full fences would: of two
 * threads that each store, fence, and load what the other stored, at least one
 * sees the other's store. light is a compiler barrier and heavy a membarrier
 * system call; where there is no membarrier both are full fences.
 */
#ifndef MAGRING_FENCE_H
#define MAGRING_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>

extern bool fence_asymmetric; /* found out before main(), then constant */

/* Both sides in one, where each pays for its own. */
static inline void fence_full(void)
{
	/* seq_cst: nothing weaker orders a store before a later load. */
	atomic_thread_fence(memory_order_seq_cst);
}

/* The light side for a thread that knows that fences are asymmetric. */
static inline void fence_light_asymmetric(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void fence_light(void)
{
	if (__builtin_expect(fence_asymmetric, 1))
		fence_light_asymmetric();
	else
		fence_full();
}

void fence_heavy(void);

#endif
