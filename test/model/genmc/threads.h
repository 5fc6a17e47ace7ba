/* SPDX-License-Identifier: MIT */
/*
 * The threads of a check: THREADS of them, at most 4, and THREAD_1 ... what each one
 * does: a list of `log = do_...(self, log);` of functions of the including file. `self`
 * is the thread's number, from 1, and `log` a word, 0 at first, that main() is given when
 * the thread has ended: one word, so that it stays in a register.
 */
#ifndef GENMC_THREADS_H
#define GENMC_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "verifier.h"

#ifndef THREAD_3
#define THREAD_3
#endif
#ifndef THREAD_4
#define THREAD_4
#endif

#define THREAD(number, calls) \
	static void *thread_##number(void *unused) \
	{ \
		const uint64_t self = number; \
		uint64_t log = 0; \
		(void)unused; \
		(void)self; \
		calls return (void *)log; \
	}

THREAD(1, THREAD_1)
THREAD(2, THREAD_2)
THREAD(3, THREAD_3)
THREAD(4, THREAD_4)

static void *(*const thread_start[4])(void *) = { thread_1, thread_2, thread_3, thread_4 };

always_inline void start_threads(long threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		threads[i] = __VERIFIER_thread_create(NULL, thread_start[i], NULL);
}

always_inline uint64_t join_thread(long thread)
{
	return (uint64_t)__VERIFIER_thread_join(thread);
}

#endif
