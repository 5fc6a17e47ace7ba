/* SPDX-License-Identifier: MIT */
/*
 * The calls of a history in sets, and which of them must come before others.
 *
 * Messages leave in the order in which they came, so the order of two sends is
 * that of their receives. "Empty" comes before a send or after its receive. A
 * history with a circle is impossible, without a search.
 */
#include <assert.h>
#include <errno.h>

#include "judge_search.h"

struct judge_search judge_search;

static void sort_call(unsigned int i)
{
	const struct judge_call *call = &judge_search.calls[i];
	bool effective = call->result == 0 || call->result == 1;
	assert(effective ||
		(call->kind != JUDGE_CLOSE && (call->result == -EAGAIN || call->result == -EPIPE)));
	judge_search.must |= call->result != 1 ? bit(i) : 0;
	judge_search.closed_answers |= call->result == -EPIPE ? bit(i) : 0;
	switch (call->kind) {
	case JUDGE_SEND:
		judge_search.sends |= effective ? bit(i) : 0;
		judge_search.fulls |= call->result == -EAGAIN ? bit(i) : 0;
		break;
	case JUDGE_RECV:
		judge_search.receives |= effective ? bit(i) : 0;
		judge_search.unended_receives |= call->result == 1 ? bit(i) : 0;
		judge_search.empties |= effective ? 0 : bit(i);
		break;
	case JUDGE_CLOSE:
		judge_search.closes |= bit(i);
		break;
	}
}

void judge_sort_calls(const struct judge_history *history)
{
	assert(history->count <= JUDGE_CALLS);
	judge_search.calls = history->calls;
	judge_search.capacity = history->capacity;
	judge_search.full = history->full != 0 ? history->full : history->capacity;
	judge_search.count = (unsigned int)history->count;
	judge_search.must = judge_search.sends = judge_search.receives =
		judge_search.unended_receives = 0;
	judge_search.closes = judge_search.fulls = judge_search.empties =
		judge_search.closed_answers = 0;
	judge_search.states = judge_search.kept = 0;
	judge_search.histories++;
	for (unsigned int i = 0; i < judge_search.count; i++) {
		assert(history->calls[i].before >> (judge_search.count - 1) <= 1);
		judge_search.need[i] = history->calls[i].before;
		judge_search.receiver[i] = NONE;
		sort_call(i);
	}
}

bool judge_match_values(void)
{
	judge_each(receive, judge_search.receives & ~judge_search.unended_receives) {
		uint8_t sender = NONE;
		judge_each(send, judge_search.sends) {
			if (judge_search.calls[send].value != judge_search.calls[receive].value)
				continue;
			assert(sender == NONE);
			sender = (uint8_t)send;
		}
		if (sender == NONE || judge_search.receiver[sender] != NONE)
			return false;
		judge_search.receiver[sender] = (uint8_t)receive;
	}
	return true;
}

/* ------------------------------------------------------------------ order -- */

static void close_order(void)
{
	for (unsigned int k = 0; k < judge_search.count; k++)
		for (unsigned int i = 0; i < judge_search.count; i++)
			if (judge_search.need[i] & bit(k))
				judge_search.need[i] |= judge_search.need[k];
}

/* The search has not derived anything yet: only what was before a call shows
 * that a receive is ended. */
static void note_ends(void)
{
	uint64_t batch = 0;
	for (unsigned int i = 0; i < judge_search.count; i++) {
		batch = judge_search.calls[i].batched ? batch : 0;
		judge_search.ends[i] = judge_search.need[i] & judge_search.receives &
			~judge_search.unended_receives & ~batch;
		batch |= bit(i);
	}
}

static bool add_order(unsigned int first, unsigned int second)
{
	bool news = (judge_search.need[second] & bit(first)) == 0;
	judge_search.need[second] |= bit(first);
	return news;
}

/* What is so from the beginning, whatever the order of the others. */
static void order_by_kind(uint64_t received)
{
	judge_each(send, received)
		add_order(send, judge_search.receiver[send]);
	if (judge_search.unended_receives == 0) {
		judge_each(send, judge_search.sends & ~received)
			judge_search.need[send] |= received;
	}
	if (size_of(judge_search.closes) == 1) {
		judge_each(answer, judge_search.closed_answers)
			judge_search.need[answer] |= judge_search.closes;
		judge_search.need[next_of(judge_search.closes, 0)] |=
			judge_search.sends & (judge_search.must | received);
	}
}

/* What follows from the order of a message and of others. */
static bool order_by_message(unsigned int send, uint64_t received)
{
	bool news = false;
	unsigned int receive = judge_search.receiver[send];
	judge_each(other, received & ~bit(send)) {
		if (judge_search.need[receive] & bit(judge_search.receiver[other]))
			news |= add_order(other, send);
	}
	judge_each(empty, judge_search.empties) {
		if (judge_search.need[empty] & bit(send))
			news |= add_order(receive, empty);
		if (judge_search.need[receive] & bit(empty))
			news |= add_order(empty, send);
	}
	return news;
}

/* "Full" needs enough sends that can come before it, beside those whose receive
 * has ended before it. */
bool judge_fulls_are_possible(void)
{
	bool possible = true;
	judge_each(i, judge_search.fulls) {
		size_t gone = size_of(judge_search.ends[i]);
		size_t most = size_of(judge_search.sends & ~judge_search.needed_by[i]);
		possible = possible && most >= judge_search.full + gone;
	}
	return possible;
}

bool judge_find_order(void)
{
	uint64_t received = 0, circle = 0;
	judge_each(send, judge_search.sends)
		received |= judge_search.receiver[send] != NONE ? bit(send) : 0;
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
	for (unsigned int i = 0; i < judge_search.count; i++) {
		judge_search.must |= judge_search.must & bit(i) ? judge_search.need[i] : 0;
		circle |= judge_search.need[i] & bit(i);
		judge_search.needed_by[i] = 0;
		for (unsigned int k = 0; k < judge_search.count; k++)
			judge_search.needed_by[i] |= judge_search.need[k] & bit(i) ? bit(k) : 0;
	}
	return (judge_search.must & circle) == 0;
}
