/* SPDX-License-Identifier: MIT */
/*
 * ring layout: a ring's cells, the positions that use them, and its two ends.
 *
 * A position counts the sends, or the receives, from the beginning, modulo
 * 2^62. Position p uses the cell with index p % cells, in lap p / cells. The
 * state of a cell says which lap it is in, and if it is free or full:
 *
 *	FREE(lap) -> FULL(lap) -> FREE(lap + 1) -> ...   state = 2 * lap + full
 *
 * so that cells of zeroes are an empty ring. Positions and states are compared
 * modulo their range: one is ahead of another while less than half of the range
 * lies between the two.
 */
#ifndef MAGRING_RING_LAYOUT_H
#define MAGRING_RING_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "magring.h"

/* The sides of a ring. Senders use tail and wait for free cells. Receivers use
 * head and wait for full ones. */
enum side { SENDER, RECEIVER };

/* How far a call goes before it answers -EAGAIN. See ring.h. */
enum effort { TRY, DEFINITE };

/* One cache line. */
struct ring_cell {
	_Alignas(64) _Atomic(uint64_t) state;
	struct magring_message message;
};
_Static_assert(sizeof(struct ring_cell) == 64, "a cell is one cache line");

/* Only one thread at a time uses the side. The program orders one such thread
 * before the next. */
#define RING_EXCLUSIVE_SENDER (1u << 0)
#define RING_EXCLUSIVE_RECEIVER (1u << 1)
/* Single pushes and pops prefetch cells on sides that many threads use, too.
 * This pays if a thread that finds the ring full or empty backs off for a
 * while. Otherwise each side takes away the lines that the other works on. */
#define RING_FETCHES (1u << 2)
/* The calls below are not those of ring_choose_calls(). */
#define RING_REPLACED (1u << 3)

struct ring;
typedef int ring_push_call(struct ring *, const struct magring_message *, enum effort);
typedef int ring_push_batch_call(struct ring *, const struct magring_message *, size_t,
	enum effort);
typedef int ring_pop_call(struct ring *, struct magring_message *, enum effort);
typedef int ring_pop_batch_call(struct ring *, struct magring_message *, size_t, enum effort);

struct ring {
	/* Read by every call. All but three are constant. `challenges` and
	 * `resolved` change when a stopped thread is in the way, `end` when
	 * the ring is closed. */
	struct ring_cell *cells;
	uint64_t index_mask;          /* number of cells - 1 */
	unsigned int lap_shift;       /* log2(number of cells) */
	unsigned int flags;           /* RING_... */
	_Atomic(uint64_t) challenges; /* challenges announced; see recovery.c */
	_Atomic(uint64_t) resolved;   /* challenges that are over */
	_Atomic(uint64_t) end;        /* of a closed ring with one sender; see close.c */
	ring_push_call *push;
	ring_pop_call *pop;
	ring_push_batch_call *push_batch;
	ring_pop_batch_call *pop_batch;
	_Atomic(uint64_t) *recovery; /* a recovery word for each cell */
	uint64_t start;              /* the first position */
	size_t spare;                /* positions that tail may skip; see ring.c */
	size_t claim_max;            /* cells that one call claims at once */
	const char *name;            /* the queue's, for tracepoints; or NULL */
	void *memory;                /* that these are in: the heap's, or a mapping */

	/* The ends, in 128 bytes each: processors fetch lines in pairs. The
	 * second line of a pair has counters. They change when a stopped
	 * thread is in the way, or when a program asks for statistics. */
	_Alignas(128) _Atomic(uint64_t) tail;  /* position of the next send; top bit: closed */
	_Alignas(64) _Atomic(uint64_t) unsent; /* positions that tail skips; counted before */
	_Atomic(uint64_t) skipped;             /* positions that tail skipped; counted after */
	_Atomic(uint64_t) unsent_max;          /* up to here tail may skip without another scan */
	_Atomic(uint64_t) told_sent; /* the largest count that ring_counts() has returned */

	_Alignas(128) _Atomic(uint64_t) head;      /* position of the next receive */
	_Alignas(64) _Atomic(uint64_t) unreceived; /* positions that head skips; counted before */
	_Atomic(uint64_t) told_received; /* the largest count that ring_counts() has returned */
	_Atomic(uint64_t) challenged;
	_Atomic(uint64_t) quarantined; /* cells taken from a stopped thread */
	_Atomic(uint64_t) returned;    /* of these: messages, to their senders */
};
_Static_assert(sizeof(struct ring) == 384, "three pairs of lines");

static inline size_t ring_cells(const struct ring *ring)
{
	return (size_t)ring->index_mask + 1;
}

static inline bool is_exclusive(const struct ring *ring, enum side side)
{
	return ring->flags & (side == SENDER ? RING_EXCLUSIVE_SENDER : RING_EXCLUSIVE_RECEIVER);
}

/* ------------------------------------------------------------- positions -- */

#define CLOSED ((uint64_t)1 << 63)
#define POSITION (((uint64_t)1 << 62) - 1)

static inline uint64_t advance(uint64_t position, uint64_t count)
{
	return (position + count) & POSITION;
}

/* How far a position is ahead of another. The closed bit does not count. */
static inline int64_t ahead(uint64_t position, uint64_t of)
{
	return (int64_t)((position - of) << 2) >> 2;
}

/* The position that uses the same cell one lap later. */
static inline uint64_t next_lap(const struct ring *ring, uint64_t position)
{
	return advance(position, ring_cells(ring));
}

static inline size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

/* The end of the ring that a side moves: tail or head. */
static inline _Atomic(uint64_t) *end_of(struct ring *ring, enum side side)
{
	return side == SENDER ? &ring->tail : &ring->head;
}

/* Read an end again. False if it is still at *position, otherwise *position
 * becomes what it is now. */
static inline bool moved_on(const _Atomic(uint64_t) *end, uint64_t *position)
{
	/* [order] acquire: the other end and the cells are read after this one.
	 * Positions and states only grow. So what those reads find was true at
	 * the moment of this one. */
	uint64_t now = atomic_load_explicit(end, memory_order_acquire);
	if (now == *position)
		return false;
	*position = now;
	return true;
}

/* ---------------------------------------------------------------- states -- */

static inline uint64_t state_free(const struct ring *ring, uint64_t position)
{
	return (position & POSITION) >> ring->lap_shift << 1;
}

static inline uint64_t state_full(const struct ring *ring, uint64_t position)
{
	return state_free(ring, position) | 1;
}

/* The state that a side waits for at a position. */
static inline uint64_t wanted(const struct ring *ring, uint64_t position, enum side side)
{
	return side == SENDER ? state_free(ring, position) : state_full(ring, position);
}

/* How many steps a state is ahead of another of the same cell. */
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
	/* [publish] acquire: pairs with publish(). The cell is FULL, and the
	 * message is there.
	 * [recycle] acquire: pairs with recycle() and recovery_stands(). The
	 * cell is FREE, and the last message was copied out. */
	return atomic_load_explicit(&cell->state, memory_order_acquire);
}

#endif
