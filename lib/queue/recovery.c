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
 * Asking: (owed, ASKED) by CAS over an answer to an earlier question. Deciding,
 * by any thread that meets an open question: challenges + 1, fence_heavy(), read
 * the state. If it is `owed` or later, DONE. If not, GONE, as told below: the
 * cell is quarantined. It is out of use for everyone but its owner, and its
 * position in this lap is a hole. As long as the owner does not come, its
 * position in each later lap is one too: the sender that arrives there moves
 * the verdict on to that lap, (owed + 2, GONE).
 *
 * A thread asks about all cells in its way at once, and one fence serves all
 * these questions, as they are posted and counted in `challenges` before it. The
 * answers come in the order of the cells. GONE is only for a state that the
 * thread itself waits for, and only as long as all positions before are holes,
 * or passed meanwhile. Of the rest the thread answers those that are DONE.
 * Others stay open: the owner answers them, or a thread in whose way they are
 * next.
 *
 * So a sender's cell is quarantined only when head comes there next. The
 * receiver that has done it goes on until head has passed the hole, since a
 * message is behind: the one that it has seen, or if that one's sender was
 * quarantined meanwhile, one that the thread has seen which did that. (In a
 * closed ring it goes on to the end in any case.) Else a hole would lie behind
 * a live message until somebody receives it, in the place of a message: the
 * capacity would be no promise.
 *
 * A doubt is resolved when its decider has had its say; the one that has led to a
 * quarantine, when the owner has given the cell back. So while resolved = challenges, no cell is
 * quarantined, and nobody is about to quarantine one.
 *
 * Whoever is about to claim reads `resolved`, the states, passes fence_light()
 * and reads `challenges`. If the two are the same, there was no doubt from the
 * first read to the last, and the states are what they seem. If not, it reads
 * `challenges`, the verdict of each cell and then its state, passes fence_light()
 * and reads `challenges` again; if that has changed, anew. A ready cell's open
 * question is answered first, DONE; a cell that is quarantined ends what may be
 * claimed.
 *
 * The owner stores the state, passes fence_light() and reads `challenges`. If it is what it
 * was before the claim, as nearly always: done. Else it reads the verdict. An open question
 * about itself it answers, DONE. If the verdict is GONE and the state still the one that it
 * has stored, it was passed over: of a quarantined cell nobody else writes the
 * state. It gives the cell back, as one that is free in the lap after the last hole,
 * M: state = FREE(M + 1); verdict (..M.., GONE) -> (FREE(M + 1), DONE), from the
 * state on again if M has moved meanwhile; resolved + 1.
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
 *   and the verdict found to be DONE. And `challenges` is read after both, because a question
 *   may be posted after the verdict was read.
 * - The verdict of a receiver that is gone has an even `owed`, that of a sender an odd
 *   one, in each lap. By that a sender which looks late does not take itself for
 *   passed over when it was the receiver after it.
 * - Both counts only grow, so that equal means unchanged: no number comes
 *   again in 2^64.
 *
 * Where there is no membarrier, `challenges` begins with one that is never resolved. So all take
 * the longer way, which has the full fences.
 */
#include "queue/recovery.h"

#include "base/fence.h"
#include "base/tracepoint.h"

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

static _Atomic(uint64_t) *recovery_at(const struct ring *ring, uint64_t position)
{
	return &ring->recovery[position & ring->index_mask];
}

static uint64_t read_recovery(const struct ring *ring, uint64_t position)
{
	/* [verdict] acquire: pairs with change(). */
	return atomic_load_explicit(recovery_at(ring, position), memory_order_acquire);
}

static bool change(struct ring *ring, uint64_t position, uint64_t *from, uint64_t to)
{
	/* [verdict] acq_rel: pairs with every other change and read of it; what its
	 * writer knew of the state, its reader does. */
	return atomic_compare_exchange_strong_explicit(recovery_at(ring, position), from, to,
		memory_order_acq_rel, memory_order_acquire);
}

static void resolve(struct ring *ring)
{
	/* [resolved] release: the cell is as it shall be before its doubt is over. */
	atomic_fetch_add_explicit(&ring->resolved, 1, memory_order_release);
}

static void count(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number to look at; nothing follows from it. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void recovery_init(struct ring *ring, uint64_t position)
{
	atomic_init(recovery_at(ring, position), word(state_free(ring, position), DONE));
}

/* Open questions, met one after the other. */
struct question {
	uint64_t position;
	uint64_t verdict;
};

struct questions {
	size_t count;
	struct question each[RING_CLAIM_MAX];
};

static void meet(struct questions *questions, uint64_t position, uint64_t verdict)
{
	questions->each[questions->count++] = (struct question){ position, verdict };
}

/* Have the questions doubted, so that they can be answered. */
static void doubt(struct ring *ring, const struct questions *questions)
{
	if (questions->count == 0)
		return;
	/* [doubt] release: with the challenges the questions are seen. */
	atomic_fetch_add_explicit(&ring->challenges, questions->count, memory_order_release);
	/* [answer] heavy side: the challenges are there before the states are
	 * read. */
	fence_heavy();
}

/* Give the answer to a question that was doubted, or if it may not be GONE,
 * leave it open to the owner. */
static void answer(struct ring *ring, const struct question *question, bool may_be_gone)
{
	uint64_t position = question->position, now = question->verdict, owed = owed_of(now);
	bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;
	bool answered = (done || may_be_gone) && change(ring, position, &now, word(owed, done ? DONE : GONE));
	if (!answered || done) {
		resolve(ring);
		return;
	}
	count(&ring->quarantined);
	TRACEPOINT2(quarantine, ring, position);
	if (owed & 1)
		count(&ring->returned);
}

/* Whether a question about position's cell is open now, *ret_question. */
static bool ask(struct ring *ring, uint64_t position, uint64_t owed, uint64_t *ret_question)
{
	uint64_t was = read_recovery(ring, position);
	*ret_question = word(owed, ASKED);
	if (kind_of(was) == DONE && state_ahead(ring, owed_of(was), owed) < 0 &&
			state_ahead(ring, read_state(cell_at(ring, position)), owed) < 0 &&
			change(ring, position, &was, *ret_question)) {
		count(&ring->challenged);
		TRACEPOINT2(ask, ring, position);
		return true;
	}
	*ret_question = was; /* quarantined already; or answered; or asked by another */
	return kind_of(was) == ASKED;
}

/*
 * Whether no message will ever be at a position that tail (head) has come to
 * and where the state `owed` is missing: its cell is quarantined, or given back
 * too late for this lap. If tail (head) has passed the position already, true
 * as well.
 */
static bool is_hole(struct ring *ring, uint64_t position, uint64_t owed)
{
	uint64_t now = read_recovery(ring, position);
	while (kind_of(now) == GONE) {
		int64_t behind = state_ahead(ring, state_free(ring, position), owed_of(now));
		if (behind <= 0)
			return true;
		/* Quarantined in an earlier lap: this one's position is
		 * lost, too. */
		uint64_t laps = ((uint64_t)behind + 1) / 2;
		uint64_t moved = (owed_of(now) + 2 * laps) & (UINT64_MAX >> (ring->lap_shift + 1));
		if (change(ring, position, &now, word(moved, GONE)))
			return true;
	}
	/* Its owner has given the cell back before anybody went over the
	 * hole. */
	return state_ahead(ring, read_state(cell_at(ring, position)), owed) > 0;
}

size_t recovery_challenge(struct ring *ring, uint64_t position, size_t count, bool full)
{
	struct questions open;
	uint64_t question;
	open.count = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t at = advance(position, i);
		if (ask(ring, at, state_free(ring, at) | full, &question))
			meet(&open, at, question);
	}
	doubt(ring, &open);
	size_t holes = 0, answered = 0;
	for (; holes < count; holes++) {
		uint64_t at = advance(position, holes), owed = state_free(ring, at) | full;
		if (answered < open.count && open.each[answered].position == at) {
			/* A late caller may meet a question of another lap,
			 * or of the other side. */
			bool own = owed_of(open.each[answered].verdict) == owed;
			answer(ring, &open.each[answered++], own);
		}
		if (!is_hole(ring, at, owed))
			break;
	}
	while (answered < open.count)
		answer(ring, &open.each[answered++], false);
	return holes;
}

size_t recovery_skipped(const struct ring *ring, uint64_t head, uint64_t tail)
{
	size_t skipped = 0;
	for (uint64_t at = head; ahead(tail, at) > 0; at = advance(at, 1)) {
		uint64_t now = read_recovery(ring, at);
		/* Quarantined in this lap or later, or given back as free
		 * for a later one. */
		skipped += state_ahead(ring, owed_of(now), state_free(ring, at)) >= (kind_of(now) == GONE ? 0 : 2);
	}
	return skipped;
}

bool recovery_stands(struct ring *ring, uint64_t position, uint64_t own)
{
	struct ring_cell *cell = cell_at(ring, position);
	/* [answer] light side: the state is stored before the verdict is read. */
	fence_light();
	uint64_t now = read_recovery(ring, position);
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
	resolve(ring);
	return false;
}

/* How many cells look ready, and which questions about these are open. */
static size_t count_among_challenges(const struct ring *ring, uint64_t position, size_t count, bool full,
	struct questions *ret_open)
{
	ret_open->count = 0;
	for (size_t n = 0; n < count; n++) {
		uint64_t at = advance(position, n), now = read_recovery(ring, at);
		uint64_t ready = state_free(ring, at) | full;
		if (kind_of(now) == GONE || read_state(cell_at(ring, at)) != ready)
			return n;
		if (kind_of(now) != ASKED)
			continue;
		if (state_ahead(ring, owed_of(now), ready) > 0)
			return n; /* another thread has claimed it */
		meet(ret_open, at, now);
	}
	return count;
}

struct claimable recovery_count(struct ring *ring, uint64_t position, size_t count, bool full)
{
	struct questions open;
	for (;;) {
		uint64_t known = challenges(ring);
		size_t n = count_among_challenges(ring, position, count, full, &open);
		doubt(ring, &open);
		for (size_t i = 0; i < open.count; i++)
			answer(ring, &open.each[i], false); /* DONE, as they are ready */
		if (open.count > 0)
			continue;
		/* [answer] light side: the states are read before `challenges`. */
		fence_light();
		if (n == 0 || challenges(ring) == known)
			/* 0: never again, as there is one from the beginning on. */
			return (struct claimable){ n, fence_asymmetric ? known : 0 };
	}
}

bool recovery_quarantined(const struct ring *ring, uint64_t position)
{
	return kind_of(read_recovery(ring, position)) == GONE;
}
