/* SPDX-License-Identifier: MIT */
/*
 * ORDER: messages can be put into one order in which a stands before b if the send of a
 * ended before that of b began, or its receive did before that of b; or if a is before b
 * in the same batch, of a send or of a receive.
 *
 * Messages are taken off in this order as long as there is one with nothing left
 * before it: nothing left whose send ended before its own began, and so on. Without
 * batches, a circle needs no more than two messages, sent one way and received the
 * other. This finds any.
 */
#include <string.h>

#include "queue/history_work.h"

/* The message that is behind this one (before it) in the batch that sent (received)
 * it; the other operations of a thread's batch are all the same. */
static uint32_t sent_with(const struct history *history, uint32_t message, bool before)
{
	uint32_t i = before ? message : message + 1;
	if (history_skip(history, i) != i || !history_same_batch(history, i))
		return HISTORY_NOBODY;
	return before ? i - 1 : i;
}

static uint32_t received_with(const struct history *history, uint32_t message, bool before)
{
	uint32_t receive = history->workspace->receive[message];
	if (receive == HISTORY_NOBODY)
		return HISTORY_NOBODY;
	receive = sent_with(history, receive, before);
	return receive != HISTORY_NOBODY ? history->operations[receive].message : HISTORY_NOBODY;
}

static void half_begin(const struct history *history, struct half *half)
{
	half->now = 0;
	memset(half->left, 0, (history->ticks + 1) * sizeof(half->left[0]));
	memset(half->first, 0xff, (history->ticks + 1) * sizeof(half->first[0]));
}

static void half_add(struct half *half, uint32_t message, struct span span)
{
	half->left[span.end]++;
	half->next[message] = half->first[span.begin];
	half->first[span.begin] = message;
}

struct ready {
	uint32_t *missing, *messages;
	uint32_t count;
};

static void ready_add(struct ready *ready, uint32_t message)
{
	if (message != HISTORY_NOBODY && --ready->missing[message] == 0)
		ready->messages[ready->count++] = message;
}

/* Go to the first end that is left; what begins before it may come next. */
static void half_advance(const struct history *history, struct half *half, struct ready *ready)
{
	for (; half->now <= history->ticks; half->now++) {
		uint32_t message = half->first[half->now];
		half->first[half->now] = HISTORY_NOBODY;
		for (; message != HISTORY_NOBODY; message = half->next[message])
			ready_add(ready, message);
		if (half->left[half->now] > 0)
			return;
	}
}

static void half_remove(const struct history *history, struct half *half, struct span span,
	struct ready *ready)
{
	half->left[span.end]--;
	half_advance(history, half, ready);
}

#define PLACED UINT32_MAX

/* No message can come next: who stands in message's way. */
static uint32_t in_the_way(const struct history *history, uint32_t message)
{
	const struct workspace *work = history->workspace;
	bool by_send = sent_in(history, message).begin > work->sends.now;
	if (by_send || received_in(history, message).begin > work->receives.now)
		history_each(i, history)
			if (is_sent(history, i) && work->missing[i] != PLACED &&
				(by_send ? sent_in(history, i).end == work->sends.now
					 : received_in(history, i).end == work->receives.now))
				return i;
	uint32_t before = sent_with(history, message, true);
	if (before != HISTORY_NOBODY && work->missing[before] != PLACED)
		return before;
	return received_with(history, message, true);
}

static struct finding circle(const struct history *history)
{
	struct finding found = { .wrong = ORDER };
	uint32_t slow = history_skip(history, 0);
	while (!is_sent(history, slow) || history->workspace->missing[slow] == PLACED)
		slow = history_skip(history, slow + 1);
	/* Robert Floyd's two runners meet on the circle. */
	uint32_t fast = slow;
	do {
		slow = in_the_way(history, slow);
		fast = in_the_way(history, in_the_way(history, fast));
	} while (slow != fast);
	do {
		add_message(history, &found, slow);
		slow = in_the_way(history, slow);
	} while (slow != fast);
	return found;
}

struct finding check_order(const struct history *history)
{
	struct workspace *work = history->workspace;
	struct ready ready = { .missing = work->missing, .messages = work->ready };
	uint32_t messages = 0, placed = 0;
	half_begin(history, &work->sends);
	half_begin(history, &work->receives);
	history_each(i, history) {
		if (!is_sent(history, i))
			continue;
		messages++;
		half_add(&work->sends, i, sent_in(history, i));
		half_add(&work->receives, i, received_in(history, i));
		work->missing[i] = 2u + (sent_with(history, i, true) != HISTORY_NOBODY) +
			(received_with(history, i, true) != HISTORY_NOBODY);
	}
	half_advance(history, &work->sends, &ready);
	half_advance(history, &work->receives, &ready);
	while (ready.count > 0) {
		uint32_t message = ready.messages[--ready.count];
		placed++;
		work->missing[message] = PLACED;
		ready_add(&ready, sent_with(history, message, false));
		ready_add(&ready, received_with(history, message, false));
		half_remove(history, &work->sends, sent_in(history, message), &ready);
		half_remove(history, &work->receives, received_in(history, message), &ready);
	}
	return placed == messages ? (struct finding){ 0 } : circle(history);
}
