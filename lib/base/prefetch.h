/* SPDX-License-Identifier: MIT */
/*
 * prefetch: have a cache line brought to this processor, for writing. These are
 * hints, which never fault.
 */
#ifndef MAGRING_PREFETCH_H
#define MAGRING_PREFETCH_H

#include <stddef.h>

/* Bytes of a cache line. */
#define LINE ((size_t)64)

/*
 * For x86 compilers turn the builtin into a prefetch for reading, unless they
 * are told that there is PREFETCHW. On a processor that lacks it this
 * instruction does nothing.
 */
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
