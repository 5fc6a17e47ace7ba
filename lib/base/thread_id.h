/* SPDX-License-Identifier: MIT */
/*
 * thread_id: numbers of threads, which are never used again.
 */
#ifndef MAGRING_THREAD_ID_H
#define MAGRING_THREAD_ID_H

#include <stdint.h>

#include "base/thread_local.h"

/* The calling thread's number, or 0 before its first thread_self(). */
extern THREAD_LOCAL uint64_t thread_number;

/* For thread_self(): the thread's first number. */
uint64_t thread_take_number(void);

/* The calling thread's number, 1 or more. */
static inline uint64_t thread_self(void)
{
	return __builtin_expect(thread_number != 0, 1) ? thread_number : thread_take_number();
}

#endif
