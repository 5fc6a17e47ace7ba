/* SPDX-License-Identifier: MIT */
/*
 * Heap allocations, counted.
 *
 * This is a library that is preloaded: it defines the malloc family, so that the program, every
 * shared library in it and libc's own callers all come through here; each function
 * counts, and hands on to glibc's allocator under its second name. Each thread
 * counts in its own thread-local variable, so that counting takes no lock and
 * shares no cache line. While counting is off the cost is one predicted branch.
 *
 * valloc() and pvalloc() are left to glibc, uncounted: nothing here calls them.
 */
#include "workloads/heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool counting;
/* In memory that is there from the start: to reach it must not allocate. */
static _Thread_local struct heap_counts counts __attribute__((tls_model("initial-exec")));

void heap_count(bool on)
{
	/* Relaxed: a thread that notices a little later counts a little later. */
	atomic_store_explicit(&counting, on, memory_order_relaxed);
}

struct heap_counts heap_counts_of_thread(void)
{
	return counts;
}

static inline void note(size_t size)
{
	if (atomic_load_explicit(&counting, memory_order_relaxed)) {
		counts.calls++;
		counts.bytes += size;
	}
}

void *malloc(size_t size)
{
	note(size);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	note(count * size);
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	note(size);
	return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
	note(size);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	note(size);
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory;

	if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
		return EINVAL;
	note(size);
	memory = __libc_memalign(alignment, size);
	if (memory == NULL)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

void free(void *memory)
{
	__libc_free(memory);
}
