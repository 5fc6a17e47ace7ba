/* SPDX-License-Identifier: MIT */
/*
 * ring: a bounded queue of messages for any number of senders and receivers. It
 * never waits for a stopped thread, and knows nothing of who sleeps or of payloads.
 */
#ifndef MAGRING_RING_H
#define MAGRING_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "magring.h"

/* One cache line. */
struct ring_cell {
	_Alignas(64) _Atomic(uint64_t) state;
	struct magring_message message;
};
_Static_assert(sizeof(struct ring_cell) == 64, "a cell is one cache line");

struct ring;
typedef int ring_push_call(struct ring *, const struct magring_message *, bool sure);
typedef int ring_push_batch_call(struct ring *, const struct magring_message *, size_t, bool sure);
typedef int ring_pop_call(struct ring *, struct magring_message *, bool sure);
typedef int ring_pop_batch_call(struct ring *, struct magring_message *, size_t, bool sure);

struct ring {
	/* Constant, but for `doubts` and `settled`, which change only when a thread is in
	 * the way of others, and for `end`. */
	struct ring_cell *cells;
	uint64_t index_mask;          /* capacity - 1 */
	unsigned int lap_shift;       /* log2(capacity) */
	unsigned int flags;           /* RING_... */
	_Atomic(uint64_t) doubts;     /* how often an owner was doubted; see verdict.c */
	_Atomic(uint64_t) settled;    /* how many doubts are over */
	_Atomic(uint64_t) end;        /* of a closed ring with one sender; see closing.c */
	ring_push_call *push;
	ring_pop_call *pop;
	ring_push_batch_call *push_batch;
	ring_pop_batch_call *pop_batch;
	_Atomic(uint64_t) *verdicts;  /* one for each cell */
	uint64_t start;               /* the first position */

	/* 128 bytes apart: processors fetch lines in pairs. */
	_Alignas(128) _Atomic(uint64_t) tail; /* position of the next send; top bit: closed */
	_Alignas(128) _Atomic(uint64_t) head; /* position of the next receive */

	/* Counted where a thread is in the way of others, by whoever deals with it. */
	_Alignas(128) _Atomic(uint64_t) questions;
	_Atomic(uint64_t) quarantined; /* cells taken from a stopped thread */
	_Atomic(uint64_t) unsent;      /* positions that tail went over without a message */
	_Atomic(uint64_t) unreceived;  /* positions that head went over without one */
};

/* A side that one thread at a time uses, with an edge between one and the next. */
#define RING_ALONE_SENDER 1u
#define RING_ALONE_RECEIVER 2u
/* Singly, cells are fetched ahead on sides that many threads use, too. It pays if who finds the
 * ring full or empty stays away for a while: else the sides fetch each other's cells away. */
#define RING_FETCHES 4u

/* Capacity is a power of two, at least 2; position 0 but for tests of the wrap. */
int ring_init(struct ring *ring, size_t capacity, uint64_t position, unsigned int flags);
void ring_fini(struct ring *ring);
/* For ring_init(): the calls that go with the flags. */
void ring_choose_calls(struct ring *ring);

/*
 * Send or receive up to count messages, count > 0, as many as go without a gap;
 * the single forms are for one. Returns how many, at least 1, or -EAGAIN (full,
 * empty), or -EPIPE (closed; for receivers: and empty). [publish] what was written
 * before a push is visible after the pop that returns its message.
 *
 * Only if it is to be sure is -EAGAIN a true answer, and a stopped thread passed over. Else
 * a call that finds nothing ready looks no further: it does not read what the other side
 * writes all the time, and says -EAGAIN to one who means to look again.
 */
static inline int ring_try_push(struct ring *ring, const struct magring_message *message, bool sure)
{
	return ring->push(ring, message, sure);
}

static inline int ring_try_push_batch(struct ring *ring, const struct magring_message *messages, size_t count,
	bool sure)
{
	return ring->push_batch(ring, messages, count, sure);
}

static inline int ring_try_pop(struct ring *ring, struct magring_message *ret_message, bool sure)
{
	return ring->pop(ring, ret_message, sure);
}

static inline int ring_try_pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count,
	bool sure)
{
	return ring->pop_batch(ring, ret_messages, count, sure);
}

static inline int ring_push(struct ring *ring, const struct magring_message *message)
{
	return ring_try_push(ring, message, true);
}

static inline int ring_push_batch(struct ring *ring, const struct magring_message *messages, size_t count)
{
	return ring_try_push_batch(ring, messages, count, true);
}

static inline int ring_pop(struct ring *ring, struct magring_message *ret_message)
{
	return ring_try_pop(ring, ret_message, true);
}

static inline int ring_pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count)
{
	return ring_try_pop_batch(ring, ret_messages, count, true);
}

/* No push that has not claimed its cell yet will. */
void ring_close(struct ring *ring);

/* Whether a push (pop) at this moment would not answer -EAGAIN. */
bool ring_may_push(const struct ring *ring);
bool ring_may_pop(const struct ring *ring);

struct ring_counts {
	uint64_t sent;
	uint64_t received;
	uint64_t questions;
	uint64_t quarantined;
	bool closed;
};
/* A snapshot with received <= sent <= received + capacity. Positions without a message are
 * taken off a moment after they were gone over: while a thread is stopped in between, both
 * counts may be too high by as many. */
struct ring_counts ring_counts(const struct ring *ring);

static inline size_t ring_capacity(const struct ring *ring)
{
	return (size_t)ring->index_mask + 1;
}

/* How far receivers (senders) are. */
static inline uint64_t ring_position(const struct ring *ring, bool full)
{
	return atomic_load_explicit(full ? &ring->head : &ring->tail, memory_order_relaxed);
}

/* Whether the cell that is so far from where receivers (senders) are is full (free): a hint, which
 * reads nothing that the other side writes but the cell. */
bool ring_ready(const struct ring *ring, size_t distance, bool full);

#endif
