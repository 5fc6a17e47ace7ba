/* SPDX-License-Identifier: MIT */
/*
 * What the checks say to GenMC: an assertion, and threads. Thread 0 is main().
 */
#ifndef GENMC_VERIFIER_H
#define GENMC_VERIFIER_H

#include <stdbool.h>

int __VERIFIER_thread_create(const void *attributes, void *(*start)(void *), void *argument);
void *__VERIFIER_thread_join(long thread);
long __VERIFIER_thread_self(void);
void __VERIFIER_assert_fail(const char *text, const char *file, int line);

#define always_inline __attribute__((always_inline)) static inline
#define require(condition) \
	((condition) ? (void)0 : __VERIFIER_assert_fail(#condition, __FILE__, __LINE__))

#endif
