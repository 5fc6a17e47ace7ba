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
	/* [doubt] acquire: pairs with doubt(); the questions are visible to
	 * the reads that follow. */
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
 * For tail (head) at a position where what it waits for is missing: threads
 * have claimed the `count` cells from there on, 1 to RING_CLAIM_MAX. Ask about
 * all that owe a state. Cells whose threads have not stored it are quarantined
 * as long as all positions before are without a message. Returns how many
 * positions in a row, from the first on, are to be skipped, or were passed by
 * others meanwhile.
 */
size_t verdict_challenge(struct ring *ring, uint64_t position, size_t count, bool full);

/* How many of the positions between the two ends are to be skipped: exactly,
 * if head has not moved when it returns. */
size_t verdict_skipped(const struct ring *ring, uint64_t head, uint64_t tail);

/* How many cells may be claimed, and what doubted_since() wants to know. */
struct claimable {
	size_t count;
	uint64_t known;
};

/* How many cells from position on, at most count, are free (full), and may be claimed
 * although cells of the ring are doubted. Count is at most RING_CLAIM_MAX. */
struct claimable verdict_count(struct ring *ring, uint64_t position, size_t count, bool full);

/*
 * The owner of position's cell has stored the state `own`. True if that stands. False
 * if the owner was passed over; it has given the cell back by now.
 */
bool verdict_stands(struct ring *ring, uint64_t position, uint64_t own);

/* Whether position's cell is quarantined at the moment. */
bool verdict_quarantined(const struct ring *ring, uint64_t position);

#endif
