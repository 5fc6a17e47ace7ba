/* SPDX-License-Identifier: MIT */
/*
 * Batches: a claim of up to count cells, and everything that a call does when
 * the cell at its end is not ready. A single push or pop that meets such a cell
 * continues here, as a batch of one.
 *
 * A call repeats three steps until it has an answer:
 *
 *	1. Claim the cells that are ready, and fill or empty them.
 *	2. If there are none and the end has moved, go to the new position.
 *	3. If the end is still there, read the other end (DEFINITE only). Either
 *	   the ring is full (empty), or a thread is in the way. Wait for its
 *	   store a bounded number of times, then skip its position.
 */
#include "queue/ring_batch.h"

#include <errno.h>

#include "base/pause.h"
#include "queue/claim.h"
#include "queue/skip.h"
#include "tuning.h"

/* ------------------------------------------------------ no cell is ready -- */

/*
 * Before a thread reads the other end, to answer "full" or "empty", what its
 * earlier calls stored must be visible. Otherwise a sender whose message is on
 * its way to memory could find the ring full. At the same time a receiver that
 * does not see that message could find it empty, with its free cell on the way.
 * In no order are both true.
 */
static inline void show_earlier_calls(unsigned int tries)
{
	if (tries > 0)
		return;
	fence_full();
}

/*
 * Give the owner of a claimed cell a moment to finish: CHALLENGE_AFTER tries,
 * or none if it is known to be stopped. False when they are used up.
 */
static inline bool pause_for_owner(const struct ring *ring, uint64_t position, unsigned int *tries)
{
	if (*tries == CHALLENGE_AFTER || recovery_quarantined(ring, position))
		return false;
	++*tries;
	pause_for(BACKOFF_MIN_NS);
	return true;
}

/* The cell at tail is not free. Returns 0 to try again, or -EAGAIN if the ring
 * is full. */
static inline int push_blocked(struct ring *ring, uint64_t *position, unsigned int *tries)
{
	/* [seen] acq_rel, by a full fence: pairs with pop_blocked()'s. */
	show_earlier_calls(*tries);
	int64_t room = ahead(free_end(ring), *position);
	if (room > 0 && pause_for_owner(ring, *position, tries))
		return 0;
	uint64_t until;
	if (room > 1 && scan_room(ring, *position, &until)) {
		skip_stopped(ring, *position, until, SENDER);
		return 0;
	}
	if (moved_on(&ring->tail, position))
		return 0;
	return count_claimable(ring, *position, 1, SENDER).count > 0 ? 0 : -EAGAIN;
}

/* What senders have claimed: tail, or where a closed ring ends. */
static uint64_t claimed_end(struct ring *ring)
{
	if (closing(ring))
		return close_end(ring);
	/* [order] acquire: as in moved_on(). */
	return atomic_load_explicit(&ring->tail, memory_order_acquire);
}

/* The cell at head is not full. Returns 0 to try again, or -EAGAIN if the ring
 * is empty, or -EPIPE if it is closed, too. */
static inline int pop_blocked(struct ring *ring, uint64_t *position, unsigned int *tries)
{
	/* [seen] acq_rel, by a full fence: pairs with push_blocked()'s. */
	show_earlier_calls(*tries);
	uint64_t tail = claimed_end(ring);
	if ((tail & POSITION) == *position)
		return tail & CLOSED ? -EPIPE : -EAGAIN;
	if (pause_for_owner(ring, *position, tries))
		return 0;
	uint64_t until = scan_ready(ring, advance(*position, 1), tail & POSITION, RECEIVER);
	if (tail & CLOSED || until != (tail & POSITION)) {
		skip_stopped(ring, *position, until, RECEIVER);
		return 0;
	}
	if (moved_on(&ring->head, position))
		return 0;
	return count_claimable(ring, *position, 1, RECEIVER).count > 0 ? 0 : -EAGAIN;
}

/* ------------------------------------------------------------------ push -- */

/* Fill the claimed cells from position on. Returns how many messages went: one
 * whose position was skipped is sent in the next cell. */
ALWAYS_INLINE size_t fill(struct ring *ring, uint64_t position, struct claimable claimed,
	const struct magring_message *messages, bool exclusive)
{
	const struct magring_message *next = messages;
	struct ring_cell *cells = ring->cells;
	uint64_t mask = ring->index_mask;
	uint64_t full = state_full(ring, position);
	for (size_t n = claimed.count;;) {
		if (exclusive && claimed.count > 1)
			fetch_ahead(ring, position);
		publish(&cells[position & mask], full, next);
		if (!challenged_since(ring, claimed.known) || recovery_stands(ring, position, full))
			next++;
		if (--n == 0)
			return (size_t)(next - messages);
		position = advance(position, 1);
		if ((position & mask) == 0)
			full = state_free_next(ring, full) | 1;
	}
}

ALWAYS_INLINE int push_batch(struct ring *ring, const struct magring_message *messages,
	size_t count, enum effort effort, bool exclusive)
{
	/* Relaxed: as in claim_shared(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	unsigned int tries = 0;
	count = at_most(count, ring->claim_max);
	for (;;) {
		if (position & CLOSED)
			return -EPIPE;
		if (exclusive && closing(ring)) {
			/* Its claims and skips up to here. Relaxed: its own
			 * stores. */
			close_counts(ring, atomic_load_explicit(&ring->tail, memory_order_relaxed));
			return -EPIPE;
		}
		struct claimable ready = count_claimable(ring, position, count, SENDER);
		if (ready.count > 0) {
			if (!claim(ring, &position, ready.count, SENDER, exclusive))
				continue;
			size_t sent = fill(ring, position, ready, messages, exclusive);
			if (sent > 0)
				return (int)sent;
		}
		if (moved_on(&ring->tail, &position))
			continue;
		if (effort == TRY)
			return -EAGAIN;
		int result = push_blocked(ring, &position, &tries);
		if (result != 0)
			return result;
	}
}

/* ------------------------------------------------------------------- pop -- */

/* Empty the claimed cells from position on. */
ALWAYS_INLINE int drain(struct ring *ring, uint64_t position, struct claimable claimed,
	struct magring_message *ret_messages, bool exclusive)
{
	struct ring_cell *cells = ring->cells;
	uint64_t mask = ring->index_mask;
	uint64_t free = state_free_next(ring, state_full(ring, position));
	size_t n = claimed.count;
	uint64_t at = position;
	for (size_t i = 0;;) {
		if (exclusive && n > 1)
			fetch_ahead(ring, at);
		recycle(&cells[at & mask], free, &ret_messages[i]);
		if (++i == n)
			break;
		at = advance(at, 1);
		if ((at & mask) == 0)
			free = state_free_next(ring, free);
	}
	if (challenged_since(ring, claimed.known))
		return recovery_after_pop(ring, position, n);
	return (int)n;
}

ALWAYS_INLINE int pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count,
	enum effort effort, bool exclusive)
{
	/* Relaxed: as in claim_shared(). */
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	unsigned int tries = 0;
	count = at_most(count, ring->claim_max);
	for (;;) {
		struct claimable ready = count_claimable(ring, position, count, RECEIVER);
		if (ready.count > 0) {
			if (!claim(ring, &position, ready.count, RECEIVER, exclusive))
				continue;
			return drain(ring, position, ready, ret_messages, exclusive);
		}
		if (moved_on(&ring->head, &position))
			continue;
		if (effort == TRY)
			return -EAGAIN;
		int result = pop_blocked(ring, &position, &tries);
		if (result != 0)
			return result;
	}
}

/* --------------------------------------------------- a function for each -- */

int push_batch_shared(struct ring *ring, const struct magring_message *messages, size_t count,
	enum effort effort)
{
	return push_batch(ring, messages, count, effort, false);
}

int push_batch_exclusive(struct ring *ring, const struct magring_message *messages, size_t count,
	enum effort effort)
{
	return push_batch(ring, messages, count, effort, true);
}

int pop_batch_shared(struct ring *ring, struct magring_message *ret_messages, size_t count,
	enum effort effort)
{
	return pop_batch(ring, ret_messages, count, effort, false);
}

int pop_batch_exclusive(struct ring *ring, struct magring_message *ret_messages, size_t count,
	enum effort effort)
{
	return pop_batch(ring, ret_messages, count, effort, true);
}
