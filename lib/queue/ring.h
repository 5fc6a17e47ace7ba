/* SPDX-License-Identifier: MIT */
/*
 * ring: a bounded queue of messages for any number of senders and receivers.
 *
 * No call waits for a stopped thread. A ring knows nothing of sleeping threads
 * or of payloads.
 */
#ifndef MAGRING_RING_H
#define MAGRING_RING_H

#include "queue/ring_layout.h"

/*
 * The number of cells is a power of two, at least 2. `spare` of them, at least
 * 1, are for positions that are skipped; the rest is the capacity. Tests of the
 * wrap begin at another position than 0.
 */
int ring_init(struct ring *ring, size_t cells, size_t spare, uint64_t position, unsigned int flags);
void ring_fini(struct ring *ring);
/* What it takes of the heap or of the system, beside itself. */
size_t ring_bytes(const struct ring *ring);
/* For ring_init(): set the calls that go with the flags. */
void ring_choose_calls(struct ring *ring);

/*
 * Send or receive up to count messages, count > 0, but no more than claim_max.
 * The single forms are for one. Return how many in a row went, at least 1. Or
 * return -EAGAIN (full; empty), or -EPIPE (closed; for receivers, and empty).
 * [publish] What was written before a push is visible after the pop that
 * returns its message.
 *
 * With DEFINITE, -EAGAIN is a true answer, and the call skips the positions of
 * stopped threads. With TRY, a call that finds no cell ready returns -EAGAIN
 * at once. It does not read the line that the other side writes all the time.
 */
static inline int ring_try_push(struct ring *ring, const struct magring_message *message,
	enum effort effort)
{
	return ring->push(ring, message, effort);
}

static inline int ring_try_push_batch(struct ring *ring, const struct magring_message *messages,
	size_t count, enum effort effort)
{
	return ring->push_batch(ring, messages, count, effort);
}

static inline int ring_try_pop(struct ring *ring, struct magring_message *ret_message,
	enum effort effort)
{
	return ring->pop(ring, ret_message, effort);
}

static inline int ring_try_pop_batch(struct ring *ring, struct magring_message *ret_messages,
	size_t count, enum effort effort)
{
	return ring->pop_batch(ring, ret_messages, count, effort);
}

/*
 * The single forms with TRY, for threads that try again at once. They prefetch
 * nothing, as that takes away lines that the other side works on.
 */
int ring_poll_push(struct ring *ring, const struct magring_message *message);
int ring_poll_pop(struct ring *ring, struct magring_message *ret_message);

static inline int ring_push(struct ring *ring, const struct magring_message *message)
{
	return ring_try_push(ring, message, DEFINITE);
}

static inline int ring_push_batch(struct ring *ring, const struct magring_message *messages,
	size_t count)
{
	return ring_try_push_batch(ring, messages, count, DEFINITE);
}

static inline int ring_pop(struct ring *ring, struct magring_message *ret_message)
{
	return ring_try_pop(ring, ret_message, DEFINITE);
}

static inline int ring_pop_batch(struct ring *ring, struct magring_message *ret_messages,
	size_t count)
{
	return ring_try_pop_batch(ring, ret_messages, count, DEFINITE);
}

/* A push that has not claimed its cell yet fails from now on. */
void ring_close(struct ring *ring);

/* Whether a push (pop) at this moment would not return -EAGAIN. The first may
 * note how far tail can skip. */
bool ring_may_push(struct ring *ring);
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
 * returned to its sender counts as sent and received. It counts again if it is
 * sent after all. A count may lack what a call in progress is about to add.
 */
struct ring_counts ring_counts(struct ring *ring);

/* How many messages are claimed by senders and not by receivers, 0 to cells.
 * True at some moment of the call, except for threads in the middle of a close
 * or of a skip. */
size_t ring_size(const struct ring *ring);

/* How many messages always fit while no thread is in a call. */
static inline size_t ring_capacity(const struct ring *ring)
{
	return ring_cells(ring) - ring->spare;
}

/* How far a side is. */
static inline uint64_t ring_position(const struct ring *ring, enum side side)
{
	return atomic_load_explicit(side == SENDER ? &ring->tail : &ring->head,
		memory_order_relaxed);
}

/* Whether the cell at this distance from a side's end is ready for that side.
 * A hint, which reads nothing that the other side writes but the cell. */
bool ring_ready(const struct ring *ring, size_t distance, enum side side);

/* For a poll: whether it need not go further, as it would return -EAGAIN. Reads
 * its own end and the cell there. */
static inline bool ring_has_nothing(struct ring *ring, enum side side)
{
	_Atomic(uint64_t) *end = end_of(ring, side);
	/* Relaxed: as in claim_shared(). */
	uint64_t position = atomic_load_explicit(end, memory_order_relaxed);
	/* [publish], [recycle] acquire: not needed here, as nothing is read. */
	if (read_state(cell_at(ring, position)) == wanted(ring, position, side) ||
		moved_on(end, &position))
		return false;
	return side == RECEIVER ||
		!(position & CLOSED || atomic_load_explicit(&ring->end, memory_order_relaxed));
}

#endif
