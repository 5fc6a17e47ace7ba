/* SPDX-License-Identifier: MIT */
/*
 * Instead of lib/base/fence.h, in two forms:
 *
 * FULL_FENCES: there is no membarrier, so both sides are full fences, as in fence.c.
 *
 * Otherwise what membarrier promises and nothing more: at some moment of a heavy
 * fence each other thread passes a barrier between two of its instructions. Whatever
 * that thread's light fence separates is before that barrier or after it. So a word
 * for each thread: a light fence is a read-modify-write of its own thread's, a
 * heavy one of everybody's, and of two of them on one word the first is visible to
 * what follows the second. Light fences do not order each other.
 */
#ifndef MAGRING_FENCE_H
#define MAGRING_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline void fence_full(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

#ifdef FULL_FENCES

#define fence_asymmetric false

static inline void fence_light(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void fence_light_asymmetric(void) {}

static inline void fence_heavy(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

#else

#define fence_asymmetric true

/* main(), thread 0, runs when no other does. */
extern _Atomic(uint64_t) shim_barriers[THREADS + 1];
long __VERIFIER_thread_self(void);

static inline void fence_light(void)
{
	long self = __VERIFIER_thread_self();
	if (self != 0)
		atomic_fetch_add_explicit(&shim_barriers[self], 0, memory_order_acq_rel);
}

static inline void fence_light_asymmetric(void)
{
	fence_light();
}

static inline void fence_heavy(void)
{
	long self = __VERIFIER_thread_self();
	atomic_thread_fence(memory_order_seq_cst);
	for (long i = 1; i <= THREADS; i++)
		if (i != self)
			atomic_fetch_add_explicit(&shim_barriers[i], 0, memory_order_acq_rel);
	atomic_thread_fence(memory_order_seq_cst);
}

#endif
#endif
