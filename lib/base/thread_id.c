/* SPDX-License-Identifier: MIT */
/*
 * A thread takes its number from a counter when it first needs one. The
 * kernel's thread ids would not do: they are used again.
 */
#include "base/thread_id.h"

#include <stdatomic.h>

THREAD_LOCAL uint64_t thread_number;
static _Atomic(uint64_t) last_number;

uint64_t thread_take_number(void)
{
	/* Relaxed: a number need only be unlike all others. */
	thread_number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
	return thread_number;
}
