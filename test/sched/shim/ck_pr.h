/* SPDX-License-Identifier: MIT */
/* Instead of ConcurrencyKit's, which is inline assembly: what ck_stack.h and the
 * library use of it. ck's operations are relaxed. */
#ifndef CK_PR_H
#define CK_PR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

void shim_pause(void);
bool shim_cas2(void *address, const void *expected, const void *desired);

#define ck_pr_stall() shim_pause()
#define ck_pr_load_ptr(from) __atomic_load_n(from, __ATOMIC_RELAXED)
#define ck_pr_store_ptr(to, value) __atomic_store_n(to, (void *)(value), __ATOMIC_RELAXED)
#define ck_pr_fas_ptr(to, value) __atomic_exchange_n(to, (void *)(value), __ATOMIC_RELAXED)
#define ck_pr_fence_load() atomic_thread_fence(memory_order_acquire)
#define ck_pr_fence_store() atomic_thread_fence(memory_order_release)
#define ck_pr_fence_store_atomic() atomic_thread_fence(memory_order_release)
#define ck_pr_cas_ptr(to, old, new) ck_pr_cas_ptr_value(to, old, new, &(void *){ NULL })

static inline bool ck_pr_cas_ptr_value(void *to, void *old, void *new, void *before)
{
	bool done = __atomic_compare_exchange_n((void **)to, &old, new, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
	*(void **)before = old;
	return done;
}

static inline bool ck_pr_cas_ptr_2(void *to, void *old, void *new)
{
	return shim_cas2(to, old, new);
}

#define ck_pr_cas_ptr_2_value(to, old, new, before) (shim_cas2(to, old, new))

#endif
