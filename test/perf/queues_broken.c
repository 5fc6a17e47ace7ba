/* SPDX-License-Identifier: MIT */
/*
 * Adapters with a fault each, for queues_check.c to find: a mutex ring, and something
 * done wrong once in a while.
 */
#include "core/perf.h"

#include <stdatomic.h>
#include <string.h>

enum { ONCE_IN = 1009 };

extern const struct queue queue_mutex;

static bool is_time(void)
{
	static atomic_uint times;

	return atomic_fetch_add(&times, 1) % ONCE_IN == ONCE_IN - 1;
}

static size_t send_plain(void *side, const struct message *messages, size_t count)
{
	return queue_mutex.send(side, messages, count);
}

static size_t receive_plain(void *side, struct message *ret_messages, size_t count)
{
	return queue_mutex.receive(side, ret_messages, count);
}

static size_t send_losing(void *side, const struct message *messages, size_t count)
{
	return is_time() ? count : send_plain(side, messages, count);
}

static size_t send_repeating(void *side, const struct message *messages, size_t count)
{
	size_t sent = send_plain(side, messages, count);

	if (is_time())
		send_plain(side, messages, sent);
	return sent;
}

static size_t receive_spoiling(void *side, struct message *ret_messages, size_t count)
{
	size_t received = receive_plain(side, ret_messages, count);

	if (received > 0 && is_time())
		ret_messages[received - 1].words[5] ^= 1;
	return received;
}

/* One after the next. */
static size_t receive_swapping(void *side, struct message *ret_messages, size_t count)
{
	static _Thread_local struct message kept;
	static _Thread_local bool has;
	size_t received = has ? 1 : receive_plain(side, ret_messages, 1);

	(void)count;
	if (has) {
		*ret_messages = kept;
		has = false;
	} else if (received > 0 && is_time()) {
		kept = *ret_messages;
		has = receive_plain(side, ret_messages, 1) > 0;
	}
	return received;
}

/* As if there was always room: the first message goes. */
static size_t send_endless(void *side, const struct message *messages, size_t count)
{
	struct message first;

	while (send_plain(side, messages, count) == 0)
		receive_plain(side, &first, 1);
	return count;
}

static size_t send_narrow(void *side, const struct message *messages, size_t count)
{
	static _Thread_local size_t sent;

	sent = (sent + 1) % 8;
	return sent == 0 ? 0 : send_plain(side, messages, count);
}

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	return queue_mutex.create(capacity, senders, receivers);
}

static void destroy(void *queue)
{
	queue_mutex.destroy(queue);
}

static void *attach(void *queue, bool sends)
{
	return queue_mutex.attach(queue, sends);
}

static void detach(void *side)
{
	queue_mutex.detach(side);
}

#define FAULTY(fault, send_call, receive_call) \
	static const struct queue queue_##fault = { \
		.name = #fault, \
		.batch_max = 64, \
		.create = create, \
		.destroy = destroy, \
		.attach = attach, \
		.detach = detach, \
		.send = send_call, \
		.receive = receive_call, \
	}

FAULTY(faultless, send_plain, receive_plain);
FAULTY(losing, send_losing, receive_plain);
FAULTY(repeating, send_repeating, receive_plain);
FAULTY(spoiling, send_plain, receive_spoiling);
FAULTY(swapping, send_plain, receive_swapping);
FAULTY(endless, send_endless, receive_plain);
FAULTY(narrow, send_narrow, receive_plain);

const struct queue *const queues[] = { &queue_faultless, &queue_losing, &queue_repeating,
	&queue_spoiling, &queue_swapping, &queue_endless, &queue_narrow, NULL };
