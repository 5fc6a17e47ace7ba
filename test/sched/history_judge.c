/* SPDX-License-Identifier: MIT */
/*
 * A history for the judge. What comes before what is decided as the kind of
 * memory allows: in SC memory by real time, elsewhere by what happens before,
 * as a call may return with its store still in the thread's store buffer.
 */
#include "history_calls.h"

#include <errno.h>
#include <stdio.h>

#include "queue/queue.h"

static struct judge_history judged;
static unsigned int first_of[HISTORY_CALLS + 1]; /* in judged.calls */

static bool is_before(const struct call *one, const struct call *other)
{
	if (!one->ended)
		return false;
	if (one->thread != other->thread && sched_memory_kind() == SCHED_SC)
		return one->end < other->begin;
	return sched_happens_before(&one->known_at_end, &other->known_at_begin);
}

static void add(const struct call *call, int result, uint64_t value, uint64_t before, bool batched)
{
	sched_require(judged.count < JUDGE_CALLS, "too many calls for the judge");
	if (batched)
		before |= (uint64_t)1 << (judged.count - 1);
	judged.calls[judged.count++] = (struct judge_call){ .kind = call->kind,
		.thread = call->thread,
		.result = result,
		.value = value,
		.before = before,
		.batched = batched };
}

/* A call of a thread that was cancelled has changed nothing, but for what a
 * batch had sent. So has a poll in vain, whose answer may be false. */
static void add_call(const struct call *call, uint64_t before, bool with_full)
{
	unsigned int n = history_went(call), count = (unsigned int)call->count;
	bool cancelled = !call->ended && sched_has_ended(call->thread);
	if (call->ended && call->poll && call->result == -EAGAIN)
		return;
	int refusal = call->result == -ETIMEDOUT ? -EAGAIN : call->result;
	for (unsigned int i = 0; i < n; i++)
		add(call, 0, call->values[i], before, i > 0);
	if (!call->ended && !cancelled)
		for (unsigned int i = n; i < count; i++)
			add(call, 1, call->values[i], before, i > 0);
	if (call->ended && n == 0 && (with_full || call->kind != JUDGE_SEND || refusal != -EAGAIN))
		add(call, refusal, call->kind == JUDGE_SEND ? call->values[0] : 0, before, false);
}

static void compose(bool with_full)
{
	judged.count = 0;
	for (unsigned int i = 0; i < history.count; i++) {
		uint64_t before = 0;
		first_of[i] = (unsigned int)judged.count;
		for (unsigned int k = 0; k < i; k++)
			if (is_before(&history.calls[k], &history.calls[i]))
				for (unsigned int at = first_of[k]; at < first_of[k + 1]; at++)
					before |= (uint64_t)1 << at;
		add_call(&history.calls[i], before, with_full);
		first_of[i + 1] = (unsigned int)judged.count;
	}
}

static unsigned int count_threads(enum judge_kind kind)
{
	unsigned int threads = 0; /* a set */
	for (unsigned int i = 0; i < history.count; i++)
		if (history.calls[i].kind == kind)
			threads |= 1u << history.calls[i].thread;
	return (unsigned int)__builtin_popcount(threads);
}

/*
 * From how many messages and receives not ended on a send may be refused. Each
 * other sender may have claimed cells for messages that are not there yet. If
 * threads may hold more cells than a sender may skip, it is what the header
 * promises. 0: it depends on more than the calls show.
 */
static size_t full_from(const struct ring *ring)
{
	unsigned int senders = count_threads(JUDGE_SEND);
	size_t others = senders > 1 ? (senders - 1) * ring->claim_max : 0;
	size_t held = others + count_threads(JUDGE_RECV) * ring->claim_max;
	size_t most = held <= ring->spare ? ring_cells(ring) : ring_capacity(ring);
	bool skipped = atomic_load_explicit(&ring->challenged, memory_order_relaxed) > 0;
	return skipped || others >= most ? 0 : most - others;
}

/* The history in a few words, for a failure. */
static void describe(char *text, size_t bytes)
{
	static const char *const kinds[] = { "send", "recv", "close" };
	size_t at = 0;
	for (size_t i = 0; i < judged.count && at < bytes; i++) {
		const struct judge_call *call = &judged.calls[i];
		const char *result = call->result == 0 ? ""
			: call->result == 1            ? "?"
			: call->result == -EPIPE       ? " closed"
						       : " refused";
		at += (size_t)snprintf(text + at, bytes - at, "%s%u %s %lu%s", i > 0 ? ", " : "",
			call->thread, kinds[call->kind], (unsigned long)call->value, result);
	}
}

void history_judge(void)
{
	char text[400] = "";
	const struct ring *ring = &history.queue->ring;
	judged.capacity = ring_cells(ring);
	judged.full = full_from(ring);
	compose(judged.full > 0);
	if (judge(&judged))
		return;
	describe(text, sizeof(text));
	sched_fail("no order explains: %s", text);
}
