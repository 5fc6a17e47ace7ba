/* SPDX-License-Identifier: MIT */
/* Counting what the malloc family is asked for; see heap.c. */
#ifndef PERF_HEAP_H
#define PERF_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_counts {
	uint64_t calls; /* allocations, not frees */
	uint64_t bytes; /* as asked for, without malloc's own overhead */
};

/* From now on every thread counts, or stops counting. */
void heap_count(bool on);

/* What the calling thread allocated while counting was on. */
struct heap_counts heap_counts_of_thread(void);

/* glibc's own functions, without the counter in between: it exports them for
 * interposers, but declares them nowhere. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

#endif
