/* SPDX-License-Identifier: MIT */
/*
 * verdict: what becomes of a cell whose owner does not go on. See verdict.c.
 */
#ifndef MAGRING_VERDICT_H
#define MAGRING_VERDICT_H

#include "cell.h"

/* Whether any cell has an open question or is quarantined. */
static inline bool contested(const struct ring *ring)
{
	/* [contested] acquire: pairs with settle(); what was done to a cell before it
	 * ceased to be contested is visible to the reads that follow. */
	return __builtin_expect(
		atomic_load_explicit(&ring->contested, memory_order_acquire) != 0, 0);
}

/* A cell that is free for position. */
void verdict_init(struct ring *ring, uint64_t position);

/*
 * The thread that has claimed position's cell owes it the state `owed`. Ask whether
 * it has stored it, and give or take the answer: if not, the cell is quarantined.
 */
void verdict_ask(struct ring *ring, uint64_t position, uint64_t owed);

/*
 * The owner of position's cell has stored the state `own`, and found the ring
 * contested after a fence_light(). True if that stands. False if the owner was
 * passed over; it has given the cell back by now.
 */
bool verdict_stands(struct ring *ring, uint64_t position, uint64_t own);

/* Whether position's cell is in use, and no question about it is open any more. */
bool verdict_clear(struct ring *ring, uint64_t position);

/*
 * Whether no message will ever be at a position that tail (head) has come to and
 * where the state `owed` is missing: its cell is quarantined, or given back too
 * late for this lap.
 */
bool verdict_hole(struct ring *ring, uint64_t position, uint64_t owed);

/* Whether position's cell is quarantined at the moment. */
bool verdict_quarantined(const struct ring *ring, uint64_t position);

#endif
