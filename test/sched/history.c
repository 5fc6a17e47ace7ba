/* SPDX-License-Identifier: MIT */
/* The calls of a history, and how many messages have gone. */
#include "history.h"
#include "history_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct history history;

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

static struct call *begin(enum judge_kind kind, size_t count, bool poll)
{
	sched_require(history.count < HISTORY_CALLS && count <= HISTORY_BATCH,
		"the history is too small");
	struct call *call = &history.calls[history.count++];
	call->kind = kind;
	call->poll = poll;
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

static struct call *begin_send(size_t count, bool poll)
{
	struct call *call = begin(JUDGE_SEND, count, poll);
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
		? (timeout_ns == 0 || call->poll ? result != -ETIMEDOUT : result != -EAGAIN) &&
			(timeout_ns >= 0 || call->poll || result == -EPIPE)
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
	struct call *call = begin_send(1, timeout_ns == HISTORY_POLL);
	int rc = call->poll ? magring_try_send(history.queue, call->messages)
			    : magring_send(history.queue, call->messages, timeout_ns);
	return end_send(call, rc == 0 ? 1 : rc, timeout_ns);
}

int history_send_batch(size_t count, int64_t timeout_ns)
{
	struct call *call = begin_send(count, timeout_ns == HISTORY_POLL);
	int rc = call->poll ? magring_try_send_batch(history.queue, call->messages, count)
			    : magring_send_batch(history.queue, call->messages, count, timeout_ns);
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
	struct call *call = begin(JUDGE_RECV, 1, timeout_ns == HISTORY_POLL);
	int rc = call->poll ? magring_try_recv(history.queue, call->messages)
			    : magring_recv(history.queue, call->messages, timeout_ns);
	return end_recv(call, rc == 0 ? 1 : rc, timeout_ns);
}

int history_recv_batch(size_t count, int64_t timeout_ns)
{
	struct call *call = begin(JUDGE_RECV, count, timeout_ns == HISTORY_POLL);
	int rc = call->poll ? magring_try_recv_batch(history.queue, call->messages, count)
			    : magring_recv_batch(history.queue, call->messages, count, timeout_ns);
	return end_recv(call, rc, timeout_ns);
}

void history_close(void)
{
	struct call *call = begin(JUDGE_CLOSE, 1, false);
	history.closed = true;
	int rc = magring_queue_close(history.queue);
	sched_require(rc == 0, "close returns %d", rc);
	end(call, 1);
}

/* ------------------------------------------------------------- the numbers -- */

unsigned int history_went(const struct call *call)
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
		n += history.calls[i].kind == kind ? history_went(&history.calls[i]) : 0;
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
			n += (unsigned int)call->count - history_went(call);
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
