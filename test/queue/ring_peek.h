/* SPDX-License-Identifier: MIT */
/*
 * Half-finished sends and receives, for tests that play a thread which is
 * suspended between its claim and its store. All that a test knows of a cell is
 * here.
 */
#ifndef RING_PEEK_H
#define RING_PEEK_H

#include "queue/recovery.h"
#include "queue/recovery_word.h"
#include "queue/ring.h"

/* The first half of a send (receive), by the only thread that sends (receives)
 * at the moment. Returns its position. */
static inline uint64_t ring_peek_claim(_Atomic(uint64_t) *end)
{
	uint64_t position = atomic_load_explicit(end, memory_order_relaxed);
	atomic_store_explicit(end, advance(position, 1), memory_order_release);
	return position;
}

static inline uint64_t ring_peek_claim_push(struct ring *ring)
{
	return ring_peek_claim(&ring->tail);
}

static inline uint64_t ring_peek_claim_pop(struct ring *ring)
{
	return ring_peek_claim(&ring->head);
}

/* The second half; false if the position was skipped. In a queue the thread
 * then has to notify waiters. */
static inline bool ring_peek_finish_push(struct ring *ring, uint64_t position,
	const struct magring_message *message)
{
	cell_at(ring, position)->message = *message;
	/* [publish] release: as in ring.c. */
	atomic_store_explicit(&cell_at(ring, position)->state, state_full(ring, position),
		memory_order_release);
	return recovery_stands(ring, position, state_full(ring, position));
}

static inline bool ring_peek_finish_pop(struct ring *ring, uint64_t position,
	struct magring_message *ret_message)
{
	uint64_t free = state_free(ring, next_lap(ring, position));
	(void)read_state(cell_at(ring, position)); /* acquire; nobody else reads a claimed cell */
	*ret_message = cell_at(ring, position)->message;
	/* [recycle] release: as in ring.c. */
	atomic_store_explicit(&cell_at(ring, position)->state, free, memory_order_release);
	return recovery_stands(ring, position, free);
}

/* How many challenges are not resolved: cells that are quarantined, and
 * decisions that have begun. */
static inline uint64_t ring_peek_unresolved(const struct ring *ring)
{
	uint64_t known = resolved(ring);
	return challenges(ring) - known - !fence_asymmetric;
}

/* A thread has challenged the sender of a claimed position, and stops. */
static inline void ring_peek_challenge(struct ring *ring, uint64_t position)
{
	atomic_store_explicit(&ring->recovery[position & ring->index_mask],
		recovery_word(state_full(ring, position), PENDING), memory_order_release);
}

/* Whether a challenge to any cell is pending. */
static inline bool ring_peek_pending(const struct ring *ring)
{
	for (uint64_t i = 0; i < ring_cells(ring); i++)
		if (progress_of(atomic_load_explicit(&ring->recovery[i], memory_order_relaxed)) ==
			PENDING)
			return true;
	return false;
}

#endif
