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
#include "tuning.h"

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
	/* Constant, but for `challenges` and `resolved`, which change only when a thread is in
	 * the way of others, and for `end`. */
	struct ring_cell *cells;
	uint64_t index_mask;          /* number of cells - 1 */
	unsigned int lap_shift;       /* log2(number of cells) */
	unsigned int flags;           /* RING_... */
	_Atomic(uint64_t) challenges;     /* how often an owner was doubted; see recovery.c */
	_Atomic(uint64_t) resolved;    /* how many challenges are over */
	_Atomic(uint64_t) end;        /* of a closed ring with one sender; see close.c */
	ring_push_call *push;
	ring_pop_call *pop;
	ring_push_batch_call *push_batch;
	ring_pop_batch_call *pop_batch;
	_Atomic(uint64_t) *recovery;  /* one for each cell */
	uint64_t start;               /* the first position */
	size_t spare;                 /* positions that tail may skip; see ring.c */
	size_t claim_max;             /* cells that one call claims at once */

	/* 128 bytes apart: processors fetch lines in pairs. */
	_Alignas(128) _Atomic(uint64_t) tail; /* position of the next send; top bit: closed */
	_Alignas(128) _Atomic(uint64_t) head; /* position of the next receive */

	/* Counted where a thread is in the way of others. */
	_Alignas(128) _Atomic(uint64_t) challenged;
	_Atomic(uint64_t) quarantined; /* cells taken from a stopped thread */
	_Atomic(uint64_t) returned;    /* of these: messages, to their senders */
	_Atomic(uint64_t) unsent;      /* positions that tail skips */
	_Atomic(uint64_t) unreceived;  /* positions that head skips */
	_Atomic(uint64_t) skipped;     /* positions that tail has skipped: as unsent, but late */
	_Atomic(uint64_t) unsent_max;  /* so far tail may skip without another count */
	/* The most that ring_counts() has told. */
	_Atomic(uint64_t) told_sent;
	_Atomic(uint64_t) told_received;
};

/* A side that one thread at a time uses, with an edge between one and the next. */
#define RING_EXCLUSIVE_SENDER 1u
#define RING_EXCLUSIVE_RECEIVER 2u
/* Singly, cells are fetched ahead on sides that many threads use, too. It pays if who finds the
 * ring full or empty stays away for a while: else the sides fetch each other's cells away. */
#define RING_FETCHES 4u

/* The most cells that one call claims at once, and so the most that a
 * stopped thread holds. */

/*
 * The number of cells is a power of two, at least 2. `spare` of them, at least
 * 1, are for positions that are skipped; the rest is the capacity. Position 0
 * but for tests of the wrap.
 */
int ring_init(struct ring *ring, size_t cells, size_t spare, uint64_t position, unsigned int flags);
void ring_fini(struct ring *ring);
/* For ring_init(): the calls that go with the flags. */
void ring_choose_calls(struct ring *ring);

/*
 * Send or receive up to count messages, count > 0, as many as go without a gap,
 * but no more than claim_max; the single forms are for one. Returns how many,
 * at least 1, or -EAGAIN (full, empty), or -EPIPE (closed; for receivers: and
 * empty). [publish] what was written before a push is visible after the pop
 * that returns its message.
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

/* Whether the calling thread, in pops since it was last asked, has skipped
 * positions. If its last pop was in vain, senders may have room that nobody
 * tells them of: the message behind those positions is another thread's. */
bool ring_has_skipped(void);

/* No push that has not claimed its cell yet will. */
void ring_close(struct ring *ring);

/* Whether a push (pop) at this moment would not answer -EAGAIN. */
bool ring_may_push(const struct ring *ring);
bool ring_may_pop(const struct ring *ring);

struct ring_counts {
	uint64_t sent;
	uint64_t received;
	uint64_t returned; /* no more than either */
	uint64_t challenged;
	uint64_t quarantined;
	bool closed;
};
/*
 * A snapshot with received <= sent, of counts that never fall. A message that
 * returned to its sender counts as sent and received, and counts again if it is
 * sent after all. Each count may be too low by what threads in the middle of a
 * call are about to count.
 */
struct ring_counts ring_counts(struct ring *ring);

/* How many messages are claimed by senders and not by receivers, 0 ...
 * cells: at some moment of the call, but for threads in the middle of a close
 * or of passing others over. */
size_t ring_size(const struct ring *ring);

static inline size_t ring_cells(const struct ring *ring)
{
	return (size_t)ring->index_mask + 1;
}

/* How many messages always fit while no thread is in a call. */
static inline size_t ring_capacity(const struct ring *ring)
{
	return ring_cells(ring) - ring->spare;
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
