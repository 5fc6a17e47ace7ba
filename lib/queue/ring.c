/* SPDX-License-Identifier: MIT */
/*
 * Dmitry Vyukov's bounded MPMC queue with the message inside the cell, made
 * strictly lock-free: a thread that is stopped anywhere inside costs the others
 * at most the cells that it has claimed and, until receivers have come past
 * them, the positions that were skipped for its sake.
 *
 * A sender at position p = tail waits for FREE of p's lap, claims p by moving `tail`
 * to p + 1, writes the message and stores FULL. A receiver at p = head waits for FULL
 * of p's lap, claims p by moving `head`, copies the message out and stores FREE of
 * the next lap. Between its claim and its store a cell belongs to the claiming
 * thread alone. A batch looks at the next k cells, claims those that are ready with
 * one CAS, and then fills or empties them in order.
 *
 * That is the plain ring. If the owner of a cell stops between claim and store,
 * the others ask about it and, if need be, go over its position, which is then a
 * hole: recovery.c says how. All that it costs who is not stopped are three reads of two
 * counters that nobody writes: whoever is about to claim makes sure that there is no
 * doubt about the cells, and whoever has stored a state, that there was none since. If
 * there was, it looks whether it was passed over. A sender that was still has its
 * message and sends it again. A receiver has copied its own out; it is done.
 *
 * Nobody asks, or goes over holes, without need:
 *
 * - A receiver, only if a message is there behind what is in the way. If none is, "empty"
 *   is a true answer: as head has not moved meanwhile, what is published stays, so
 *   at the moment when tail was read nothing was. (After close, receivers do so for
 *   the end of the queue as well.)
 * - A sender, only if a cell is free behind the one of tail, before head +
 *   cells, and if it can afford to skip what is before that cell. If not,
 *   "full" is a true answer in the same way.
 *
 * So each question is paid for. A receiver's takes it to a message whose send has
 * finished; a sender's is about a receive that has got its message. And all that a call
 * does is bounded unless others finish theirs: the ring is lock-free. (Were senders
 * to ask about the sender at head, too, for the sake of cells that came back
 * behind it, then live senders could pass one another over for ever.)
 *
 *	head <= tail < head + 2 * cells, and head + cells if there are no holes
 *
 * The capacity is a promise: while no thread is in a call, so many messages
 * fit.
 *
 * A position without a message stays one until head passes it, even when its
 * cell came back long before. If only senders go on, nothing removes such
 * positions, and enough of them would fill the ring. So the ring has more cells
 * than its capacity, and tail skips only as many positions as the spare cells
 * can replace:
 *
 *	lost to tail, from head on <= spare             cells = capacity + spare
 *
 * - A sender counts the positions without a message from head to tail, which
 *   their verdicts tell, and adds those from tail to the first free cell, which
 *   it is about to skip. (Or it adds all that were skipped since another
 *   counted.) It acts only if the sum is at most `spare`. Should it
 *   be late, its count still holds: what is before tail is resolved, and of what
 *   it has added nothing but that can be lost by it. (A free cell that is lost
 *   after all, by an answer that came late, was among what the thread has
 *   counted that gives the answer.)
 * - The other positions without a message are those of senders that were passed
 *   over. They come into being at head only, and the receiver that makes them
 *   goes on in the same call until head has passed them (recovery.c).
 *
 * So while no thread is in a call, each cell from head on is free, or holds a
 * message, or is one of `spare` at most; and fewer messages than the capacity
 * leave a free cell.
 *
 * A call claims at most claim_max cells at once, and challenges as many with
 * one fence. So a batch of any size costs the others, if its thread stops, no
 * more than that.
 *
 * Closing sets the top bit of tail: every later claim and step by a sender fails,
 * tail is final, and receivers are done when head has reached it. A sender that was
 * passed over and finds the ring closed keeps its message.
 *
 * A side that one thread has to itself claims without a CAS: nobody else moves its end, so
 * a store does, and all else stays as it is. It also fetches cells ahead. The four
 * calls are there twice, compiled from one text, and a ring knows which are its own.
 * Closing under a sender that does not compare is told in close.c.
 *
 * One cell would not do: the two ends of the ring would be the same.
 */
#include "queue/ring.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <ck_pr.h>
#include <errno.h>
#include <string.h>

#include "queue/close.h"
#include "base/fence.h"
#include "base/prefetch.h"
#include "queue/scan.h"

/* How many times a claimed cell that is not finished yet is looked at before its
 * owner is asked about. */

/* How many cells ahead of the one that it has claimed a thread fetches, if it does. */

/* ------------------------------------------------------ looks, claims and moves -- */

/* How many of them may be claimed. */
static inline struct claimable count_claimable(struct ring *ring, uint64_t position, size_t count, bool full)
{
	uint64_t known = resolved(ring);
	if (__builtin_expect(challenges(ring) != known, 0))
		return recovery_count(ring, position, count, full);
	size_t n = count_ready(ring, position, count, full);
	if (n > 0 && challenged_since(ring, known))
		return recovery_count(ring, position, n, full);
	return (struct claimable){ n, known };
}

/*
 * Before a thread reads the other end, to say "full" or "empty": have what its earlier calls did
 * seen. Else a sender whose message is on its way to memory is told "full", and a receiver which has
 * not seen that message "empty", while its own free cell is on its way: in no order are both true.
 */
static inline void show_earlier_calls(unsigned int looks)
{
	if (looks > 0)
		return;
	fence_full();
}

/* What senders have claimed: tail, or where a closed ring ends. */
static uint64_t claimed(struct ring *ring)
{
	if (closing(ring))
		return close_end(ring);
	/* [order] acquire: as in moved_on(). */
	return atomic_load_explicit(&ring->tail, memory_order_acquire);
}

/* Move tail or head on by n, unless it is not at *position any more, which then is what
 * it is now. What a cell holds is ordered by its state. */
static inline bool claim(_Atomic(uint64_t) *end, uint64_t *position, size_t n)
{
	/* [order] release: whoever sees head here sees the tail that it followed. */
	return __builtin_expect(atomic_compare_exchange_strong_explicit(end, position,
		advance(*position, n), memory_order_release, memory_order_relaxed), 1);
}

/* The same where nobody else moves it. Whether a claim of a sender's counts is to be
 * looked at after it. */
static inline void claim_alone(_Atomic(uint64_t) *end, uint64_t position, size_t n)
{
	/* [order] release: as in claim(). */
	atomic_store_explicit(end, advance(position, n), memory_order_release);
}

static inline bool close_since(const struct ring *ring)
{
	/* [close] light side: the claim is there before `end` is read. */
	fence_light_asymmetric();
	return closing(ring);
}

/* Either, for a sender (receiver). */
static inline bool claim_either(struct ring *ring, uint64_t *position, size_t n, bool full, bool alone)
{
	_Atomic(uint64_t) *end = full ? &ring->head : &ring->tail;
	if (!alone)
		return claim(end, position, n);
	claim_alone(end, *position, n);
	if (full || !close_since(ring) || close_counts(ring, advance(*position, n)))
		return true;
	*position = atomic_load_explicit(end, memory_order_relaxed); /* its own store */
	return false;
}

/* Give the owner of a claimed cell a moment to finish, a bounded number of times; none
 * if it is known to be stopped. */
static inline bool bear_with(const struct ring *ring, uint64_t position, unsigned int *looks)
{
	if (*looks == CHALLENGE_AFTER || recovery_quarantined(ring, position))
		return false;
	++*looks;
	ck_pr_stall();
	return true;
}

/* Of a thread, whatever the ring. */
static THREAD_LOCAL bool head_skipped;

bool ring_has_skipped(void)
{
	bool skipped = head_skipped;
	head_skipped = false;
	return skipped;
}

/*
 * Skip n positions. They are counted first, so that what is told of the ring is
 * never too high.
 */
static bool skip(struct ring *ring, uint64_t *position, size_t n, bool full)
{
	bool alone = ring->flags & (full ? RING_EXCLUSIVE_RECEIVER : RING_EXCLUSIVE_SENDER);
	_Atomic(uint64_t) *counter = full ? &ring->unreceived : &ring->unsent;
	/* Relaxed: the claim that follows releases it. */
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
	if (claim_either(ring, position, n, full, alone)) {
		*position = advance(*position, n);
		if (full)
			head_skipped = true;
		else
			/* [order] release: with this count tail is seen to
			 * have moved. */
			atomic_fetch_add_explicit(&ring->skipped, n, memory_order_release);
		return true;
	}
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
	return false;
}

/*
 * Threads that have claimed cells from position on, and not finished, are in
 * the way of head or tail. `until` is where it is clear again. Challenge them,
 * claim_max at a time, and skip those that are stopped; end at the first that
 * has finished.
 */
static void make_way(struct ring *ring, uint64_t position, uint64_t until, bool full)
{
	while (ahead(until, position) > 0) {
		size_t n = at_most((size_t)ahead(until, position), ring->claim_max);
		size_t holes = recovery_challenge(ring, position, n, full);
		/* The caller's position is behind then. It is a hole, in
		 * which no claim can succeed. */
		if (holes == 0 || !skip(ring, &position, holes, full) || holes < n)
			return;
	}
}

/* Header and body apart, as they were written a moment ago and will be read in another: a load
 * that spans two stores has to wait for both. */
static inline void copy_message(struct magring_message *to, const struct magring_message *from)
{
	to->private_header = from->private_header;
	memcpy(to->private_body, from->private_body, sizeof(to->private_body));
}

/* Write the message into a claimed cell and let receivers have it. */
static inline void publish(struct ring_cell *cell, uint64_t full, const struct magring_message *message)
{
	copy_message(&cell->message, message);
	/* [publish] release: the message is in the cell before the cell reads as full.
	 * Relaxed here, and a receiver could copy the last lap's bytes. */
	atomic_store_explicit(&cell->state, full, memory_order_release);
}

/* Copy the message out of a claimed cell and let senders have the cell. */
static inline void recycle(struct ring_cell *cell, uint64_t free, struct magring_message *ret_message)
{
	copy_message(ret_message, &cell->message);
	/* [recycle] release: the message is copied out before the cell reads as free.
	 * Relaxed here, and a sender could overwrite what is being copied. */
	atomic_store_explicit(&cell->state, free, memory_order_release);
}

/* Fetch, for writing, the cell that this thread, or another on this side, comes to soon. */
static inline void fetch_ahead(const struct ring *ring, uint64_t position)
{
	prefetch_line(cell_at(ring, position + PREFETCH_AHEAD));
}

/* Whether the message after this one is there, as good as always: a hint. A receiver at the heels
 * of its senders would only fetch away the cells that they write to. */
static inline bool backlog(const struct ring *ring, uint64_t position)
{
	return atomic_load_explicit(&cell_at(ring, position + 1)->state, memory_order_relaxed) & 1;
}

/* ----------------------------------------------------------------- push and pop -- */

#define EACH static inline __attribute__((always_inline))

EACH int push_batch(struct ring *ring, const struct magring_message *messages, size_t count, bool sure,
	bool alone)
{
	/* Relaxed: as in claim(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	unsigned int looks = 0;
	count = at_most(count, ring->claim_max);
	for (;;) {
		if (position & CLOSED)
			return -EPIPE;
		if (alone && closing(ring)) {
			/* All claims, and steps over holes that it has just made. Relaxed: its
			 * own stores. */
			close_counts(ring, atomic_load_explicit(&ring->tail, memory_order_relaxed));
			return -EPIPE;
		}
		struct claimable ready = count_claimable(ring, position, count, false);
		size_t n = ready.count;
		if (n > 0) {
			if (!claim_either(ring, &position, n, false, alone))
				continue;
			const struct magring_message *next = messages;
			struct ring_cell *cells = ring->cells;
			uint64_t mask = ring->index_mask;
			uint64_t full = wanted(ring, position, true);
			for (;;) {
				if (alone && ready.count > 1)
					fetch_ahead(ring, position);
				publish(&cells[position & mask], full, next);
				if (!challenged_since(ring, ready.known) || recovery_stands(ring, position, full))
					next++;
				if (--n == 0)
					break;
				position = advance(position, 1);
				if ((position & mask) == 0)
					full = state_free_next(ring, full) | 1;
			}
			if (next > messages)
				return (int)(next - messages);
		}
		if (moved_on(&ring->tail, &position))
			continue;
		if (!sure)
			return -EAGAIN;
		/* [seen] acq_rel, by a full fence: pairs with pop_batch()'s. */
		show_earlier_calls(looks);
		int64_t room = ahead(free_end(ring), position);
		if (room > 0 && bear_with(ring, position, &looks))
			continue;
		uint64_t until;
		if (room > 1 && ready_find_room(ring, position, &until))
			make_way(ring, position, until, false);
		else if (!moved_on(&ring->tail, &position) && count_claimable(ring, position, 1, false).count == 0)
			return -EAGAIN;
	}
}

/* A receiver that was passed over has its messages; its cells go back. */
static __attribute__((noinline, cold)) int pop_challenged(struct ring *ring, uint64_t position, size_t n)
{
	for (size_t i = 0; i < n; i++, position = advance(position, 1))
		recovery_stands(ring, position, state_free(ring, next_lap(ring, position)));
	return (int)n;
}

EACH int pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count, bool sure,
	bool alone)
{
	/* Relaxed: as in claim(). */
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	unsigned int looks = 0;
	count = at_most(count, ring->claim_max);
	for (;;) {
		struct claimable ready = count_claimable(ring, position, count, true);
		size_t n = ready.count;
		if (n > 0) {
			if (!claim_either(ring, &position, n, true, alone))
				continue;
			struct ring_cell *cells = ring->cells;
			uint64_t mask = ring->index_mask;
			uint64_t free = state_free_next(ring, wanted(ring, position, false));
			for (size_t i = 0;;) {
				uint64_t at = advance(position, i);
				if (alone && n > 1)
					fetch_ahead(ring, at);
				recycle(&cells[at & mask], free, &ret_messages[i]);
				if (++i == n)
					break;
				if ((at & mask) == mask)
					free = state_free_next(ring, free);
			}
			return challenged_since(ring, ready.known) ? pop_challenged(ring, position, n) : (int)n;
		}
		if (moved_on(&ring->head, &position))
			continue;
		if (!sure)
			return -EAGAIN;
		/* [seen] acq_rel, by a full fence: pairs with push_batch()'s. */
		show_earlier_calls(looks);
		uint64_t tail = claimed(ring);
		if ((tail & POSITION) == position)
			return tail & CLOSED ? -EPIPE : -EAGAIN;
		if (bear_with(ring, position, &looks))
			continue;
		uint64_t until = ready_find(ring, advance(position, 1), tail & POSITION, true);
		if (tail & CLOSED || until != (tail & POSITION))
			make_way(ring, position, until, true);
		else if (!moved_on(&ring->head, &position) && count_claimable(ring, position, 1, true).count == 0)
			return -EAGAIN;
	}
}

/*
 * Batches of one, in the common case a straight line of code. All that can be
 * computed before the claim is, because what follows a locked instruction waits
 * for it; what is done when the ring is doubted is out of line. A closed tail is
 * in no lap, so its cell is never free.
 */
static __attribute__((noinline, cold)) int push_challenged(struct ring *ring, uint64_t position,
	const struct magring_message *message, bool sure)
{
	return recovery_stands(ring, position, state_full(ring, position)) ? 1 :
		ring_try_push_batch(ring, message, 1, sure);
}

/* The ring is closing: does the claim that was made count? */
static __attribute__((noinline, cold)) int push_closing(struct ring *ring, uint64_t position,
	const struct magring_message *message, bool sure)
{
	if (!close_counts(ring, advance(position, 1)))
		return -EPIPE;
	publish(cell_at(ring, position), state_full(ring, position), message);
	return push_challenged(ring, position, message, sure);
}

EACH int push(struct ring *ring, const struct magring_message *message, bool sure, bool alone, bool fetches)
{
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t free = position >> ring->lap_shift << 1;
	struct ring_cell *cell = cell_at(ring, position);
	uint64_t known = resolved(ring);
	if (__builtin_expect(read_state(cell) != free, 0) || challenged_since(ring, known) ||
			(!alone && !claim(&ring->tail, &position, 1)))
		return ring_try_push_batch(ring, message, 1, sure);
	if (alone) {
		claim_alone(&ring->tail, position, 1);
		if (close_since(ring))
			return push_closing(ring, position, message, sure);
	}
	if (fetches)
		fetch_ahead(ring, position);
	publish(cell, free | 1, message);
	return challenged_since(ring, known) ? push_challenged(ring, position, message, sure) : 1;
}

EACH int pop(struct ring *ring, struct magring_message *ret_message, bool sure, bool alone, bool fetches)
{
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t full = state_full(ring, position);
	uint64_t free = state_free(ring, next_lap(ring, position));
	struct ring_cell *cell = cell_at(ring, position);
	uint64_t known = resolved(ring);
	if (__builtin_expect(read_state(cell) != full, 0) || challenged_since(ring, known) ||
			(!alone && !claim(&ring->head, &position, 1)))
		return ring_try_pop_batch(ring, ret_message, 1, sure);
	if (alone)
		claim_alone(&ring->head, position, 1);
	if (fetches && backlog(ring, position))
		fetch_ahead(ring, position);
	recycle(cell, free, ret_message);
	return challenged_since(ring, known) ? pop_challenged(ring, position, 1) : 1;
}

/* All of each, so that nothing is asked on the way. */
static int push_shared(struct ring *ring, const struct magring_message *message, bool sure)
{
	return push(ring, message, sure, false, false);
}

static int push_fetching(struct ring *ring, const struct magring_message *message, bool sure)
{
	return push(ring, message, sure, false, true);
}

static int push_alone(struct ring *ring, const struct magring_message *message, bool sure)
{
	return push(ring, message, sure, true, true);
}

static int push_batch_shared(struct ring *ring, const struct magring_message *messages, size_t count, bool sure)
{
	return push_batch(ring, messages, count, sure, false);
}

static int push_batch_alone(struct ring *ring, const struct magring_message *messages, size_t count, bool sure)
{
	return push_batch(ring, messages, count, sure, true);
}

static int pop_shared(struct ring *ring, struct magring_message *ret_message, bool sure)
{
	return pop(ring, ret_message, sure, false, false);
}

static int pop_fetching(struct ring *ring, struct magring_message *ret_message, bool sure)
{
	return pop(ring, ret_message, sure, false, true);
}

static int pop_alone(struct ring *ring, struct magring_message *ret_message, bool sure)
{
	return pop(ring, ret_message, sure, true, true);
}

static int pop_batch_shared(struct ring *ring, struct magring_message *ret_messages, size_t count, bool sure)
{
	return pop_batch(ring, ret_messages, count, sure, false);
}

static int pop_batch_alone(struct ring *ring, struct magring_message *ret_messages, size_t count, bool sure)
{
	return pop_batch(ring, ret_messages, count, sure, true);
}

void ring_choose_calls(struct ring *ring)
{
	bool fetches = ring->flags & RING_FETCHES;
	bool alone = ring->flags & RING_EXCLUSIVE_SENDER;
	ring->push = alone ? push_alone : fetches ? push_fetching : push_shared;
	ring->push_batch = alone ? push_batch_alone : push_batch_shared;
	alone = ring->flags & RING_EXCLUSIVE_RECEIVER;
	ring->pop = alone ? pop_alone : fetches ? pop_fetching : pop_shared;
	ring->pop_batch = alone ? pop_batch_alone : pop_batch_shared;
}
