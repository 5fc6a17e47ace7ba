/* SPDX-License-Identifier: MIT */
/*
 * fence: the asymmetric fence.
 *
 * Of two threads that each store, fence, and load what the other stored, at
 * least one sees the other's store. One of them uses fence_light(), on a path
 * that is taken all the time, and the other fence_heavy(), on a rare one. A
 * light fence is a compiler barrier and a heavy one a membarrier system call.
 * Where membarrier is not allowed both are full fences.
 */
#ifndef MAGRING_FENCE_H
#define MAGRING_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Constant once fence_init() has run, and not read before: see fence.c. */
extern bool fence_asymmetric __attribute__((visibility("hidden")));

/* Find out whether membarrier works and may be used, unless that is done. */
void fence_init(void);
/* In the child of a fork: no other thread decides. */
void fence_forget_deciding(void);

/* Both sides in one: each thread pays for its own. */
static inline void fence_full(void)
{
	/* seq_cst: nothing weaker orders a store before a later load. */
	atomic_thread_fence(memory_order_seq_cst);
}

/* The light side in a thread that knows that fences are asymmetric. */
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
