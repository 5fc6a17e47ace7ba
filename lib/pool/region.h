/* SPDX-License-Identifier: MIT */
/*
 * region: address space that is taken from its start. It is reserved as a
 * whole, or where the system has not so much, a little at first.
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
	size_t reserved;          /* bytes mapped at first, whole pages */
	size_t whole;             /* limit rounded up to pages */
	_Atomic(size_t) taken;    /* bytes taken, <= limit */
	_Atomic(size_t) writable; /* bytes made accessible, whole pages */
	struct region *beside;    /* has a byte for each `unit` of these; or NULL */
	size_t unit;
};

/* Whether the system has so many bytes of address space right now. */
bool region_room(size_t bytes);
/*
 * A region that is reserved as a whole, if it may be and the system has as
 * much. Returns: 0, -ENOMEM.
 */
int region_init(struct region *region, size_t limit, bool whole);
/* For each `unit` that is accessible a byte of `beside` is to be, too. */
void region_put_beside(struct region *region, struct region *beside, size_t unit);
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
/*
 * Whether to take bytes may be to map some. While one thread does that, another
 * thread that takes some may be refused.
 */
bool region_grows(const struct region *region);

#endif
