/* SPDX-License-Identifier: MIT */
/*
 * scan: which cells are ready for a side, and where the next one is.
 *
 * A cell is ready for a side at a position if it has the state that the side
 * waits for there: free for senders, full for receivers.
 */
#ifndef MAGRING_SCAN_H
#define MAGRING_SCAN_H

#include "queue/ring_layout.h"

/* How many cells from position on, at most count, are ready. Never more than
 * the ring has: the next lap's state is another one. */
static inline size_t count_ready(const struct ring *ring, uint64_t position, size_t count,
	enum side side)
{
	/* The compiler must not keep these over the acquires by itself. */
	const struct ring_cell *cells = ring->cells;
	uint64_t mask = ring->index_mask, state = wanted(ring, position, side);
	for (size_t n = 0; n < count; n++, position++) {
		if (n > 0 && (position & mask) == 0)
			state = state_free_next(ring, state) | (side == RECEIVER);
		if (read_state(&cells[position & mask]) != state)
			return n;
	}
	return count;
}

/* The first position from `from` to before `end` whose cell is ready and not
 * quarantined, or `end`. */
uint64_t scan_ready(const struct ring *ring, uint64_t from, uint64_t end, enum side side);

/*
 * For senders, with tail at a position whose cell is not free: whether they may
 * skip from there to the next free cell, *ret_until. False, with tail still
 * there, is a true answer for some moment of the call. Then either no cell
 * behind position was free before head + cells, or the skip would have left
 * more than `spare` positions without a message.
 */
bool scan_room(struct ring *ring, uint64_t position, uint64_t *ret_until);

/* Where the room for senders ends, were all cells up to there emptied. */
static inline uint64_t free_end(const struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	return next_lap(ring, atomic_load_explicit(&ring->head, memory_order_acquire));
}

#endif
