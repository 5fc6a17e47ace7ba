/* SPDX-License-Identifier: MIT */
/*
 * The search goes from state to state, depth first. A state is the set of calls
 * that have taken effect, and the messages inside, in order.
 *
 *	order         calls that must come before others: see judge_order.c
 *	free calls    take effect as soon as they can: no order is lost by that
 *	others        tried one after another: sends, the first close, calls with
 *	              the result 1
 *	seen          states from which the search came back in vain
 *
 * Free calls. A refusal changes nothing. A receive of the first message can
 * come at once: no other receive, and no "empty", can come before it. It takes
 * up the place of its message until it is ended, so "full" is not lost either.
 * But a call shows that the receives before it are ended. It is not free while
 * a "full" is to come that may need one of these.
 */
#include <errno.h>
#include <string.h>

#include "judge_search.h"

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

static struct seen seen[SEEN];

/* ------------------------------------------------------------------ calls -- */

static unsigned int inside(const struct state *state)
{
	return (unsigned int)(state->next - state->first);
}

/* Whether this call may find the queue full. */
static bool is_full(const struct state *state, unsigned int i)
{
	uint64_t ended = state->ended | judge_search.ends[i];
	return inside(state) + size_of(state->set & judge_search.receives & ~ended) >=
		judge_search.full;
}

static bool is_closed(const struct state *state)
{
	return (state->set & judge_search.closes) != 0;
}

static bool can_receive(const struct state *state, unsigned int i)
{
	if (inside(state) == 0)
		return judge_search.calls[i].result == (is_closed(state) ? -EPIPE : -EAGAIN);
	unsigned int first = judge_search.order[state->first];
	if (judge_search.calls[i].result == 1)
		return judge_search.receiver[first] == NONE;
	return judge_search.receiver[first] == i;
}

static bool can_take_effect(const struct state *state, unsigned int i)
{
	bool closed = is_closed(state);
	if ((judge_search.need[i] & ~state->set) != 0)
		return false;
	if (judge_search.calls[i].kind == JUDGE_CLOSE)
		return true;
	if (judge_search.calls[i].kind == JUDGE_RECV)
		return can_receive(state, i);
	if (judge_search.calls[i].result == -EPIPE)
		return closed;
	if (judge_search.calls[i].result == -EAGAIN)
		return !closed && is_full(state, i);
	return !closed && inside(state) < judge_search.capacity;
}

static void take_effect(struct state *state, unsigned int i)
{
	if (judge_search.sends & bit(i))
		judge_search.order[state->next++] = (uint8_t)i;
	else if (judge_search.receives & bit(i))
		state->first++;
	state->set |= bit(i);
	state->ended |= judge_search.ends[i];
}

static bool is_free(const struct state *state, unsigned int i)
{
	uint64_t choices = judge_search.sends | judge_search.unended_receives;
	if (!is_closed(state))
		choices |= judge_search.closes;
	if ((choices & bit(i)) != 0)
		return false;
	return (judge_search.ends[i] & ~state->ended) == 0 ||
		(judge_search.fulls & ~state->set & ~bit(i)) == 0;
}

/* An unended send can only help a "full" or a receive that must take something,
 * an unended close a refusal, and both what must come after them. */
static bool is_useful(const struct state *state, unsigned int i)
{
	uint64_t helped = judge_search.needed_by[i];
	if ((judge_search.must | judge_search.unended_receives) & bit(i))
		return true;
	helped |= judge_search.sends & bit(i)
		? judge_search.fulls | (judge_search.must & judge_search.unended_receives)
		: judge_search.closed_answers;
	return (helped & ~state->set) != 0;
}

/* ------------------------------------------------------------------- seen -- */

static struct seen *seen_place(const struct state *state, struct seen *wanted)
{
	*wanted = (struct seen){ .history = judge_search.histories, .set = state->set };
	for (unsigned int i = state->first; i < state->next; i++) {
		unsigned int send = judge_search.order[i];
		wanted->inside[i - state->first] =
			judge_search.receiver[send] == NONE ? UNRECEIVED : (uint8_t)(send + 1);
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
	if (judge_search.kept == 0)
		return false;
	const struct seen *place = seen_place(state, &wanted);
	return memcmp(place, &wanted, sizeof(wanted)) == 0;
}

static void keep(const struct state *state)
{
	struct seen wanted;
	struct seen *place = seen_place(state, &wanted);
	*place = wanted;
	judge_search.kept++;
}

/* ----------------------------------------------------------------- search -- */

/* A "full" is next in its thread. It has better chances before receives. */
static bool awaits_full(const struct state *state)
{
	bool awaits = false;
	judge_each(i, judge_search.fulls & ~state->set)
		awaits = awaits || (judge_search.need[i] & ~state->set) == 0;
	return awaits;
}

/* The lower, the earlier it is tried. */
static unsigned int rank(const struct state *state, unsigned int i)
{
	if (!(judge_search.must & bit(i)))
		return 4 * JUDGE_CALLS;
	if (judge_search.closes & bit(i))
		return 3 * JUDGE_CALLS;
	if (!(judge_search.sends & bit(i)))
		return awaits_full(state) ? 3 * JUDGE_CALLS : 0;
	if (judge_search.receiver[i] == NONE)
		return 2 * JUDGE_CALLS;
	return 1 + size_of(judge_search.need[judge_search.receiver[i]] & ~state->set);
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
		for (unsigned int i = 0; i < judge_search.count; i++) {
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
	uint64_t missing = judge_search.must & ~state->set;
	return inside(state) > 0 &&
		judge_search.receiver[judge_search.order[state->first]] == NONE &&
		(judge_search.unended_receives & ~state->set) == 0 &&
		(missing & (judge_search.receives | judge_search.empties)) != 0;
}

static bool search_from(struct state state)
{
	judge_search.states++;
	uint64_t choices = take_free(&state);
	if ((judge_search.must & ~state.set) == 0)
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
	judge_sort_calls(history);
	if (!judge_match_values() || (judge_search.closed_answers != 0 && judge_search.closes == 0))
		return false;
	return judge_find_order() && judge_fulls_are_possible() && search_from((struct state){ 0 });
}

uint64_t judge_states(void)
{
	return judge_search.states;
}
