/* SPDX-License-Identifier: MIT */
/*
 * size_class: which slab serves how many bytes.
 *
 * A slab is the buffer that holds a payload. Its size is a multiple of
 * SLAB_UNIT, so a pool names a slab by its round: the offset from the start of
 * the pool's memory in units. A round is half as long as a pointer, so a
 * magazine holds twice as many.
 */
#ifndef MAGRING_SIZE_CLASS_H
#define MAGRING_SIZE_CLASS_H

#include <stddef.h>

#define SLAB_UNIT ((size_t)64)
#define SLAB_CLASSES_MAX 96

/* The class that serves this many bytes, size > 0. */
static inline unsigned int slab_class(size_t size)
{
	unsigned int units = (unsigned int)((size + SLAB_UNIT - 1) / SLAB_UNIT);
	if (units <= 4)
		return units - 1;
	/*
	 * In binary, units - 1 is 1xx followed by `shift` more bits. The class
	 * has 5, 6, 7 or 8 times 2^shift units.
	 */
	unsigned int shift = 29U - (unsigned int)__builtin_clz(units - 1);
	return 4 + shift * 4 + (((units - 1) >> shift) - 4);
}

/* Bytes of a slab of this class. */
size_t slab_size(unsigned int class_index);
/* Slabs in a chunk of this class, within this budget of bytes. */
size_t slab_chunk(unsigned int class_index, size_t memory_limit);
/* Chunks that are carved at a time. */
size_t slab_batch(unsigned int class_index, size_t memory_limit);

#endif
