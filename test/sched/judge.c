/* SPDX-License-Identifier: MIT */
/*
 * The search goes from state to state, depth first. A state is the set of calls
 * that have taken effect, and the messages inside, in order.
 *
 *	order         calls that must come before others, derived beforehand
 *	free calls    take effect as soon as they can: no order is lost by that
 *	others        tried one after another: sends, the first close, calls with
 *	              the result 1
 *	seen          states from which the search came back in vain
 *
 * Derived order. Messages leave in the order in which they came, so the order
 * of two sends is that of their receives. "Empty" comes before a send or after
 * its receive. A history with a circle is impossible, without a search.
 *
 * Free calls. A refusal changes nothing. A receive of the first message can
 * come at once: no other receive, and no "empty", can come before it. It takes
 * up the place of its message until it is ended, so "full" is not lost either.
 * But a call shows that the receives before it are ended. It is not free while
 * a "full" is to come that may need one of these.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sched/judge.h"

#define NONE UINT8_MAX
#define SEEN 256 /* more are slower: each run of the scheduler clears them */

struct state {
	uint64_t set;        /* calls that have taken effect */
	uint64_t ended;      /* receives of these that are certainly ended */
	uint8_t first, next; /* messages inside: order[first] to order[next - 1] */
};

/* One cache line. Numbers are those of sends, plus one; zero is none. */
struct seen {
	uint64_t history; /* counted from one */
	uint64_t set;
	uint8_t inside[JUDGE_CALLS]; /* UNRECEIVED: any message without a receive */
};

#define UNRECEIVED UINT8_MAX

_Static_assert(sizeof(struct seen) == 64, "one cache line");
_Static_assert(JUDGE_CALLS <= 64, "a set is a word");

static struct {
	const struct judge_call *calls;
	size_t capacity, full;
	unsigned int count;
	uint64_t must;  /* calls without which the search is not over */
	uint64_t sends; /* with the result 0 or 1 */
	uint64_t receives, unended_receives, closes, fulls, empties, closed_answers;
	uint64_t need[JUDGE_CALLS];      /* calls that take effect before this one */
	uint64_t needed_by[JUDGE_CALLS]; /* the other way round */
	uint64_t ends[JUDGE_CALLS];      /* receives that this one shows to be ended */
	uint8_t receiver[JUDGE_CALLS];   /* of what this send has sent, or NONE */
	uint8_t order[JUDGE_CALLS];      /* sends in the order of the search */
	uint64_t states, histories, kept;
} search;

static struct seen seen[SEEN];

static uint64_t bit(unsigned int i)
{
	return (uint64_t)1 << i;
}

/* The first call of a set, from i on, or JUDGE_CALLS. */
static unsigned int next_of(uint64_t set, unsigned int i)
{
	set &= UINT64_MAX << i;
	return set != 0 ? (unsigned int)__builtin_ctzll(set) : JUDGE_CALLS;
}

static unsigned int size_of(uint64_t set)
{
	return (unsigned int)__builtin_popcountll(set);
}

#define judge_each(i, set) \
	for (unsigned int i = next_of((set), 0); i < JUDGE_CALLS; i = next_of((set), i + 1))

/* ------------------------------------------------------------------- sets -- */

static void sort_call(unsigned int i)
{
	const struct judge_call *call = &search.calls[i];
	bool effective = call->result == 0 || call->result == 1;
	assert(effective ||
		(call->kind != JUDGE_CLOSE && (call->result == -EAGAIN || call->result == -EPIPE)));
	search.must |= call->result != 1 ? bit(i) : 0;
	search.closed_answers |= call->result == -EPIPE ? bit(i) : 0;
	switch (call->kind) {
	case JUDGE_SEND:
		search.sends |= effective ? bit(i) : 0;
		search.fulls |= call->result == -EAGAIN ? bit(i) : 0;
		break;
	case JUDGE_RECV:
		search.receives |= effective ? bit(i) : 0;
		search.unended_receives |= call->result == 1 ? bit(i) : 0;
		search.empties |= effective ? 0 : bit(i);
		break;
	case JUDGE_CLOSE:
		search.closes |= bit(i);
		break;
	}
}

static void sort_calls(const struct judge_history *history)
{
	assert(history->count <= JUDGE_CALLS);
	search.calls = history->calls;
	search.capacity = history->capacity;
	search.full = history->full != 0 ? history->full : history->capacity;
	search.count = (unsigned int)history->count;
	search.must = search.sends = search.receives = search.unended_receives = 0;
	search.closes = search.fulls = search.empties = search.closed_answers = 0;
	search.states = search.kept = 0;
	search.histories++;
	for (unsigned int i = 0; i < search.count; i++) {
		assert(history->calls[i].before >> (search.count - 1) <= 1);
		search.need[i] = history->calls[i].before;
		search.receiver[i] = NONE;
		sort_call(i);
	}
}

/* False: a value was received that was not sent, or was received already. */
static bool match_values(void)
{
	judge_each(receive, search.receives & ~search.unended_receives) {
		uint8_t sender = NONE;
		judge_each(send, search.sends) {
			if (search.calls[send].value != search.calls[receive].value)
				continue;
			assert(sender == NONE);
			sender = (uint8_t)send;
		}
		if (sender == NONE || search.receiver[sender] != NONE)
			return false;
		search.receiver[sender] = (uint8_t)receive;
	}
	return true;
}

/* ------------------------------------------------------------------ order -- */

static void close_order(void)
{
	for (unsigned int k = 0; k < search.count; k++)
		for (unsigned int i = 0; i < search.count; i++)
			if (search.need[i] & bit(k))
				search.need[i] |= search.need[k];
}

/* The search has not derived anything yet: only what was before a call shows
 * that a receive is ended. */
static void note_ends(void)
{
	uint64_t batch = 0;
	for (unsigned int i = 0; i < search.count; i++) {
		batch = search.calls[i].batched ? batch : 0;
		search.ends[i] =
			search.need[i] & search.receives & ~search.unended_receives & ~batch;
		batch |= bit(i);
	}
}

static bool add_order(unsigned int first, unsigned int second)
{
	bool news = (search.need[second] & bit(first)) == 0;
	search.need[second] |= bit(first);
	return news;
}

/* What is so from the beginning, whatever the order of the others. */
static void order_by_kind(uint64_t received)
{
	judge_each(send, received)
		add_order(send, search.receiver[send]);
	if (search.unended_receives == 0) {
		judge_each(send, search.sends & ~received)
			search.need[send] |= received;
	}
	if (size_of(search.closes) == 1) {
		judge_each(answer, search.closed_answers)
			search.need[answer] |= search.closes;
		search.need[next_of(search.closes, 0)] |= search.sends & (search.must | received);
	}
}

/* What follows from the order of a message and of others. */
static bool order_by_message(unsigned int send, uint64_t received)
{
	bool news = false;
	unsigned int receive = search.receiver[send];
	judge_each(other, received & ~bit(send)) {
		if (search.need[receive] & bit(search.receiver[other]))
			news |= add_order(other, send);
	}
	judge_each(empty, search.empties) {
		if (search.need[empty] & bit(send))
			news |= add_order(receive, empty);
		if (search.need[receive] & bit(empty))
			news |= add_order(empty, send);
	}
	return news;
}

/* "Full" needs enough sends that can come before it, beside those whose receive
 * has ended before it. */
static bool fulls_are_possible(void)
{
	bool possible = true;
	judge_each(i, search.fulls) {
		size_t gone = size_of(search.ends[i]);
		size_t most = size_of(search.sends & ~search.needed_by[i]);
		possible = possible && most >= search.full + gone;
	}
	return possible;
}

/* False: there is a circle. */
static bool find_order(void)
{
	uint64_t received = 0, circle = 0;
	judge_each(send, search.sends)
		received |= search.receiver[send] != NONE ? bit(send) : 0;
	close_order();
	note_ends();
	order_by_kind(received);
	bool news = true;
	while (news) {
		news = false;
		close_order();
		judge_each(send, received)
			news |= order_by_message(send, received);
	}
	for (unsigned int i = 0; i < search.count; i++) {
		search.must |= search.must & bit(i) ? search.need[i] : 0;
		circle |= search.need[i] & bit(i);
		search.needed_by[i] = 0;
		for (unsigned int k = 0; k < search.count; k++)
			search.needed_by[i] |= search.need[k] & bit(i) ? bit(k) : 0;
	}
	return (search.must & circle) == 0;
}

/* ------------------------------------------------------------------ calls -- */

static unsigned int inside(const struct state *state)
{
	return (unsigned int)(state->next - state->first);
}

/* Whether this call may find the queue full. */
static bool is_full(const struct state *state, unsigned int i)
{
	uint64_t ended = state->ended | search.ends[i];
	return inside(state) + size_of(state->set & search.receives & ~ended) >= search.full;
}

static bool can_receive(const struct state *state, unsigned int i)
{
	if (inside(state) == 0)
		return search.calls[i].result == -EAGAIN ||
			(search.calls[i].result == -EPIPE && (state->set & search.closes) != 0);
	unsigned int first = search.order[state->first];
	if (search.calls[i].result == 1)
		return search.receiver[first] == NONE;
	return search.receiver[first] == i;
}

static bool can_take_effect(const struct state *state, unsigned int i)
{
	bool closed = (state->set & search.closes) != 0;
	if ((search.need[i] & ~state->set) != 0)
		return false;
	if (search.calls[i].kind == JUDGE_CLOSE)
		return true;
	if (search.calls[i].kind == JUDGE_RECV)
		return can_receive(state, i);
	if (search.calls[i].result == -EPIPE)
		return closed;
	if (search.calls[i].result == -EAGAIN)
		return is_full(state, i);
	return !closed && inside(state) < search.capacity;
}

static void take_effect(struct state *state, unsigned int i)
{
	if (search.sends & bit(i))
		search.order[state->next++] = (uint8_t)i;
	else if (search.receives & bit(i))
		state->first++;
	state->set |= bit(i);
	state->ended |= search.ends[i];
}

static bool is_free(const struct state *state, unsigned int i)
{
	uint64_t choices = search.sends | search.unended_receives;
	if ((state->set & search.closes) == 0)
		choices |= search.closes;
	if ((choices & bit(i)) != 0)
		return false;
	return (search.ends[i] & ~state->ended) == 0 || (search.fulls & ~state->set & ~bit(i)) == 0;
}

/* An unended send can only help a "full" or a receive that must take something,
 * an unended close a refusal, and both what must come after them. */
static bool is_useful(const struct state *state, unsigned int i)
{
	uint64_t helped = search.needed_by[i];
	if ((search.must | search.unended_receives) & bit(i))
		return true;
	helped |= search.sends & bit(i) ? search.fulls | (search.must & search.unended_receives)
					: search.closed_answers;
	return (helped & ~state->set) != 0;
}

/* ------------------------------------------------------------------- seen -- */

static struct seen *seen_place(const struct state *state, struct seen *wanted)
{
	*wanted = (struct seen){ .history = search.histories, .set = state->set };
	for (unsigned int i = state->first; i < state->next; i++) {
		unsigned int send = search.order[i];
		wanted->inside[i - state->first] =
			search.receiver[send] == NONE ? UNRECEIVED : (uint8_t)(send + 1);
	}
	uint64_t hash = state->set, word;
	for (unsigned int i = 0; i < inside(state); i += (unsigned int)sizeof(word)) {
		memcpy(&word, &wanted->inside[i], sizeof(word));
		hash = ((hash * 0x9e3779b97f4a7c15u) ^ (hash >> 32)) + word;
	}
	hash *= 0xbf58476d1ce4e5b9u;
	return &seen[(hash >> 32) % SEEN];
}

static bool was_seen(const struct state *state)
{
	struct seen wanted;
	if (search.kept == 0)
		return false;
	const struct seen *place = seen_place(state, &wanted);
	return memcmp(place, &wanted, sizeof(wanted)) == 0;
}

static void keep(const struct state *state)
{
	struct seen wanted;
	struct seen *place = seen_place(state, &wanted);
	*place = wanted;
	search.kept++;
}

/* ----------------------------------------------------------------- search -- */

/* A "full" is next in its thread. It has better chances before receives. */
static bool awaits_full(const struct state *state)
{
	bool awaits = false;
	judge_each(i, search.fulls & ~state->set)
		awaits = awaits || (search.need[i] & ~state->set) == 0;
	return awaits;
}

/* The lower, the earlier it is tried. */
static unsigned int rank(const struct state *state, unsigned int i)
{
	if (!(search.must & bit(i)))
		return 4 * JUDGE_CALLS;
	if (search.closes & bit(i))
		return 3 * JUDGE_CALLS;
	if (!(search.sends & bit(i)))
		return awaits_full(state) ? 3 * JUDGE_CALLS : 0;
	if (search.receiver[i] == NONE)
		return 2 * JUDGE_CALLS;
	return 1 + size_of(search.need[search.receiver[i]] & ~state->set);
}

static unsigned int next_choice(const struct state *state, uint64_t choices)
{
	unsigned int best = next_of(choices, 0);
	judge_each(i, choices & (choices - 1))
		if (rank(state, i) < rank(state, best))
			best = i;
	return best;
}

/* All free calls take effect. Returns the others that can. */
static uint64_t take_free(struct state *state)
{
	uint64_t choices;
	bool news;
	do {
		news = false;
		choices = 0;
		for (unsigned int i = 0; i < search.count; i++) {
			if ((state->set & bit(i)) || !can_take_effect(state, i))
				continue;
			news = is_free(state, i);
			if (news) {
				take_effect(state, i);
				break;
			}
			choices |= is_useful(state, i) ? bit(i) : 0;
		}
	} while (news);
	return choices;
}

/* A message is in the way of receives for ever. */
static bool is_dead(const struct state *state)
{
	uint64_t missing = search.must & ~state->set;
	return inside(state) > 0 && search.receiver[search.order[state->first]] == NONE &&
		(search.unended_receives & ~state->set) == 0 &&
		(missing & (search.receives | search.empties)) != 0;
}

static bool search_from(struct state state)
{
	search.states++;
	uint64_t choices = take_free(&state);
	if ((search.must & ~state.set) == 0)
		return true;
	if (is_dead(&state) || was_seen(&state))
		return false;
	while (choices != 0) {
		struct state after = state;
		unsigned int i = next_choice(&state, choices);
		choices &= ~bit(i);
		take_effect(&after, i);
		if (search_from(after))
			return true;
	}
	keep(&state);
	return false;
}

bool judge(const struct judge_history *history)
{
	sort_calls(history);
	if (!match_values() || (search.closed_answers != 0 && search.closes == 0))
		return false;
	return find_order() && fulls_are_possible() && search_from((struct state){ 0 });
}

uint64_t judge_states(void)
{
	return search.states;
}

/* ------------------------------------------------------------------ print -- */

static const char *answer_of(const struct judge_call *call)
{
	if (call->result == 0)
		return "done";
	if (call->result == 1)
		return "not ended";
	if (call->result == -EPIPE)
		return "closed";
	return call->kind == JUDGE_SEND ? "full" : "empty";
}

void judge_print(const struct judge_history *history)
{
	static const char *const kinds[] = {
		[JUDGE_SEND] = "send",
		[JUDGE_RECV] = "recv",
		[JUDGE_CLOSE] = "close",
	};
	fprintf(stderr, "%zu calls, capacity %zu\n", history->count, history->capacity);
	for (size_t i = 0; i < history->count; i++) {
		const struct judge_call *call = &history->calls[i];
		bool has_value =
			call->kind == JUDGE_SEND || (call->kind == JUDGE_RECV && call->result == 0);
		char value[24] = "";
		if (has_value)
			snprintf(value, sizeof(value), "%" PRIu64, call->value);
		fprintf(stderr, "%3zu  thread %u  %-5s %8s  %s%s", i, call->thread,
			kinds[call->kind], value, answer_of(call),
			call->batched ? ", batched" : "");
		if (call->before != 0)
			fprintf(stderr, ", after");
		judge_each(before, call->before)
			fprintf(stderr, " %u", before);
		fprintf(stderr, "\n");
	}
}
