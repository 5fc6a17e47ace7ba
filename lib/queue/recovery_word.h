/* SPDX-License-Identifier: MIT */
/*
 * recovery word: what a cell's owner owes, and how its challenge stands. See
 * recovery.c.
 */
#ifndef MAGRING_RECOVERY_WORD_H
#define MAGRING_RECOVERY_WORD_H

#include "queue/ring_layout.h"

enum progress {
	DONE,    /* no challenge, or the owner has stored what it owed */
	PENDING, /* challenged and not decided */
	SKIPPED, /* the cell is quarantined */
};

static inline uint64_t recovery_word(uint64_t owed, enum progress progress)
{
	return owed << 2 | progress;
}

static inline uint64_t owed_of(uint64_t word)
{
	return word >> 2;
}

static inline enum progress progress_of(uint64_t word)
{
	return word & 3;
}

static inline _Atomic(uint64_t) *recovery_at(const struct ring *ring, uint64_t position)
{
	return &ring->recovery[position & ring->index_mask];
}

static inline uint64_t read_recovery(const struct ring *ring, uint64_t position)
{
	/* [recovery] acquire: pairs with change_recovery(). */
	return atomic_load_explicit(recovery_at(ring, position), memory_order_acquire);
}

static inline bool change_recovery(struct ring *ring, uint64_t position, uint64_t *from,
	uint64_t to)
{
	/* [recovery] acq_rel: pairs with every other change and read of the
	 * word. Its reader knows of the state what its writer knew. */
	return atomic_compare_exchange_strong_explicit(recovery_at(ring, position), from, to,
		memory_order_acq_rel, memory_order_acquire);
}

/* A challenge is over. */
static inline void resolve(struct ring *ring)
{
	/* [resolved] release: the cell is in its last state before this. */
	atomic_fetch_add_explicit(&ring->resolved, 1, memory_order_release);
}

#endif
