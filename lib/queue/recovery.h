/* SPDX-License-Identifier: MIT */
/*
 * verdict: what becomes of a cell whose owner does not go on. See recovery.c.
 */
#ifndef MAGRING_VERDICT_H
#define MAGRING_VERDICT_H

#include "queue/ring_layout.h"
#include "base/fence.h"

static inline uint64_t resolved(const struct ring *ring)
{
	/* [resolved] acquire: pairs with notify_waiters(); what was done to the cells that were
	 * doubted is visible to the reads that follow. */
	return atomic_load_explicit(&ring->resolved, memory_order_acquire);
}

static inline uint64_t challenges(const struct ring *ring)
{
	/* [doubt] acquire: pairs with doubt(); the questions are visible to
	 * the reads that follow. */
	return atomic_load_explicit(&ring->challenges, memory_order_acquire);
}

/* Whether a doubt has come up since challenges (or resolved) was `known`; later than all that
 * the thread has read and stored. Always true where fences are not asymmetric. */
static inline bool challenged_since(const struct ring *ring, uint64_t known)
{
	/* [answer] light side. */
	fence_light_asymmetric();
	return __builtin_expect(challenges(ring) != known, 0);
}

/* A cell that is free for position. */
void recovery_init(struct ring *ring, uint64_t position);

/*
 * For tail (head) at a position where what it waits for is missing: threads
 * have claimed the `count` cells from there on, 1 to RING_CLAIM_MAX. Ask about
 * all that owe a state. Cells whose threads have not stored it are quarantined
 * as long as all positions before are without a message. Returns how many
 * positions in a row, from the first on, are to be skipped, or were passed by
 * others meanwhile.
 */
size_t recovery_challenge(struct ring *ring, uint64_t position, size_t count, bool full);

/* How many of the positions between the two ends are to be skipped: exactly,
 * if head has not moved when it returns. */
size_t recovery_skipped(const struct ring *ring, uint64_t head, uint64_t tail);

/* How many cells may be claimed, and what challenged_since() wants to know. */
struct claimable {
	size_t count;
	uint64_t known;
};

/* How many cells from position on, at most count, are free (full), and may be claimed
 * although cells of the ring are doubted. Count is at most RING_CLAIM_MAX. */
struct claimable recovery_count(struct ring *ring, uint64_t position, size_t count, bool full);

/*
 * The owner of position's cell has stored the state `own`. True if that stands. False
 * if the owner was passed over; it has given the cell back by now.
 */
bool recovery_stands(struct ring *ring, uint64_t position, uint64_t own);

/* Whether position's cell is quarantined at the moment. */
bool recovery_quarantined(const struct ring *ring, uint64_t position);

#endif
