/* SPDX-License-Identifier: MIT */
/*
 * Recovery from a thread that stops between claiming a cell and storing the
 * cell's next state.
 *
 * The owner of a claimed cell owes that state: a sender FULL of its lap, a
 * receiver FREE of the lap after. Other threads must not wait for it. They
 * arbitrate in a recovery word beside the cell:
 *
 *	(owed, DONE) -> (owed', PENDING)     a thread has challenged the owner
 *	(owed, PENDING) -> (owed, DONE)      the owner has stored `owed`
 *	                -> (owed, SKIPPED)   it has not: the cell is quarantined
 *	(owed, SKIPPED) -> (owed + 2n, SKIPPED)  still so, n laps later
 *	                -> (free, DONE)      the owner has returned the cell
 *
 * 1. Challenge. A thread that needs what lies behind the cell sets PENDING, by
 *    CAS over DONE of an earlier state.
 * 2. Decide. Any thread that finds PENDING may: it adds 1 to `challenges`,
 *    issues the heavy fence and reads the state. If that is `owed` or later,
 *    the answer is DONE. If not, it is SKIPPED. The position is skipped in
 *    this lap, and the cell is out of use for all threads but its owner. In
 *    each later lap in which the owner still has not come, its position is
 *    skipped too.
 * 3. Return. The owner stores its state, passes the light fence and reads
 *    `challenges`. If that has not changed since its claim, it is done.
 *    Otherwise it reads the recovery word. If its own challenge is PENDING,
 *    it decides: DONE. If the word is SKIPPED and the state still its own,
 *    the position was skipped: no other thread writes the state of a
 *    quarantined cell. It then returns the cell as free in lap M, the one
 *    after the last that was skipped. It stores FREE(M) and sets (FREE(M),
 *    DONE), both again if M has grown meanwhile. Then it adds 1 to `resolved`.
 *
 * A challenge is resolved when its decider is finished. One that has led to a
 * quarantine is resolved when the owner has returned the cell. So while
 * resolved = challenges, no cell is quarantined or about to be.
 *
 * A thread that is about to claim reads `resolved`, then the states, passes the
 * light fence and reads `challenges`. If the two are equal, no cell was
 * challenged from the first read to the last, and the states are what they
 * seem. If not, it reads `challenges`, each cell's recovery word and then its
 * state, passes the light fence, and reads `challenges` again. It starts over
 * if that has changed. It decides the pending challenges of ready cells first
 * (DONE). A quarantined cell ends what it may claim.
 *
 *	[decision] The decider is on one side, the owner and the threads that
 *	claim are on the other. One of the two is after the other's fence.
 *	Either the decider sees the owner's store, and so the state that was
 *	claimed. Or they see the challenge and read the recovery word. If both
 *	happen, the CAS on the word picks one answer, and all threads read it.
 *
 * A thread challenges all cells in its way at once, and one fence serves all of
 * these. The challenges are posted, and counted in `challenges`, before it.
 * Then the thread decides in the order of the cells. It answers SKIPPED only
 * for a state that it waits for itself, and only if all positions before are
 * skipped or were passed meanwhile. Of the rest it decides those that are
 * DONE. Others stay PENDING for the owner, or for the next thread in whose
 * way they are.
 *
 * So a sender's cell is quarantined only when head comes there next. The
 * receiver goes on until head has passed that position, as a message lies
 * behind. That is the message that it has seen, or a later one: if the sender
 * of the first was quarantined meanwhile, another thread has seen the later
 * one. In a closed ring the receiver goes on to the end. Otherwise a skipped
 * position could lie behind a live message for long and take a message's
 * place. Then the capacity would be no promise.
 *
 * A sender that is killed after its claim, step by step:
 *
 * 1. A receiver comes to the cell: pop_blocked() in ring_batch.c. A definite
 *    try goes on after CHALLENGE_AFTER more, and scan_ready() tells if a
 *    message is ready behind it. If none is, "empty" is a true answer.
 * 2. skip_stopped() in skip.c calls recovery_challenge(), which challenges the
 *    dead sender and decides SKIPPED. skip() claims the position, and the
 *    receiver takes the message behind.
 * 3. In each later lap push_blocked() and pop_blocked() find the quarantined
 *    cell and skip it at once. Spare cells make up for it: see ring.c.
 * 4. No thread returns the cell: that would be for recovery_stands() in its
 *    owner. The challenge stays unresolved, so all later calls take the longer
 *    way for ever. The dead sender's message keeps its slab, and so its pool
 *    cannot be destroyed.
 *
 * Why these rules:
 * - `owed` in a recovery word only grows, and each state is challenged once. So
 *   a late CAS fails. If a state were challenged twice, a thread could decide
 *   the second time by its first read of the state. Then it could quarantine a
 *   cell in use.
 * - No challenge is posted over SKIPPED. That word is the only trace by which
 *   the owner learns that its position was skipped.
 * - A challenged cell may look ready: the owner has stored the state after the
 *   decider read it. No thread claims the cell before the decision. A challenge
 *   that no thread is deciding does no harm: its decision will follow the
 *   state as it is then, and states only grow.
 * - A thread reads the recovery word before the state. In the other order it
 *   could read a late state, then the cell is returned, then it reads DONE. It
 *   reads `challenges` after both, as a challenge may be posted in between.
 * - `owed` of a skipped receiver is even and that of a skipped sender odd, in
 *   each lap. So a late sender does not mistake the word of the receiver that
 *   owned the cell after it for its own.
 * - `challenges` and `resolved` only grow, so equal means unchanged: no number
 *   comes again in 2^64.
 *
 * Without membarrier `challenges` begins with one that is never resolved. So
 * all threads take the longer way, which has full fences.
 */
#include "queue/recovery.h"

#include "base/tracepoint.h"
#include "queue/recovery_word.h"
#include "tuning.h"

static void count(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number for statistics. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void recovery_init(struct ring *ring, uint64_t position)
{
	atomic_init(recovery_at(ring, position), recovery_word(state_free(ring, position), DONE));
}

/* A pending challenge: a position, and the recovery word of its cell. */
struct challenge {
	uint64_t position;
	uint64_t word;
};

/* Pending challenges that a thread is about to decide, in their order. */
struct challenges {
	size_t count;
	struct challenge each[RING_CLAIM_MAX];
};

static void append(struct challenges *challenges, uint64_t position, uint64_t word)
{
	challenges->each[challenges->count++] = (struct challenge){ position, word };
}

/* Count the challenges, so that the thread may decide them. */
static void announce(struct ring *ring, const struct challenges *pending)
{
	if (pending->count == 0)
		return;
	/* [challenge] release: the recovery words are PENDING before this. */
	atomic_fetch_add_explicit(&ring->challenges, pending->count, memory_order_release);
	/* [decision] heavy side: `challenges` has grown before the states are
	 * read. */
	fence_heavy();
}

/* Decide a challenge that was announced. If the owner has not finished and may
 * not be skipped, leave the decision to it. */
static void decide(struct ring *ring, const struct challenge *challenge, bool may_skip)
{
	uint64_t position = challenge->position, now = challenge->word, owed = owed_of(now);
	bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;
	bool decided = (done || may_skip) &&
		change_recovery(ring, position, &now, recovery_word(owed, done ? DONE : SKIPPED));
	if (!decided || done) {
		resolve(ring);
		return;
	}
	count(&ring->quarantined);
	TRACEPOINT3(quarantine, ring, ring->name, position);
	if (owed & 1)
		count(&ring->returned);
}

/* Whether a challenge to position's cell is pending now, *ret_word. */
static bool challenge(struct ring *ring, uint64_t position, uint64_t owed, uint64_t *ret_word)
{
	uint64_t was = read_recovery(ring, position);
	*ret_word = recovery_word(owed, PENDING);
	if (progress_of(was) == DONE && state_ahead(ring, owed_of(was), owed) < 0 &&
		state_ahead(ring, read_state(cell_at(ring, position)), owed) < 0 &&
		change_recovery(ring, position, &was, *ret_word)) {
		count(&ring->challenged);
		TRACEPOINT3(challenge, ring, ring->name, position);
		return true;
	}
	*ret_word = was; /* quarantined, or decided, or another thread's challenge */
	return progress_of(was) == PENDING;
}

/*
 * A side has come to a position where the state `owed` is missing. Whether no
 * message will ever be there: its cell is quarantined, or was returned too late
 * for this lap. Also true if the side has passed the position already.
 */
static bool is_skipped(struct ring *ring, uint64_t position, uint64_t owed)
{
	uint64_t now = read_recovery(ring, position);
	while (progress_of(now) == SKIPPED) {
		int64_t behind = state_ahead(ring, state_free(ring, position), owed_of(now));
		if (behind <= 0)
			return true;
		/* Quarantined in an earlier lap: skip this lap's position,
		 * too. */
		uint64_t laps = ((uint64_t)behind + 1) / 2;
		uint64_t moved = (owed_of(now) + 2 * laps) & (UINT64_MAX >> (ring->lap_shift + 1));
		if (change_recovery(ring, position, &now, recovery_word(moved, SKIPPED)))
			return true;
	}
	/* Its owner has returned the cell, and no thread had skipped the
	 * position yet. */
	return state_ahead(ring, read_state(cell_at(ring, position)), owed) > 0;
}

size_t recovery_challenge(struct ring *ring, uint64_t position, size_t count, enum side side)
{
	struct challenges pending;
	uint64_t word;
	pending.count = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t at = advance(position, i);
		if (challenge(ring, at, wanted(ring, at, side), &word))
			append(&pending, at, word);
	}
	announce(ring, &pending);
	size_t skipped = 0, decided = 0;
	for (; skipped < count; skipped++) {
		uint64_t at = advance(position, skipped), owed = wanted(ring, at, side);
		if (decided < pending.count && pending.each[decided].position == at) {
			/* A late caller may find a challenge of another lap, or
			 * by the other side. */
			bool own = owed_of(pending.each[decided].word) == owed;
			decide(ring, &pending.each[decided++], own);
		}
		if (!is_skipped(ring, at, owed))
			break;
	}
	while (decided < pending.count)
		decide(ring, &pending.each[decided++], false);
	return skipped;
}

size_t recovery_skipped(const struct ring *ring, uint64_t head, uint64_t tail)
{
	size_t skipped = 0;
	for (uint64_t at = head; ahead(tail, at) > 0; at = advance(at, 1)) {
		uint64_t now = read_recovery(ring, at);
		/* Quarantined in this lap or later, or returned as free for a
		 * later one. */
		skipped += state_ahead(ring, owed_of(now), state_free(ring, at)) >=
			(progress_of(now) == SKIPPED ? 0 : 2);
	}
	return skipped;
}

/* How many cells look ready, and which challenges to them are pending. */
static size_t count_among_challenges(const struct ring *ring, uint64_t position, size_t count,
	enum side side, struct challenges *ret_pending)
{
	ret_pending->count = 0;
	for (size_t n = 0; n < count; n++) {
		uint64_t at = advance(position, n), now = read_recovery(ring, at);
		uint64_t ready = wanted(ring, at, side);
		if (progress_of(now) == SKIPPED || read_state(cell_at(ring, at)) != ready)
			return n;
		if (progress_of(now) != PENDING)
			continue;
		if (state_ahead(ring, owed_of(now), ready) > 0)
			return n; /* another thread has claimed it */
		append(ret_pending, at, now);
	}
	return count;
}

struct claimable recovery_claimable(struct ring *ring, uint64_t position, size_t count,
	enum side side)
{
	struct challenges pending;
	for (;;) {
		uint64_t known = challenges(ring);
		size_t n = count_among_challenges(ring, position, count, side, &pending);
		announce(ring, &pending);
		for (size_t i = 0; i < pending.count; i++)
			decide(ring, &pending.each[i], false); /* DONE, as they are ready */
		if (pending.count > 0)
			continue;
		/* [decision] light side: the states are read before
		 * `challenges`. */
		fence_light();
		if (n == 0 || challenges(ring) == known)
			/* Without membarrier `challenges` is never 0. */
			return (struct claimable){ n, fence_asymmetric ? known : 0 };
	}
}

bool recovery_quarantined(const struct ring *ring, uint64_t position)
{
	return progress_of(read_recovery(ring, position)) == SKIPPED;
}
