/* SPDX-License-Identifier: MIT */
/*
 * slab: size classes, and memory carved from a reservation.
 *
 * A slab is known by its round, its offset in the pool's reservation in units
 * of 64 bytes: half the size of a pointer, so a magazine holds twice as many.
 */
#ifndef MAGRING_SLAB_H
#define MAGRING_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_UNIT ((size_t)64)
#define SLAB_CLASSES_MAX 96

/* Which class serves this many bytes, size > 0. */
static inline unsigned int slab_class(size_t size)
{
	unsigned int units = (unsigned int)((size + SLAB_UNIT - 1) / SLAB_UNIT);
	if (units <= 4)
		return units - 1;
	/* units - 1 is 1xx in binary with `shift` more bits: the class is 5, 6, 7
	 * or 8 times 2^shift units. */
	unsigned int shift = 29U - (unsigned int)__builtin_clz(units - 1);
	return 4 + shift * 4 + (((units - 1) >> shift) - 4);
}

/* How many bytes a slab of this class has. */
size_t slab_size(unsigned int class_index);
/* How many slabs of this class are carved at a time, of a budget of that many
 * bytes. */
size_t slab_chunk(unsigned int class_index, size_t memory_limit);

/*
 * Address space, taken from its start and never given back before fini. Any
 * number of threads may take at once; none waits for another.
 */
struct region {
	unsigned char *base;
	size_t limit;             /* bytes that may be taken */
	size_t reserved;          /* bytes mapped: limit rounded up to pages */
	_Atomic(size_t) taken;    /* bytes taken, <= limit */
	_Atomic(size_t) writable; /* bytes made accessible, whole pages */
};

int region_init(struct region *region, size_t limit);
void region_fini(struct region *region);
/*
 * Take as many times `size` bytes as are left, `most` times at most. Returns how many bytes
 * that is and sets *ret_offset; 0 when not even `size` are left or the system refuses.
 */
size_t region_take(struct region *region, size_t size, size_t most, size_t *ret_offset);

#endif
