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
 * Asking: (owed, ASKED) by CAS over an answer to an earlier question. Deciding, which
 * anybody may do who meets an open question: doubts + 1, fence_heavy(), read the state.
 * If it is `owed` or later, DONE. If not, GONE: the cell is quarantined. It is out
 * of use for everyone but its owner, and its position in this lap is a hole. As long
 * as the owner does not come, its position in each later lap is one too: the sender that
 * arrives there moves the verdict on to that lap, (owed + 2, GONE).
 *
 * A doubt is settled when its decider has had its say; the one that has led to a
 * quarantine, when the owner has given the cell back. So while settled = doubts, no cell is
 * quarantined, and nobody is about to quarantine one.
 *
 * Whoever is about to claim reads `settled`, the states, passes fence_light() and reads
 * `doubts`. If the two are the same, there was no doubt from the first read to
 * the last, and the states are what they seem. If not, it reads `doubts`, the
 * verdict of each cell and then its state, passes fence_light() and reads `doubts`
 * again; if that has changed, anew. A cell with an open question it decides; one that is
 * quarantined ends what may be claimed.
 *
 * The owner stores the state, passes fence_light() and reads `doubts`. If it is what it
 * was before the claim, as nearly always: done. Else it reads the verdict. An open question
 * about itself it answers, DONE. If the verdict is GONE and the state still the one that it
 * has stored, it was passed over: of a quarantined cell nobody else writes the
 * state. It gives the cell back, as one that is free in the lap after the last hole,
 * M: state = FREE(M + 1); verdict (..M.., GONE) -> (FREE(M + 1), DONE), from the
 * state on again if M has moved meanwhile; settled + 1.
 *
 *	[answer] of the decider on one side, who claims and the owner on the other, one is
 *	after the other's fence. Either the decider sees the owner's store, and so the
 *	state that was claimed; or they see the doubt, and look at the verdict. If
 *	both, the CAS on the verdict picks one answer, and all read it.
 *
 * Why these rules:
 * - A verdict's `owed` only grows, and each is asked about once, so a CAS that
 *   comes late fails. If one could be asked about twice, who has read the state
 *   during the first question could decide the second with it, and quarantine a
 *   cell that is in use.
 * - A question is never posted over GONE: that verdict is the only trace by which
 *   the owner learns that it was passed over.
 * - A cell that is doubted may look ready, its owner having stored the state after
 *   the decider has read it. Nobody claims it before the answer is known. A question
 *   that nobody is deciding yet does no harm: its answer will be what the state is
 *   then, and states only grow.
 * - The verdict comes before the state: else a late state is read, the cell given back,
 *   and the verdict found to be DONE. And `doubts` is read after both, because a question
 *   may be posted after the verdict was read.
 * - The verdict of a receiver that is gone has an even `owed`, that of a sender an odd
 *   one, in each lap. By that a sender which looks late does not take itself for
 *   passed over when it was the receiver after it.
 * - Both counts only grow, and by one, so that equal means unchanged: no number comes
 *   again in 2^64.
 *
 * Where there is no membarrier, `doubts` begins with one that is never settled. So all take
 * the longer way, which has the full fences.
 */
#include "verdict.h"

#include "fence.h"
#include "probe.h"

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

static void settle(struct ring *ring)
{
	/* [settled] release: the cell is as it shall be before its doubt is over. */
	atomic_fetch_add_explicit(&ring->settled, 1, memory_order_release);
}

static void count(_Atomic(uint64_t) *counter)
{
	/* [order] release: for ring_counts(); the end is past what is counted. */
	atomic_fetch_add_explicit(counter, 1, memory_order_release);
}

void verdict_init(struct ring *ring, uint64_t position)
{
	atomic_init(verdict_at(ring, position), word(state_free(ring, position), DONE));
}

/* Give the answer to an open question. */
static void decide(struct ring *ring, uint64_t position, uint64_t question)
{
	uint64_t owed = owed_of(question);
	/* [doubt] release: who sees the doubt sees the question. */
	atomic_fetch_add_explicit(&ring->doubts, 1, memory_order_release);
	/* [answer] heavy side: the doubt is there before the state is read. */
	fence_heavy();
	bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;
	if (!change(ring, position, &question, word(owed, done ? DONE : GONE)) || done) {
		settle(ring);
		return;
	}
	count(&ring->quarantined);
	PROBE2(quarantine, ring, position);
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
	if (change(ring, position, &was, question)) {
		count(&ring->questions);
		PROBE2(ask, ring, position);
		decide(ring, position, question);
	}
}

bool verdict_stands(struct ring *ring, uint64_t position, uint64_t own)
{
	struct ring_cell *cell = cell_at(ring, position);
	/* [answer] light side: the state is stored before the verdict is read. */
	fence_light();
	uint64_t now = read_verdict(ring, position);
	while (now == word(own, ASKED))
		if (change(ring, position, &now, word(own, DONE)))
			return true;
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

/* Whether position's cell is in use, and no question about it is open any more. */
static inline bool clear(struct ring *ring, uint64_t position)
{
	uint64_t now;
	while (kind_of(now = read_verdict(ring, position)) == ASKED)
		decide(ring, position, now);
	return kind_of(now) == DONE;
}

struct claimable verdict_count(struct ring *ring, uint64_t position, size_t count, bool full)
{
	for (;;) {
		uint64_t known = doubts(ring);
		size_t n = 0;
		for (uint64_t at = position; n < count && clear(ring, at); at = advance(at, 1), n++)
			if (read_state(cell_at(ring, at)) != (state_free(ring, at) | full))
				break;
		/* [answer] light side: the states are read before `doubts`. */
		fence_light();
		if (n == 0 || doubts(ring) == known)
			/* 0: never again, as there is one from the beginning on. */
			return (struct claimable){ n, fence_asymmetric ? known : 0 };
	}
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
