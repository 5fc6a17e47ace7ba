/* SPDX-License-Identifier: MIT */
/*
 * What the checked sources call and GenMC does not have. Memory is touched in words
 * of 8 bytes, because GenMC wants every access to a place to be of the same size.
 */
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/fence.h"

#ifndef FULL_FENCES
_Atomic(uint64_t) shim_barriers[THREADS + 1];
#endif

/* Put by ./run where the compiler copies or clears a structure, or counts zeroes. */
void shim_copy(void *to, const void *from, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = ((const uint64_t *)from)[i];
}

void shim_clear(void *to, char zero, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = (uint64_t)zero;
}

uint64_t shim_trailing_zeroes(uint64_t value)
{
	uint64_t n = 0;
	while (!(value >> n & 1))
		n++;
	return n;
}

/*
 * Zero, as fresh pages are. A reservation may be larger than what there is of it; the
 * checks do not touch that much, or GenMC reports it.
 */
#define RESERVATION ((size_t)2048 / sizeof(uint64_t))
_Alignas(256) uint64_t shim_memory[2 * RESERVATION];

/* Called by main() alone. */
void *shim_map(size_t bytes)
{
	static unsigned int count;
	(void)bytes;
	return count < 2 ? &shim_memory[RESERVATION * count++] : NULL;
}

int sched_yield(void)
{
	return 0;
}
