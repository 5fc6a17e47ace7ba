/* SPDX-License-Identifier: MIT */
/*
 * A thread that has claimed a cell owes it the next state: a sender FULL of its
 * lap, a receiver FREE of the lap after. If it stops before it has stored
 * that, those who find the cell in their way do not wait; they ask, in a word beside
 * the cell:
 *
 *	verdict of a cell   (owed, kind): has the thread that owes `owed` stored it?
 *	                    (owed, ASKED) -> (owed, DONE) or (owed, GONE)
 *
 * Asking: contested + 1, then (owed, ASKED) by CAS over an answer to an earlier
 * question. Deciding, which anybody may do who meets an open question:
 * fence_heavy(), read the state. If it is `owed` or later, DONE, and contested - 1. If
 * not, GONE: the cell is quarantined. It is out of use for everyone but its owner,
 * and its position in this lap is a hole. As long as the owner does not come, its
 * position in each later lap is one too: the sender that arrives there moves the
 * verdict on to that lap, (owed + 2, GONE).
 *
 * The owner stores the state, passes fence_light() and reads `contested`. Zero, as
 * nearly always: done. Else it reads the verdict. An open question about itself it
 * answers, DONE. If the verdict is GONE and the state still the one that it
 * has stored, it was passed over: of a quarantined cell nobody else writes the
 * state. It gives the cell back, as one that is free in the lap after the last hole,
 * M: state = FREE(M + 1); verdict (..M.., GONE) -> (FREE(M + 1), DONE), from the
 * state on again if M has moved meanwhile; contested - 1.
 *
 *	[answer] either the owner sees the question or who decides sees the owner's
 *	store: one of them is after the other's fence. If both do, the CAS on the
 *	verdict picks one answer, and both read it.
 *
 * Why these rules:
 * - A verdict's `owed` only grows, and each is asked about once, so a CAS that
 *   comes late fails. If one could be asked about twice, who has read the state
 *   during the first question could decide the second with it, and quarantine a
 *   cell that is in use.
 * - A question is never posted over GONE: that verdict is the only trace by which
 *   the owner learns that it was passed over. Nor over an open question, of
 *   which `contested` counts one: it is decided first.
 * - A cell whose question is open may look ready, its owner having stored the
 *   state after who decides has read it. Nobody claims it before the answer is known.
 * - The verdict of a receiver that is gone has an even `owed`, that of a sender an odd
 *   one, in each lap. By that a sender which looks late does not take itself for
 *   passed over when it was the receiver after it.
 */
#include "verdict.h"

#include "fence.h"

enum kind {
	DONE,
	ASKED,
	GONE,
};

static uint64_t word(uint64_t owed, enum kind kind)
{
	return owed << 2 | kind;
}

static uint64_t owed_of(uint64_t verdict)
{
	return verdict >> 2;
}

static enum kind kind_of(uint64_t verdict)
{
	return verdict & 3;
}

static _Atomic(uint64_t) *verdict_at(const struct ring *ring, uint64_t position)
{
	return &ring->verdicts[position & ring->index_mask];
}

static uint64_t read_verdict(const struct ring *ring, uint64_t position)
{
	/* [verdict] acquire: pairs with change(). */
	return atomic_load_explicit(verdict_at(ring, position), memory_order_acquire);
}

static bool change(struct ring *ring, uint64_t position, uint64_t *from, uint64_t to)
{
	/* [verdict] acq_rel: pairs with every other change and read of it; what its
	 * writer knew of the state, its reader does. */
	return atomic_compare_exchange_strong_explicit(verdict_at(ring, position), from, to,
		memory_order_acq_rel, memory_order_acquire);
}

/* One contested cell fewer. */
static void settle(struct ring *ring)
{
	/* [contested] release: the cell is as it shall be before the count is lower. */
	atomic_fetch_sub_explicit(&ring->contested, 1, memory_order_release);
}

static void count(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number to look at. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void verdict_init(struct ring *ring, uint64_t position)
{
	atomic_init(verdict_at(ring, position), word(state_free(ring, position), DONE));
}

/* Give the answer to an open question. */
static void decide(struct ring *ring, uint64_t position, uint64_t question)
{
	uint64_t owed = owed_of(question);
	/* [answer] heavy side: the question is posted before the state is read. */
	fence_heavy();
	bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;
	if (!change(ring, position, &question, word(owed, done ? DONE : GONE)))
		return;
	if (done) {
		settle(ring);
		return;
	}
	count(&ring->quarantined);
	if (owed & 1)
		count(&ring->unsent); /* its send is done again elsewhere, if ever */
}

void verdict_ask(struct ring *ring, uint64_t position, uint64_t owed)
{
	uint64_t question = word(owed, ASKED);
	uint64_t was = read_verdict(ring, position);
	if (kind_of(was) == ASKED) {
		decide(ring, position, was);
		return;
	}
	if (kind_of(was) == GONE || state_ahead(ring, owed_of(was), owed) >= 0)
		return; /* quarantined already; or answered */
	/* Relaxed: ordered before the question by the question's release. */
	atomic_fetch_add_explicit(&ring->contested, 1, memory_order_relaxed);
	if (!change(ring, position, &was, question)) {
		settle(ring);
		return;
	}
	count(&ring->questions);
	decide(ring, position, question);
}

bool verdict_stands(struct ring *ring, uint64_t position, uint64_t own)
{
	struct ring_cell *cell = cell_at(ring, position);
	uint64_t now = read_verdict(ring, position);
	while (now == word(own, ASKED))
		if (change(ring, position, &now, word(own, DONE))) {
			settle(ring);
			return true;
		}
	int64_t later = state_ahead(ring, owed_of(now), own);
	if (kind_of(now) != GONE || later < 0 || later % 2 != 0 || read_state(cell) != own)
		return true;
	uint64_t free;
	do {
		free = state_free_next(ring, owed_of(now));
		/* [recycle] release: as in recycle(). */
		atomic_store_explicit(&cell->state, free, memory_order_release);
	} while (!change(ring, position, &now, word(free, DONE)));
	settle(ring);
	return false;
}

bool verdict_clear(struct ring *ring, uint64_t position)
{
	uint64_t now;
	while (kind_of(now = read_verdict(ring, position)) == ASKED)
		decide(ring, position, now);
	return kind_of(now) == DONE;
}

bool verdict_quarantined(const struct ring *ring, uint64_t position)
{
	return kind_of(read_verdict(ring, position)) == GONE;
}

bool verdict_hole(struct ring *ring, uint64_t position, uint64_t owed)
{
	uint64_t now = read_verdict(ring, position);
	while (kind_of(now) == GONE) {
		int64_t behind = state_ahead(ring, state_free(ring, position), owed_of(now));
		if (behind <= 0)
			return true;
		/* Quarantined in an earlier lap: this one's position is lost, too. */
		uint64_t laps = ((uint64_t)behind + 1) / 2;
		uint64_t moved = (owed_of(now) + 2 * laps) & (UINT64_MAX >> (ring->lap_shift + 1));
		if (change(ring, position, &now, word(moved, GONE)))
			return true;
	}
	/* Its owner has given the cell back before anybody went over the hole. */
	return state_ahead(ring, read_state(cell_at(ring, position)), owed) > 0;
}
