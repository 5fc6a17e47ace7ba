/* SPDX-License-Identifier: MIT */
/*
 * ready: which cells senders and receivers may turn to, and how far they are.
 */
#ifndef MAGRING_READY_H
#define MAGRING_READY_H

#include "queue/recovery.h"

/* What a sender (receiver) at position waits for. */
static inline uint64_t wanted(const struct ring *ring, uint64_t position, bool full)
{
	return state_free(ring, position) | full;
}

/* How many cells from position on, at most count, are free (full). Never more
 * than there are: the next lap's state is another one. */
static inline size_t count_ready(const struct ring *ring, uint64_t position, size_t count, bool full)
{
	/* The compiler must not keep these over the acquires by itself. */
	const struct ring_cell *cells = ring->cells;
	uint64_t mask = ring->index_mask, state = wanted(ring, position, full);
	for (size_t n = 0; n < count; n++, position++) {
		if (n > 0 && (position & mask) == 0)
			state = state_free_next(ring, state) | full;
		if (read_state(&cells[position & mask]) != state)
			return n;
	}
	return count;
}

static inline size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

/* The first position from `from` to before `end` that is ready, and no hole; `end` if
 * there is none. */
uint64_t ready_find(const struct ring *ring, uint64_t from, uint64_t end, bool full);

/*
 * For senders, with tail at a position whose cell is not free: whether they may
 * skip from there to the next free cell, *ret_until. If not, and if tail has
 * not moved, then there was a moment of the call at which no cell behind
 * position was free before head + cells, or more positions than `spare` would
 * have been without a message up to the first one.
 */
bool ready_find_room(struct ring *ring, uint64_t position, uint64_t *ret_until);

/* Where the room for senders ends, were all cells up to there emptied. */
static inline uint64_t free_end(const struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	return next_lap(ring, atomic_load_explicit(&ring->head, memory_order_acquire));
}

/* Make *position what `end` is now; false if it is that already. */
static inline bool moved_on(const _Atomic(uint64_t) *end, uint64_t *position)
{
	/* [order] acquire: the other end and the cells are read after this one. As
	 * positions and states only grow, what is found is a true answer for the
	 * moment of this read. */
	uint64_t now = atomic_load_explicit(end, memory_order_acquire);
	if (now == *position)
		return false;
	*position = now;
	return true;
}

#endif
