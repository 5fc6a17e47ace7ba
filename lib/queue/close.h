/* SPDX-License-Identifier: MIT */
/*
 * closing: how a ring is closed that one thread sends to without a CAS. See close.c.
 */
#ifndef MAGRING_CLOSING_H
#define MAGRING_CLOSING_H

#include "queue/ring_layout.h"

/* Not closed. A ring in which senders compare stays at this; theirs is the bit in tail. */
#define OPEN ((uint64_t)0)
/* Where it ends is to be decided. */
#define CLOSING ((uint64_t)1 << 62)

/* Whether the ring is closed, or about to be. */
static inline bool closing(const struct ring *ring)
{
	/* [order] acquire: tail and the cells are read after this one. */
	return __builtin_expect(atomic_load_explicit(&ring->end, memory_order_acquire) != OPEN, 0);
}

/* Refuse further sends. */
void close_begin(struct ring *ring);

/* Of a ring that is closing: where it ends, with the bit CLOSED. Never another one later. */
uint64_t close_end(struct ring *ring);

/*
 * For the sender of a ring that is closing, whose claims go up to position `claimed`: true
 * if all of them count, false if the last one came too late. From now on tail is what it is
 * in any other closed ring.
 */
bool close_counts(struct ring *ring, uint64_t claimed);

#endif
