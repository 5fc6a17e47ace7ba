/* SPDX-License-Identifier: MIT */
/*
 * fetch: have a cache line brought here, for writing. Hints, which never fault.
 */
#ifndef MAGRING_FETCH_H
#define MAGRING_FETCH_H

#include <stddef.h>

#define LINE ((size_t)64)

/* Compilers for x86 make a hint for reading of it, unless told that there is PREFETCHW;
 * where there is not, this instruction does nothing. */
static inline void prefetch_line(const void *line)
{
#if defined(__x86_64__)
	__asm__("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

static inline void prefetch_lines(const void *first, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += LINE)
		prefetch_line((const char *)first + at);
}

#endif
