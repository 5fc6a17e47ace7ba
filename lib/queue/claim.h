/* SPDX-License-Identifier: MIT */
/*
 * claim: the steps of a push and of a pop. Count the cells that may be claimed,
 * claim them, and fill or empty them.
 */
#ifndef MAGRING_CLAIM_H
#define MAGRING_CLAIM_H

#include <string.h>

#include "base/prefetch.h"
#include "queue/close.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "tuning.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* How many cells from position on, at most count, a side may claim. */
static inline struct claimable count_claimable(struct ring *ring, uint64_t position, size_t count,
	enum side side)
{
	uint64_t known = resolved(ring);
	if (__builtin_expect(challenges(ring) != known, 0))
		return recovery_claimable(ring, position, count, side);
	size_t n = count_ready(ring, position, count, side);
	if (n > 0 && challenged_since(ring, known))
		return recovery_claimable(ring, position, n, side);
	return (struct claimable){ n, known };
}

/* ---------------------------------------------------------------- claims -- */

/* Move an end on by n, if it is still at *position. Otherwise *position becomes
 * where the end is now, and the answer is false. The cell's state, and not this
 * CAS, orders what the cell holds. */
static inline bool claim_shared(_Atomic(uint64_t) *end, uint64_t *position, size_t n)
{
	uint64_t next = advance(*position, n);
	/* [order] release: a thread that sees head here sees the tail that it
	 * followed. */
	bool claimed = atomic_compare_exchange_strong_explicit(end, position, next,
		memory_order_release, memory_order_relaxed);
	return __builtin_expect(claimed, 1);
}

/* The same for the only thread that moves the end. */
static inline void claim_exclusive(_Atomic(uint64_t) *end, uint64_t position, size_t n)
{
	/* [order] release: as in claim_shared(). */
	atomic_store_explicit(end, advance(position, n), memory_order_release);
}

/* After a claim by an exclusive sender: whether close_counts() has to say if
 * the claim counts. */
static inline bool close_since(const struct ring *ring)
{
	/* [close] light side: the claim is there before `end` is read. */
	fence_light_asymmetric();
	return closing(ring);
}

/* A claim by either side, of either kind. False: not made, as in
 * claim_shared(), or closed. */
static inline bool claim(struct ring *ring, uint64_t *position, size_t n, enum side side,
	bool exclusive)
{
	_Atomic(uint64_t) *end = end_of(ring, side);
	if (!exclusive)
		return claim_shared(end, position, n);
	claim_exclusive(end, *position, n);
	if (side == RECEIVER || !close_since(ring) || close_counts(ring, advance(*position, n)))
		return true;
	*position = atomic_load_explicit(end, memory_order_relaxed); /* its own store */
	return false;
}

/* --------------------------------------------------------- claimed cells -- */

/* Header and body are copied separately. They were written separately a moment
 * ago, and a load that spans two stores has to wait for both. */
static inline void copy_message(struct magring_message *to, const struct magring_message *from)
{
	to->private_header = from->private_header;
	memcpy(to->private_body, from->private_body, sizeof(to->private_body));
}

/* Write the message into a claimed cell and let receivers have it. */
static inline void publish(struct ring_cell *cell, uint64_t full,
	const struct magring_message *message)
{
	copy_message(&cell->message, message);
	/* [publish] release: the message is in the cell before the cell reads
	 * as full. With a relaxed store a receiver could copy the last lap's
	 * bytes. */
	atomic_store_explicit(&cell->state, full, memory_order_release);
}

/* Copy the message out of a claimed cell and let senders have the cell. */
static inline void recycle(struct ring_cell *cell, uint64_t free,
	struct magring_message *ret_message)
{
	copy_message(ret_message, &cell->message);
	/* [recycle] release: the message is copied out before the cell reads as
	 * free. With a relaxed store a sender could overwrite it meanwhile. */
	atomic_store_explicit(&cell->state, free, memory_order_release);
}

/* Prefetch, for writing, a cell that this side comes to soon. */
static inline void fetch_ahead(const struct ring *ring, uint64_t position)
{
	prefetch_line(cell_at(ring, position + PREFETCH_AHEAD));
}

/* Whether the message after this one is there: a hint. Without a backlog a
 * receiver would only prefetch the cells that senders are writing to. */
static inline bool backlog(const struct ring *ring, uint64_t position)
{
	return atomic_load_explicit(&cell_at(ring, position + 1)->state, memory_order_relaxed) & 1;
}

#endif
