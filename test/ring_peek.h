/* SPDX-License-Identifier: MIT */
/*
 * Half-finished sends and receives, for tests that play a thread which is suspended
 * between its claim and its store. All that a test knows of a cell is here.
 */
#ifndef RING_PEEK_H
#define RING_PEEK_H

#include "ring.h"

/* The first half of a send (receive) by the only thread that sends (receives) at
 * the moment: its position. */
static inline uint64_t ring_peek_claim_push(struct ring *ring)
{
	return atomic_fetch_add_explicit(&ring->tail, 1, memory_order_relaxed);
}

static inline uint64_t ring_peek_claim_pop(struct ring *ring)
{
	return atomic_fetch_add_explicit(&ring->head, 1, memory_order_relaxed);
}

/* The second half. What has to follow in a queue is to look at the gates. */
static inline void ring_peek_finish_push(struct ring *ring, uint64_t position,
	const struct magring_message *message)
{
	struct ring_cell *cell = &ring->cells[position & ring->index_mask];
	cell->message = *message;
	/* [publish] release: as in ring.c. */
	atomic_store_explicit(&cell->state, (position >> ring->lap_shift << 1) | 1, memory_order_release);
}

static inline void ring_peek_finish_pop(struct ring *ring, uint64_t position,
	struct magring_message *ret_message)
{
	struct ring_cell *cell = &ring->cells[position & ring->index_mask];
	/* [publish] acquire: as in ring.c; nobody else reads a claimed cell. */
	(void)atomic_load_explicit(&cell->state, memory_order_acquire);
	*ret_message = cell->message;
	position += ring_capacity(ring);
	/* [recycle] release: as in ring.c. */
	atomic_store_explicit(&cell->state, position >> ring->lap_shift << 1, memory_order_release);
}

#endif
