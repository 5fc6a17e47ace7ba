/* SPDX-License-Identifier: MIT */
/*
 * close: how a ring is closed whose sender claims without a CAS. See close.c.
 */
#ifndef MAGRING_CLOSE_H
#define MAGRING_CLOSE_H

#include "queue/ring_layout.h"

/* Values of `end`. A ring whose senders claim by CAS stays OPEN: it is closed
 * by the bit in tail. */
#define OPEN ((uint64_t)0)
/* The end is not decided yet. */
#define CLOSING ((uint64_t)1 << 62)

/* Whether the ring is closed, or about to be. */
static inline bool closing(const struct ring *ring)
{
	/* [order] acquire: tail and the cells are read after this one. */
	return __builtin_expect(atomic_load_explicit(&ring->end, memory_order_acquire) != OPEN, 0);
}

/* Refuse further sends. */
void close_begin(struct ring *ring);

/* Where a closing ring ends, with the bit CLOSED. It never changes later. */
uint64_t close_end(struct ring *ring);

/*
 * For the sender of a closing ring, whose claims reach up to `claimed`. True if
 * all of them count, false if the last one came too late. From now on tail is
 * what it is in any other closed ring.
 */
bool close_counts(struct ring *ring, uint64_t claimed);

#endif
