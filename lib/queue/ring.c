/* SPDX-License-Identifier: MIT */
/*
 * The ring: D. Vyukov's bounded MPMC queue (2010), with the message inside the
 * cell, made strictly lock-free.
 *
 * Push, at position p = tail:
 *
 *	1. Read the state of p's cell. It must be FREE of p's lap.
 *	2. Claim p: move tail to p + 1 by CAS.
 *	3. Write the message, then store FULL of the same lap.
 *
 * Pop, at position p = head:
 *
 *	1. Read the state of p's cell. It must be FULL of p's lap.
 *	2. Claim p: move head to p + 1 by CAS.
 *	3. Copy the message out, then store FREE of the next lap.
 *
 * Between its claim and its store a cell belongs to the claiming thread alone.
 * A ring has at least two cells, as with one its two ends would be the same.
 *
 * A batch reads the states of the next k cells and claims those that are ready
 * with one CAS. Then it fills or empties them in order. A call claims at most
 * claim_max cells, and challenges as many with one fence. So a stopped thread
 * costs the others no more than that, whatever the size of its batch.
 *
 * An exclusive side is one thread's. No other thread moves its end, so it
 * claims by a store. It prefetches cells, too. Both kinds of a call are
 * compiled from one text, and each ring points to its own. close.c tells how
 * such a ring is closed. In any other, closing sets the top bit of tail. Then
 * every later claim of a sender fails and tail is final. Receivers are done
 * when head is there.
 *
 * If the owner of a cell stops between claim and store, other threads challenge
 * it. If it has not finished, they skip its position, and a sender keeps its
 * message. recovery.c tells how. The cost for all other calls is three reads
 * of two counters that change only then. Before a claim a thread makes sure
 * that no challenge is unresolved. After its store it makes sure that there was
 * none since. If there was, it checks if its position was skipped.
 *
 * No thread challenges, or skips, without need:
 *
 * - A receiver does so only if a message is ready behind the cell in its way.
 *   If none is, "empty" is a true answer. Head has not moved meanwhile, and
 *   what is published stays. So when tail was read, no message was ready. (In a
 *   closed ring a receiver also does so to reach the end.)
 * - A sender does so only if a cell is free behind the one at tail, before head
 *   + cells, and if the capacity allows the skip. If not, "full" is a true
 *   answer in the same way.
 *
 * So every challenge is paid for. A receiver's leads to a message whose send
 * has finished. A sender's is to a receive that has its message. A call takes a
 * bounded number of steps unless others finish: the ring is lock-free. (If
 * senders challenged the sender at head, too, to reach cells that were
 * returned behind it, live senders could skip one another for ever.)
 *
 *	head <= tail < head + 2 * cells; without skips tail <= head + cells
 *
 * The capacity is a promise: while no thread is in a call, as many messages
 * fit. A position without a message stays one until head passes it, even if
 * its cell was returned long before. If only senders run, no thread removes
 * such positions, and enough of them would fill the ring. So the ring has
 * more cells than its capacity, and tail skips only as many positions as the
 * spare cells replace:
 *
 *	cells = capacity + spare;  from head on, positions lost <= spare
 *
 * - Tail skips only after a count; scan.c tells how.
 * - Other positions without a message are those of skipped senders. They appear
 *   at head only. The receiver that skips them goes on until head has passed
 *   them (recovery.c).
 *
 * So while no thread is in a call, from head on at most `spare` cells are
 * neither free nor hold a message. Fewer messages than the capacity leave
 * a free cell.
 */
#include "queue/ring.h"

#include <errno.h>

#include "queue/claim.h"
#include "queue/ring_batch.h"

/* ------------------------------------------- the rare cases, out of line -- */

/* A cell was challenged since the claim. Send again if it was this one, and its
 * position was skipped. */
static __attribute__((noinline, cold)) int push_challenged(struct ring *ring, uint64_t position,
	const struct magring_message *message, enum effort effort)
{
	if (recovery_stands(ring, position, state_full(ring, position)))
		return 1;
	return ring_try_push_batch(ring, message, 1, effort);
}

/* The ring is closing: go on if the claim counts. */
static __attribute__((noinline, cold)) int push_closing(struct ring *ring, uint64_t position,
	const struct magring_message *message, enum effort effort)
{
	if (!close_counts(ring, advance(position, 1)))
		return -EPIPE;
	publish(cell_at(ring, position), state_full(ring, position), message);
	return push_challenged(ring, position, message, effort);
}

/* ---------------------------------------------------------- push and pop -- */

/*
 * One message, in the common case a straight line of code. Flags are constants,
 * RING_.... What can be computed before the claim is, as what follows a locked
 * instruction waits for it. All other cases are a batch of one.
 */
ALWAYS_INLINE int push(struct ring *ring, const struct magring_message *message, enum effort effort,
	unsigned int flags)
{
	bool exclusive = flags & RING_EXCLUSIVE_SENDER;
	/* 1. The cell at tail must be free. A closed tail is in no lap, so its
	 * cell never is. */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t free = position >> ring->lap_shift << 1;
	struct ring_cell *cell = cell_at(ring, position);
	uint64_t known = resolved(ring);
	/* 2. Claim it, if no cell is challenged. */
	if (__builtin_expect(read_state(cell) != free, 0) || challenged_since(ring, known) ||
		(!exclusive && !claim_shared(&ring->tail, &position, 1)))
		return ring_try_push_batch(ring, message, 1, effort);
	if (exclusive) {
		claim_exclusive(&ring->tail, position, 1);
		if (close_since(ring))
			return push_closing(ring, position, message, effort);
	}
	if (flags & RING_FETCHES)
		fetch_ahead(ring, position);
	/* 3. Fill it. If a cell was challenged meanwhile, see if it was this
	 * one. */
	publish(cell, free | 1, message);
	return challenged_since(ring, known) ? push_challenged(ring, position, message, effort) : 1;
}

ALWAYS_INLINE int pop(struct ring *ring, struct magring_message *ret_message, enum effort effort,
	unsigned int flags)
{
	bool exclusive = flags & RING_EXCLUSIVE_RECEIVER;
	/* 1. The cell at head must be full. */
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t full = state_full(ring, position);
	uint64_t free = state_free(ring, next_lap(ring, position));
	struct ring_cell *cell = cell_at(ring, position);
	uint64_t known = resolved(ring);
	/* 2. Claim it, if no cell is challenged. */
	if (__builtin_expect(read_state(cell) != full, 0) || challenged_since(ring, known) ||
		(!exclusive && !claim_shared(&ring->head, &position, 1)))
		return ring_try_pop_batch(ring, ret_message, 1, effort);
	if (exclusive)
		claim_exclusive(&ring->head, position, 1);
	if (flags & RING_FETCHES && backlog(ring, position))
		fetch_ahead(ring, position);
	/* 3. Empty it. If a cell was challenged meanwhile and it was this one,
	 * return it; the message has been copied out. */
	recycle(cell, free, ret_message);
	return challenged_since(ring, known) ? recovery_after_pop(ring, position, 1) : 1;
}

/* A function for each set of flags, so that no call tests them. */
#define PUSH(kind, flags) \
	static int push_##kind(struct ring *ring, const struct magring_message *message, \
		enum effort effort) \
	{ \
		return push(ring, message, effort, flags); \
	}
#define POP(kind, flags) \
	static int pop_##kind(struct ring *ring, struct magring_message *ret_message, \
		enum effort effort) \
	{ \
		return pop(ring, ret_message, effort, flags); \
	}

PUSH(shared, 0)
PUSH(fetching, RING_FETCHES)
PUSH(exclusive, RING_EXCLUSIVE_SENDER | RING_FETCHES)
POP(shared, 0)
POP(fetching, RING_FETCHES)
POP(exclusive, RING_EXCLUSIVE_RECEIVER | RING_FETCHES)

int ring_poll_push(struct ring *ring, const struct magring_message *message)
{
	if (ring->flags & RING_REPLACED)
		return ring_try_push(ring, message, TRY);
	if (is_exclusive(ring, SENDER))
		return push(ring, message, TRY, RING_EXCLUSIVE_SENDER);
	return push(ring, message, TRY, 0);
}

int ring_poll_pop(struct ring *ring, struct magring_message *ret_message)
{
	if (ring->flags & RING_REPLACED)
		return ring_try_pop(ring, ret_message, TRY);
	if (is_exclusive(ring, RECEIVER))
		return pop(ring, ret_message, TRY, RING_EXCLUSIVE_RECEIVER);
	return pop(ring, ret_message, TRY, 0);
}

void ring_choose_calls(struct ring *ring)
{
	bool fetches = ring->flags & RING_FETCHES;
	ring->push = fetches ? push_fetching : push_shared;
	ring->pop = fetches ? pop_fetching : pop_shared;
	ring->push_batch = push_batch_shared;
	ring->pop_batch = pop_batch_shared;
	if (is_exclusive(ring, SENDER)) {
		ring->push = push_exclusive;
		ring->push_batch = push_batch_exclusive;
	}
	if (is_exclusive(ring, RECEIVER)) {
		ring->pop = pop_exclusive;
		ring->pop_batch = pop_batch_exclusive;
	}
}
