/* SPDX-License-Identifier: MIT */
/*
 * verdict: what becomes of a cell whose owner does not go on. See verdict.c.
 */
#ifndef MAGRING_VERDICT_H
#define MAGRING_VERDICT_H

#include "cell.h"
#include "fence.h"

static inline uint64_t settled(const struct ring *ring)
{
	/* [settled] acquire: pairs with settle(); what was done to the cells that were
	 * doubted is visible to the reads that follow. */
	return atomic_load_explicit(&ring->settled, memory_order_acquire);
}

static inline uint64_t doubts(const struct ring *ring)
{
	/* [doubt] acquire: pairs with decide(); the question is visible to the reads
	 * that follow. */
	return atomic_load_explicit(&ring->doubts, memory_order_acquire);
}

/* Whether a doubt has come up since doubts (or settled) was `known`; later than all that
 * the thread has read and stored. Always true where fences are not asymmetric. */
static inline bool doubted_since(const struct ring *ring, uint64_t known)
{
	/* [answer] light side. */
	fence_light_asymmetric();
	return __builtin_expect(doubts(ring) != known, 0);
}

/* A cell that is free for position. */
void verdict_init(struct ring *ring, uint64_t position);

/*
 * The thread that has claimed position's cell owes it the state `owed`. Ask whether
 * it has stored it, and give or take the answer: if not, the cell is quarantined.
 */
void verdict_ask(struct ring *ring, uint64_t position, uint64_t owed);

/* How many cells may be claimed, and what doubted_since() wants to know. */
struct claimable {
	size_t count;
	uint64_t known;
};

/* How many cells from position on, at most count, are free (full), and may be claimed
 * although cells of the ring are doubted. */
struct claimable verdict_count(struct ring *ring, uint64_t position, size_t count, bool full);

/*
 * The owner of position's cell has stored the state `own`. True if that stands. False
 * if the owner was passed over; it has given the cell back by now.
 */
bool verdict_stands(struct ring *ring, uint64_t position, uint64_t own);

/*
 * Whether no message will ever be at a position that tail (head) has come to and
 * where the state `owed` is missing: its cell is quarantined, or given back too
 * late for this lap.
 */
bool verdict_hole(struct ring *ring, uint64_t position, uint64_t owed);

/* Whether position's cell is quarantined at the moment. */
bool verdict_quarantined(const struct ring *ring, uint64_t position);

#endif
