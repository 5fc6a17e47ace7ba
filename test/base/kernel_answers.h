/* SPDX-License-Identifier: MIT */
/*
 * kernel_answers: the program's own syscall(), which the library's calls come
 * to. It counts those of membarrier, and may answer in the kernel's place.
 */
#ifndef TEST_KERNEL_ANSWERS_H
#define TEST_KERNEL_ANSWERS_H

#include <dlfcn.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	_Atomic(unsigned int) registrations, barriers; /* calls */
	_Atomic(bool) lost;                            /* barriers are EPERM */
	_Atomic(bool) refused;                         /* registrations are EPERM */
	/* So many barriers, or registrations, are ENOMEM. */
	_Atomic(unsigned int) no_memory, no_memory_to_register;
} answers;

/* 0: the kernel is asked. */
static int answer_of(long command)
{
	bool registers = command == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	_Atomic(unsigned int) *no_memory =
		registers ? &answers.no_memory_to_register : &answers.no_memory;
	unsigned int left = atomic_load(no_memory);
	atomic_fetch_add(registers ? &answers.registrations : &answers.barriers, 1);
	while (left > 0)
		if (atomic_compare_exchange_weak(no_memory, &left, left - 1))
			return ENOMEM;
	if (!registers)
		return atomic_load(&answers.lost) ? EPERM : 0;
	if (atomic_load(&answers.refused))
		return EPERM;
	atomic_store(&answers.lost, false);
	return 0;
}

static inline unsigned int membarrier_calls(void)
{
	return atomic_load(&answers.registrations) + atomic_load(&answers.barriers);
}

typedef long system_call(long number, ...);

static inline system_call *kernel_call(void)
{
	static _Atomic(uintptr_t) found;
	if (atomic_load(&found) == 0)
		atomic_store(&found, (uintptr_t)dlsym(RTLD_NEXT, "syscall"));
	return (system_call *)atomic_load(&found);
}

/* Whether the kernel has it, and no filter forbids it. Does not count. */
static inline bool membarrier_works(void)
{
	return kernel_call()(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ==
		0 &&
		kernel_call()(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* It reads six arguments, whatever the caller has passed. */
__attribute__((no_sanitize("address"))) long syscall(long number, ...)
{
	long a[6];
	va_list arguments;
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_membarrier) {
		int error = answer_of(a[0]);
		if (error != 0) {
			errno = error;
			return -1;
		}
	}
	return kernel_call()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
