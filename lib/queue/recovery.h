/* SPDX-License-Identifier: MIT */
/*
 * recovery: what becomes of a cell whose owner has stopped. See recovery.c.
 */
#ifndef MAGRING_RECOVERY_H
#define MAGRING_RECOVERY_H

#include "base/fence.h"
#include "queue/ring_layout.h"

static inline uint64_t resolved(const struct ring *ring)
{
	/* [resolved] acquire: pairs with resolve(). The reads that follow see
	 * what became of the challenged cells. */
	return atomic_load_explicit(&ring->resolved, memory_order_acquire);
}

static inline uint64_t challenges(const struct ring *ring)
{
	/* [challenge] acquire: pairs with announce(). The reads that follow see
	 * the recovery words of the challenged cells. */
	return atomic_load_explicit(&ring->challenges, memory_order_acquire);
}

/* Whether a cell was challenged since `challenges` (or `resolved`) was `known`.
 * The answer is later than all that the thread has read and stored. It is
 * always true where fences are not asymmetric. */
static inline bool challenged_since(const struct ring *ring, uint64_t known)
{
	/* [decision] light side. */
	fence_light_asymmetric();
	return __builtin_expect(challenges(ring) != known, 0);
}

/* A cell that is free for position. */
void recovery_init(struct ring *ring, uint64_t position);

/*
 * A side is at a position where the wanted state is missing. Other threads have
 * claimed the `count` cells from there on, 1 to RING_CLAIM_MAX. Challenge all
 * of them that owe a state. A cell whose owner has not stored it is
 * quarantined if all positions before it are skipped. Returns how many
 * positions in a row, from the first on, the side is to skip, or has passed
 * meanwhile.
 */
size_t recovery_challenge(struct ring *ring, uint64_t position, size_t count, enum side side);

/* How many positions between the two ends are to be skipped. Exact if head has
 * not moved when it returns. */
size_t recovery_skipped(const struct ring *ring, uint64_t head, uint64_t tail);

/* How many cells may be claimed, and `known` for challenged_since(). */
struct claimable {
	size_t count;
	uint64_t known;
};

/* How many cells from position on, at most count, are ready and may be claimed
 * although cells of the ring are challenged. Count is at most
 * RING_CLAIM_MAX. */
struct claimable recovery_claimable(struct ring *ring, uint64_t position, size_t count,
	enum side side);

/* The owner of position's cell has stored the state `own`. True if it stands.
 * False if the position was skipped. The owner then has returned the cell. */
bool recovery_stands(struct ring *ring, uint64_t position, uint64_t own);

/* A receiver has copied n messages out, from position on, and a cell was
 * challenged meanwhile. It returns those of its cells that are quarantined.
 * Its messages stay: returns n. */
__attribute__((noinline, cold)) int recovery_after_pop(struct ring *ring, uint64_t position,
	size_t n);

/* Whether position's cell is quarantined at the moment. */
bool recovery_quarantined(const struct ring *ring, uint64_t position);

#endif
