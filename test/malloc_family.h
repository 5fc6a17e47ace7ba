/* SPDX-License-Identifier: MIT */
/*
 * malloc_family: the malloc family of the program itself, for calls of the library, too. It asks
 * the program, which defines the two functions below, before each call.
 */
#ifndef TEST_MALLOC_FAMILY_H
#define TEST_MALLOC_FAMILY_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Whether the next allocation may succeed. */
static bool may_allocate(void);
/* There are more blocks now, or fewer; called for every free(). */
static void have_blocks(int change);

/* glibc's own, under the names that it offers for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static inline void *counted(void *memory)
{
	if (memory != NULL)
		have_blocks(1);
	return memory;
}

static inline void *refused(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return may_allocate() ? counted(__libc_malloc(size)) : refused();
}

void *calloc(size_t count, size_t size)
{
	return may_allocate() ? counted(__libc_calloc(count, size)) : refused();
}

void *realloc(void *memory, size_t size)
{
	if (!may_allocate())
		return refused();
	void *moved = __libc_realloc(memory, size);
	return memory != NULL ? moved : counted(moved);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return may_allocate() ? counted(__libc_memalign(alignment, size)) : refused();
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	*ret_memory = may_allocate() ? counted(__libc_memalign(alignment, size)) : NULL;
	return *ret_memory != NULL ? 0 : ENOMEM;
}

void free(void *memory)
{
	have_blocks(memory != NULL ? -1 : 0);
	__libc_free(memory);
}

#endif
