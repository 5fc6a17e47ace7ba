/* SPDX-License-Identifier: MIT */
/*
 * cell: positions, the cells that they use, and the states of a cell.
 *
 * Positions count sends and receives from the beginning of time, modulo 2^62.
 * Position p uses the cell with index p % cells, in lap p / cells. A cell's
 * state says which lap it is in and whether it is free or full:
 *
 *	FREE(lap) -> FULL(lap) -> FREE(lap + 1) -> ...       state = 2 * lap + full
 *
 * so that cells of zeroes are an empty ring. What is `ahead` is told modulo the
 * range: true while the two are less than half of it apart.
 */
#ifndef MAGRING_CELL_H
#define MAGRING_CELL_H

#include "queue/ring.h"

#define CLOSED ((uint64_t)1 << 63)
#define POSITION (((uint64_t)1 << 62) - 1)

static inline uint64_t advance(uint64_t position, uint64_t count)
{
	return (position + count) & POSITION;
}

/* How far a position is ahead of another one; the closed bit does not count. */
static inline int64_t ahead(uint64_t position, uint64_t of)
{
	return (int64_t)((position - of) << 2) >> 2;
}

/* The position that uses the same cell one lap later. */
static inline uint64_t next_lap(const struct ring *ring, uint64_t position)
{
	return advance(position, ring_cells(ring));
}

static inline uint64_t state_free(const struct ring *ring, uint64_t position)
{
	return (position & POSITION) >> ring->lap_shift << 1;
}

static inline uint64_t state_full(const struct ring *ring, uint64_t position)
{
	return state_free(ring, position) | 1;
}

/* How many steps a state is ahead of another one of the same cell. */
static inline int64_t state_ahead(const struct ring *ring, uint64_t state, uint64_t of)
{
	return (int64_t)((state - of) << (ring->lap_shift + 1)) >> (ring->lap_shift + 1);
}

/* FREE of the next lap. */
static inline uint64_t state_free_next(const struct ring *ring, uint64_t state)
{
	return ((state | 1) + 1) & (UINT64_MAX >> (ring->lap_shift + 1));
}

static inline struct ring_cell *cell_at(const struct ring *ring, uint64_t position)
{
	return &ring->cells[position & ring->index_mask];
}

static inline uint64_t read_state(const struct ring_cell *cell)
{
	/* [publish] acquire: pairs with publish(); FULL, and the message is there.
	 * [recycle] acquire: pairs with recycle() and recovery_stands(); FREE, and the
	 * last message was copied out. */
	return atomic_load_explicit(&cell->state, memory_order_acquire);
}

#endif
