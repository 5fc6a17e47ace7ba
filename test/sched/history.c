/* SPDX-License-Identifier: MIT */
/*
 * A history of calls. What comes before what is decided as the kind of memory
 * allows: in SC memory by real time, elsewhere by what happens before, as a
 * call may return with its store still in the thread's store buffer.
 */
#include "history.h"
#include "judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "queue/queue.h"

struct call {
	enum judge_kind kind;
	bool ended;
	unsigned int thread;
	size_t count;
	int result; /* how many, or an error */
	uint64_t begin, end;
	struct sched_knowledge known_at_begin, known_at_end;
	uint64_t values[HISTORY_BATCH];
	struct magring_message messages[HISTORY_BATCH];
};

static struct {
	struct magring_queue *queue;
	unsigned int count;
	uint64_t values;
	bool closed;
	struct call calls[HISTORY_CALLS];
	uint64_t beside[HISTORY_VALUES]; /* the program's own words */
} history;

static struct judge_history judged;
static unsigned int first_of[HISTORY_CALLS + 1]; /* in judged.calls */

void history_begin(struct magring_queue *queue)
{
	history.queue = queue;
}

/* The judge takes so many. A call that runs may yet be any of its messages. */
bool history_has_room(size_t messages)
{
	size_t judged_calls = messages;
	for (unsigned int i = 0; i < history.count; i++) {
		const struct call *call = &history.calls[i];
		if (call->ended)
			judged_calls += call->result > 1 ? (size_t)call->result : 1;
		else
			judged_calls += call->count;
	}
	return history.count + messages <= HISTORY_CALLS && judged_calls <= JUDGE_CALLS;
}

/* ------------------------------------------------------------------ calls -- */

static struct call *begin(enum judge_kind kind, size_t count)
{
	sched_require(history.count < HISTORY_CALLS && count <= HISTORY_BATCH,
		"the history is too small");
	struct call *call = &history.calls[history.count++];
	call->kind = kind;
	call->thread = sched_self();
	call->count = count;
	call->begin = sched_moment();
	call->known_at_begin = sched_knowledge();
	return call;
}

static int end(struct call *call, int result)
{
	call->result = result;
	call->end = sched_moment();
	call->known_at_end = sched_knowledge();
	call->ended = true;
	return result;
}

static uint64_t word_for(uint64_t value)
{
	return value * 0x9e3779b97f4a7c15;
}

static struct call *begin_send(size_t count)
{
	struct call *call = begin(JUDGE_SEND, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = call->values[i] = ++history.values;
		sched_require(value < HISTORY_VALUES, "too many messages");
		history.beside[value] = word_for(value);
		sched_write(&history.beside[value], sizeof(uint64_t));
		int rc = magring_message_copy(NULL, &call->messages[i], NULL, 0, &value,
			sizeof(value), 0);
		sched_require(rc == 0, "a message is not made: %d", rc);
	}
	return call;
}

/* A message has come: it must be one that was sent, and whole. */
static void take(struct call *call, size_t i)
{
	size_t bytes = 0;
	uint64_t value = 0;
	const void *payload = magring_message_payload(&call->messages[i], &bytes);
	sched_require(bytes == sizeof(value), "a message of %zu bytes", bytes);
	memcpy(&value, payload, sizeof(value));
	sched_require(value > 0 && value <= history.values, "a message that no thread sent: %lu",
		(unsigned long)value);
	sched_read(&history.beside[value], sizeof(uint64_t));
	sched_require(history.beside[value] == word_for(value), "what is beside %lu is not there",
		(unsigned long)value);
	magring_message_free(&call->messages[i]);
	call->values[i] = value;
}

static bool is_refusal(int result)
{
	return result == -EAGAIN || result == -ETIMEDOUT || result == -EPIPE;
}

static void check_result(const struct call *call, int result, int64_t timeout_ns)
{
	bool right = is_refusal(result)
		? (timeout_ns == 0 ? result != -ETIMEDOUT : result != -EAGAIN) &&
			(timeout_ns >= 0 || result == -EPIPE)
		: result >= 1 && result <= (int)call->count;
	sched_require(right, "a call for %zu with timeout %ld returns %d", call->count,
		(long)timeout_ns, result);
}

static int end_send(struct call *call, int result, int64_t timeout_ns)
{
	check_result(call, result, timeout_ns);
	for (size_t i = 0; i < call->count; i++) {
		bool empty = call->messages[i].private_header == 0;
		sched_require(empty == ((int)i < result), "after %d of a send message %zu is %s",
			result, i, empty ? "gone" : "there");
	}
	return end(call, result);
}

int history_send(int64_t timeout_ns)
{
	struct call *call = begin_send(1);
	int rc = magring_send(history.queue, call->messages, timeout_ns);
	return end_send(call, rc == 0 ? 1 : rc, timeout_ns);
}

int history_send_batch(size_t count, int64_t timeout_ns)
{
	struct call *call = begin_send(count);
	int rc = magring_send_batch(history.queue, call->messages, count, timeout_ns);
	return end_send(call, rc, timeout_ns);
}

static int end_recv(struct call *call, int result, int64_t timeout_ns)
{
	check_result(call, result, timeout_ns);
	for (int i = 0; i < result; i++)
		take(call, (size_t)i);
	return end(call, result);
}

int history_recv(int64_t timeout_ns)
{
	struct call *call = begin(JUDGE_RECV, 1);
	int rc = magring_recv(history.queue, call->messages, timeout_ns);
	return end_recv(call, rc == 0 ? 1 : rc, timeout_ns);
}

int history_recv_batch(size_t count, int64_t timeout_ns)
{
	struct call *call = begin(JUDGE_RECV, count);
	int rc = magring_recv_batch(history.queue, call->messages, count, timeout_ns);
	return end_recv(call, rc, timeout_ns);
}

void history_close(void)
{
	struct call *call = begin(JUDGE_CLOSE, 1);
	history.closed = true;
	int rc = magring_queue_close(history.queue);
	sched_require(rc == 0, "close returns %d", rc);
	end(call, 1);
}

/* ------------------------------------------------------------- the numbers -- */

/* How many of a call's messages certainly went. */
static unsigned int went(const struct call *call)
{
	unsigned int n = 0;
	if (call->ended)
		return call->result > 0 ? (unsigned int)call->result : 0;
	while (call->kind == JUDGE_SEND && n < call->count && call->messages[n].private_header == 0)
		n++;
	return n;
}

static unsigned int count_all(enum judge_kind kind)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < history.count; i++)
		n += history.calls[i].kind == kind ? went(&history.calls[i]) : 0;
	return n;
}

unsigned int history_sent(void)
{
	return count_all(JUDGE_SEND);
}

unsigned int history_received(void)
{
	return count_all(JUDGE_RECV);
}

unsigned int history_open(bool send)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < history.count; i++) {
		const struct call *call = &history.calls[i];
		if (!call->ended && sched_has_stopped(call->thread) &&
			call->kind == (send ? JUDGE_SEND : JUDGE_RECV))
			n += (unsigned int)call->count - went(call);
	}
	return n;
}

bool history_is_closed(void)
{
	return history.closed;
}

bool history_has_closed(void)
{
	for (unsigned int i = 0; i < history.count; i++)
		if (history.calls[i].kind == JUDGE_CLOSE && history.calls[i].ended)
			return true;
	return false;
}

bool history_is_in(unsigned int thread, bool send)
{
	for (unsigned int i = 0; i < history.count; i++) {
		const struct call *call = &history.calls[i];
		if (call->thread == thread && !call->ended &&
			call->kind == (send ? JUDGE_SEND : JUDGE_RECV))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------- judge -- */

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
 * batch had sent. */
static void add_call(const struct call *call, uint64_t before, bool with_full)
{
	unsigned int n = went(call), count = (unsigned int)call->count;
	bool cancelled = !call->ended && sched_has_ended(call->thread);
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

static unsigned int count_senders(void)
{
	unsigned int threads = 0; /* a set */
	for (unsigned int i = 0; i < history.count; i++)
		if (history.calls[i].kind == JUDGE_SEND)
			threads |= 1u << history.calls[i].thread;
	return (unsigned int)__builtin_popcount(threads);
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
	bool skipped = atomic_load_explicit(&ring->challenged, memory_order_relaxed) > 0;
	/* Each other sender may have claimed cells for messages that are not
	 * there yet. */
	unsigned int senders = count_senders();
	size_t others = senders > 1 ? (senders - 1) * ring->claim_max : 0;
	judged.capacity = ring_cells(ring);
	judged.full = judged.capacity - others;
	compose(!skipped && others < judged.capacity);
	if (judge(&judged))
		return;
	describe(text, sizeof(text));
	sched_fail("no order explains: %s", text);
}
