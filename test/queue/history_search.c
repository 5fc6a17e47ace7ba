/* SPDX-License-Identifier: MIT */
/*
 * All orders of the operations of a short history (Wing and Gong: Testing and
 * verifying concurrent objects, 1993), without coming to the same state twice (Lowe:
 * Testing for linearizability, 2017).
 *
 * The queue has `cells` cells. A send takes two steps, and so does a receive:
 *
 *	SENT       claim, if fewer than `cells` are taken; then append the
 *	           message, if not closed
 *	RECEIVED   remove the first message, if it is this one; then give the cell back
 *	FULL       `full` cells are taken, but for as many as were quarantined; not closed
 *	EMPTY      there is no message; not closed
 *	CLOSE      close
 *	REFUSED    closed
 *	ENDED      closed, and there is no message
 *
 * The steps of an operation come after those of all operations that ended before it
 * began. A batch appends (removes) its messages one after another. A thread that was
 * skipped claims when it does so for the last time.
 */
#include "queue/history.h"

#include <stdlib.h>

#define BITS 5    /* of an operation's number */
#define NEVER 31  /* in the place of one: is not received */
#define INSIDE 12 /* messages in a state, and so, if so many are sent, cells */
#define STATES (1u << 18)

_Static_assert(HISTORY_SHORT <= NEVER, "operations have numbers of their own");

struct state {
	uint32_t begun, done; /* operations */
	uint64_t messages;    /* the first in the lowest bits; not received, they are all alike */
	uint32_t inside;
	uint32_t search; /* which has come here */
};

struct search {
	const struct history *history;
	const struct operation *operations[HISTORY_SHORT];
	uint32_t count;
	uint32_t earlier[HISTORY_SHORT]; /* operations that ended before this one began */
	uint32_t batch[HISTORY_SHORT];   /* the one before in the same batch */
	uint32_t message[HISTORY_SHORT]; /* SENT and RECEIVED: who sent it; FORGED: itself */
	uint32_t sends, receives, closes, fulls;
	uint32_t received; /* sends whose messages are */
	uint32_t number;
	uint32_t states;
};

/* For one thread at a time. */
static struct state seen[STATES];

static bool is_new(struct search *search, const struct state *state)
{
	uint64_t hash = (state->messages ^
				((uint64_t)state->begun << 32 | state->done) * 0x9e3779b97f4a7c15) *
		0xbf58476d1ce4e5b9;
	uint32_t i = (uint32_t)(hash >> 32) % STATES;
	for (; seen[i].search == search->number; i = (i + 1) % STATES)
		if (seen[i].begun == state->begun && seen[i].done == state->done &&
			seen[i].messages == state->messages)
			return false;
	if (++search->states > STATES / 2)
		abort(); /* not a short history */
	seen[i] = *state;
	seen[i].search = search->number;
	return true;
}

static uint32_t taken(const struct search *search, const struct state *state)
{
	return (uint32_t)(__builtin_popcount(state->begun & search->sends) -
		__builtin_popcount(state->done & search->receives));
}

/* The operation's next step, if there can be one: or both, if nobody is left who might
 * find all cells taken between them. */
static bool step(const struct search *search, struct state *state, uint32_t i)
{
	const struct history *history = search->history;
	uint32_t bit = (uint32_t)1 << i;
	bool begun = state->begun & bit, closed = state->done & search->closes;
	bool both = (search->fulls & ~state->done) == 0;
	switch (search->operations[i]->answer) {
	case SENT:
		if (!begun) {
			state->begun |= bit;
			if (taken(search, state) > history->cells)
				return false;
			if (!both)
				return true;
		}
		if (closed || (search->batch[i] & ~state->done) != 0)
			return false;
		if (!(search->received & bit) && (search->received & ~state->done) != 0)
			return false; /* what comes behind it could not be received */
		if (state->inside == INSIDE)
			abort();
		state->messages |= (uint64_t)(search->received & bit ? i : NEVER)
			<< state->inside++ * BITS;
		break;
	case RECEIVED:
		if (!begun) {
			if (state->inside == 0 || (search->batch[i] & ~state->begun) != 0 ||
				state->messages % (1u << BITS) != search->message[i])
				return false;
			state->inside--;
			state->messages >>= BITS;
			state->begun |= bit;
			if (!both)
				return true;
		}
		break;
	case FULL:
		if (closed || taken(search, state) + history->quarantined < history->full)
			return false;
		break;
	case EMPTY:
		if (closed || state->inside > 0)
			return false;
		break;
	case CLOSE:
		break;
	case REFUSED:
		if (!closed)
			return false;
		break;
	case ENDED:
		if (!closed || state->inside > 0)
			return false;
		break;
	}
	state->begun |= bit;
	state->done |= bit;
	return true;
}

static bool finishes(struct search *search, const struct state *state)
{
	const uint32_t changing = search->sends | search->receives | search->closes;
	uint32_t missing = 0; /* operations whose turn it can be */
	for (uint32_t i = 0; i < search->count; i++)
		if ((search->earlier[i] & ~state->done) == 0 && !(state->done >> i & 1))
			missing |= (uint32_t)1 << i;
	if (missing == 0)
		return true;
	/* What changes nothing does no harm: if there is such a step, it is the only one. */
	for (uint32_t i = 0; i < search->count; i++) {
		struct state next = *state;
		if ((missing & ~changing) >> i & 1 && step(search, &next, i))
			return finishes(search, &next);
	}
	for (uint32_t i = 0; i < search->count; i++) {
		struct state next = *state;
		if ((missing & changing) >> i & 1 && step(search, &next, i) &&
			is_new(search, &next) && finishes(search, &next))
			return true;
	}
	return false;
}

bool history_search(const struct history *history)
{
	static uint32_t searches;
	struct search search = { .history = history, .number = ++searches };
	uint32_t index[HISTORY_SHORT];
	history_each(i, history) {
		const struct operation *operation = &history->operations[i];
		if (search.count == HISTORY_SHORT)
			abort();
		uint32_t n = search.count++;
		index[n] = i;
		search.operations[n] = operation;
		if (history_same_batch(history, i))
			search.batch[n] = (uint32_t)1 << (n - 1);
		search.sends |= (uint32_t)(operation->answer == SENT) << n;
		search.receives |= (uint32_t)(operation->answer == RECEIVED) << n;
		search.fulls |= (uint32_t)(operation->answer == FULL) << n;
		search.closes |= (uint32_t)(operation->answer == CLOSE) << n;
	}
	for (uint32_t n = 0; n < search.count; n++) {
		const struct operation *operation = search.operations[n];
		uint32_t bit = 1;
		search.message[n] = n;
		for (uint32_t m = 0; m < search.count; m++, bit <<= 1) {
			if (operation->message == index[m])
				search.message[n] = m;
			if (search.operations[m]->end < operation->begin)
				search.earlier[n] |= bit;
		}
		if (operation->answer == RECEIVED)
			search.received |= (uint32_t)1 << search.message[n] & search.sends;
	}
	return finishes(&search, &(struct state){ 0 });
}
