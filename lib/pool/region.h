/* SPDX-License-Identifier: MIT */
/*
 * region: address space that is reserved as a whole and taken from its start.
 *
 * Any number of threads may take bytes at once, and none waits for another.
 * What was taken stays taken until region_fini().
 */
#ifndef MAGRING_REGION_H
#define MAGRING_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The unit of access rights, and of memory that goes back to the system. */
#define REGION_PAGE ((size_t)4096)

struct region {
	unsigned char *base;
	size_t limit;             /* bytes that may be taken */
	size_t reserved;          /* bytes mapped: limit rounded up to pages */
	_Atomic(size_t) taken;    /* bytes taken, <= limit */
	_Atomic(size_t) writable; /* bytes made accessible, whole pages */
};

/* Returns: 0, -ENOMEM. */
int region_init(struct region *region, size_t limit);
void region_fini(struct region *region);
/*
 * Take as many times `size` bytes as are left, `most` times at most. Fresh
 * bytes are zero.
 *
 * Returns: the bytes taken, at *ret_offset. 0 if fewer than `size` are left or
 *          the system refuses.
 */
size_t region_take(struct region *region, size_t size, size_t most, size_t *ret_offset);
/* Bytes that nobody has taken. Relaxed: any thread may take some meanwhile. */
static inline size_t region_left(const struct region *region)
{
	return region->limit - atomic_load_explicit(&region->taken, memory_order_relaxed);
}

/*
 * Have all bytes taken up to `end`, in whole pages, for a region whose bytes
 * are all of one owner. Returns: false if the system refuses.
 */
bool region_reach(struct region *region, size_t end);

#endif
