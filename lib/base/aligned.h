/* SPDX-License-Identifier: MIT */
/*
 * aligned: memory of malloc that begins at a multiple of something.
 *
 * Not by aligned_alloc(). That of glibc cuts a piece out of a larger block, and
 * does not find it again when it was freed. Blocks that come and go then leave
 * gaps between them: docs/decisions.md.
 */
#ifndef MAGRING_ALIGNED_H
#define MAGRING_ALIGNED_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* What is asked of malloc. */
static inline size_t aligned_block_bytes(size_t alignment, size_t bytes)
{
	return bytes + alignment - _Alignof(max_align_t);
}

/* NULL, or memory inside *ret_block, which is what is to be freed. */
static inline void *aligned_malloc(size_t alignment, size_t bytes, void **ret_block)
{
	char *block = malloc(aligned_block_bytes(alignment, bytes));
	*ret_block = block;
	return block != NULL ? block + (-(uintptr_t)block & (alignment - 1)) : NULL;
}

#endif
