/* SPDX-License-Identifier: MIT */
/*
 * All orders, call by call. The queue is computed anew for each call, from the
 * calls that have taken effect: nothing here is clever.
 */
#include <assert.h>
#include <errno.h>

#include "judge_reference.h"

static const struct judge_history *history;

/* The calls that have taken effect, in order. */
struct order {
	size_t count;
	size_t calls[JUDGE_SHORT + 1];
};

static bool precedes[JUDGE_SHORT][JUDGE_SHORT];

static void find_precedes(void)
{
	for (size_t a = 0; a < history->count; a++)
		for (size_t b = 0; b < history->count; b++)
			precedes[a][b] = history->calls[b].before >> a & 1;
	for (size_t times = 0; times < history->count; times++)
		for (size_t a = 0; a < history->count; a++)
			for (size_t b = 0; b < history->count; b++)
				for (size_t c = 0; c < history->count; c++)
					precedes[a][c] |= precedes[a][b] && precedes[b][c];
}

static bool same_batch(size_t first, size_t second)
{
	for (size_t i = first + 1; i <= second; i++)
		if (!history->calls[i].batched)
			return false;
	return first < second;
}

/* The last of the order has begun, so all that precedes it has ended. */
static bool has_ended(const struct order *order, size_t receive)
{
	for (size_t i = 0; i < order->count; i++)
		if (precedes[receive][order->calls[i]] && !same_batch(receive, order->calls[i]))
			return history->calls[receive].result == 0;
	return false;
}

struct queue {
	bool closed;
	size_t messages, first, pending;
	uint64_t values[JUDGE_SHORT];
};

/* As the next call finds it. */
static struct queue queue_for(const struct order *order, size_t next)
{
	struct queue queue = { 0 };
	struct order begun = *order;
	begun.calls[begun.count++] = next;
	for (size_t i = 0; i < order->count; i++) {
		const struct judge_call *call = &history->calls[order->calls[i]];
		if (call->result < 0)
			continue;
		if (call->kind == JUDGE_CLOSE) {
			queue.closed = true;
		} else if (call->kind == JUDGE_SEND) {
			queue.values[queue.first + queue.messages++] = call->value;
		} else {
			queue.first++;
			queue.messages--;
			queue.pending += !has_ended(&begun, order->calls[i]);
		}
	}
	return queue;
}

static bool can_be_next(const struct order *order, size_t next)
{
	const struct judge_call *call = &history->calls[next];
	struct queue queue = queue_for(order, next);
	size_t before = 0, there = 0;
	for (size_t i = 0; i < history->count; i++)
		before += precedes[i][next];
	for (size_t i = 0; i < order->count; i++) {
		if (order->calls[i] == next)
			return false;
		there += precedes[order->calls[i]][next];
	}
	if (there < before)
		return false;
	if (call->kind == JUDGE_CLOSE)
		return true;
	if (call->result == -EPIPE)
		return queue.closed && (call->kind == JUDGE_SEND || queue.messages == 0);
	if (call->kind == JUDGE_SEND)
		return call->result == -EAGAIN
			? !queue.closed && queue.messages + queue.pending >= history->capacity
			: !queue.closed && queue.messages < history->capacity;
	if (call->result == -EAGAIN)
		return !queue.closed && queue.messages == 0;
	return queue.messages > 0 &&
		(call->result == 1 || queue.values[queue.first] == call->value);
}

static bool is_over(const struct order *order)
{
	size_t to_come = 0;
	for (size_t i = 0; i < history->count; i++)
		to_come += history->calls[i].result != 1;
	for (size_t i = 0; i < order->count; i++)
		to_come -= history->calls[order->calls[i]].result != 1;
	return to_come == 0;
}

static bool any_order(struct order *order)
{
	if (is_over(order))
		return true;
	for (size_t next = 0; next < history->count; next++) {
		if (!can_be_next(order, next))
			continue;
		order->calls[order->count++] = next;
		if (any_order(order))
			return true;
		order->count--;
	}
	return false;
}

bool judge_by_reference(const struct judge_history *judged)
{
	struct order order = { 0 };
	assert(judged->count <= JUDGE_SHORT);
	history = judged;
	find_precedes();
	return any_order(&order);
}
