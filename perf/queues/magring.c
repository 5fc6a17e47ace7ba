/* SPDX-License-Identifier: MIT */
/*
 * magring, as any user has it: its public header and its shared library.
 *
 * Of a message 48 bytes go inside its own, whose first 8 say what it is, and are where
 * `first` is. So a message is made and read in the sender's and receiver's own memory.
 * Making it, finding the bytes in it and freeing it are calls too, and are measured with the rest.
 *
 * How to wait is part of what the library offers: the patient calls. A thread that polls and finds
 * it full has made messages in vain.
 */
#include "queues/side.h"

#include <errno.h>
#include <magring.h>

enum { BATCH = 64, BYTES = MAGRING_INLINE_MAX, PATIENCE_NS = 1000000000 };

_Static_assert(sizeof(struct magring_message) == sizeof(struct message),
	"each is in the other's place");

struct channel {
	struct magring_pool *pool;
	struct magring_queue *queue;
};

static void check(int result, const char *what)
{
	if (__builtin_expect(result < 0, 0)) {
		errno = -result;
		err(2, "%s", what);
	}
}

static void *create(size_t capacity, uint64_t flags)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = capacity,
		.flags = flags };
	struct channel *channel = need_lines(sizeof(*channel), "magring");

	check(magring_pool_create(&channel->pool, NULL), "magring_pool_create");
	check(magring_queue_create(&channel->queue, channel->pool, &options),
		"magring_queue_create");
	return channel;
}

static void destroy(void *queue)
{
	struct channel *channel = queue;

	check(magring_queue_release(channel->queue), "magring_queue_release");
	check(magring_pool_destroy(channel->pool), "magring_pool_destroy");
	free(channel);
}

static void *attach(void *queue, bool sends)
{
	(void)sends;
	return queue;
}

static void detach(void *side)
{
	(void)side;
}

/* The words have to be where the payload is. */
static void check_place(struct magring_message *message, const struct message *place)
{
	if (__builtin_expect(magring_message_payload(message, NULL) != (const void *)place->words,
		    0))
		errx(2, "magring: a payload is elsewhere");
}

static struct magring_message *make(struct channel *channel, const struct message *messages,
	size_t count)
{
	/* `first` may be changed. */
	struct magring_message *made = (struct magring_message *)(uintptr_t)messages;

	for (size_t i = 0; i < count; i++) {
		check(magring_message_alloc(channel->pool, &made[i], NULL, 0, BYTES, 0),
			"magring_message_alloc");
		check_place(&made[i], &messages[i]);
	}
	return made;
}

static void take(struct message *ret_messages, size_t count)
{
	struct magring_message *taken = (struct magring_message *)ret_messages;

	for (size_t i = 0; i < count; i++) {
		check_place(&taken[i], &ret_messages[i]);
		magring_message_free(&taken[i]);
		ret_messages[i].first = 0;
	}
}

/* How many went, or none because of this moment. */
static size_t moved(int result)
{
	if (result == -EAGAIN || result == -ETIMEDOUT || result == -EPIPE)
		return 0;
	check(result, "a call on the queue");
	return (size_t)result;
}

static size_t send_for(struct channel *channel, const struct message *messages, size_t count,
	int64_t timeout_ns)
{
	struct magring_message *made;
	size_t sent;
	int result;

	if (count > BATCH)
		count = BATCH;
	made = make(channel, messages, count);
	if (count > 1)
		sent = moved(magring_send_batch(channel->queue, made, count, timeout_ns));
	else if ((result = magring_send(channel->queue, made, timeout_ns)) == 0)
		return 1;
	else
		sent = moved(result);
	for (size_t i = sent; i < count; i++)
		magring_message_free(&made[i]);
	return sent;
}

static size_t receive_for(struct channel *channel, struct message *ret_messages, size_t count,
	int64_t timeout_ns)
{
	struct magring_message *room = (struct magring_message *)ret_messages;
	size_t received;
	int result;

	if (count > 1)
		received = moved(magring_recv_batch(channel->queue, room,
			count < BATCH ? count : BATCH, timeout_ns));
	else if ((result = magring_recv(channel->queue, room, timeout_ns)) == 0)
		received = 1;
	else
		received = moved(result);
	take(ret_messages, received);
	return received;
}

static size_t send(void *side, const struct message *messages, size_t count)
{
	return send_for(side, messages, count, 0);
}

static size_t receive(void *side, struct message *ret_messages, size_t count)
{
	return receive_for(side, ret_messages, count, 0);
}

static size_t send_patiently(void *side, const struct message *messages, size_t count)
{
	return send_for(side, messages, count, PATIENCE_NS);
}

static size_t receive_patiently(void *side, struct message *ret_messages, size_t count)
{
	return receive_for(side, ret_messages, count, PATIENCE_NS);
}

static void end(void *queue)
{
	check(magring_queue_close(((struct channel *)queue)->queue), "magring_queue_close");
}

static void send_waiting(void *argument, const struct message *message)
{
	struct channel *channel = argument;

	check(magring_send(channel->queue, make(channel, message, 1), -1), "magring_send");
}

static void receive_waiting(void *argument, struct message *ret_message)
{
	struct channel *channel = argument;

	check(magring_recv(channel->queue, (struct magring_message *)ret_message, -1),
		"magring_recv");
	take(ret_message, 1);
}

/* A copy in a slab, or in the message itself if it is small. */
static bool send_record(void *side, const struct record *record)
{
	struct channel *channel = side;
	struct magring_message message;
	int result = magring_message_copy(channel->pool, &message, record->id, record->id_size,
		record->payload, record->payload_size, 0);

	if (result == -ENOBUFS)
		return false; /* the budget holds few large records: wait for one */
	check(result, "magring_message_copy");
	result = magring_send(channel->queue, &message, PATIENCE_NS);
	if (result == 0)
		return true;
	moved(result);
	magring_message_free(&message);
	return false;
}

_Static_assert(sizeof(struct magring_message) <= sizeof(((struct record *)0)->own),
	"a record holds on to its message");

static bool receive_record(void *side, struct record *ret_record)
{
	struct magring_message *message = (struct magring_message *)ret_record->own;
	int result = magring_recv(((struct channel *)side)->queue, message, PATIENCE_NS);

	if (result != 0)
		return moved(result) > 0;
	ret_record->id = magring_message_id(message, &ret_record->id_size);
	ret_record->payload = magring_message_payload(message, &ret_record->payload_size);
	return true;
}

static void release_record(struct record *record)
{
	magring_message_free((struct magring_message *)record->own);
}

static const struct record_calls records = { send_record, receive_record, release_record };

#define PATIENT \
	.send_patiently = send_patiently, .receive_patiently = receive_patiently, .end = end, \
	.send_waiting = send_waiting, .receive_waiting = receive_waiting

#define MAGRING(symbol, title, restriction, declared, ...) \
	static void *create_##symbol(size_t capacity, unsigned int senders, \
		unsigned int receivers) \
	{ \
		(void)senders, (void)receivers; \
		return create(capacity, declared); \
	} \
	const struct queue queue_##symbol = { .name = title, \
		.origin = "this library, by its public calls", \
		.carries = "48 bytes inside a message of 56", \
		.flags = (restriction) | QUEUE_SPARE, \
		.batch_max = BATCH, \
		.create = create_##symbol, \
		.destroy = destroy, \
		.attach = attach, \
		.detach = detach, \
		.send = send, \
		.receive = receive, \
		__VA_ARGS__ }

MAGRING(magring, "magring", 0, 0, PATIENT, .records = &records);
MAGRING(magring_one_sender, "magring, one sender", QUEUE_SINGLE_SENDER, MAGRING_SINGLE_SENDER,
	PATIENT);
MAGRING(magring_one_receiver, "magring, one receiver", QUEUE_SINGLE_RECEIVER,
	MAGRING_SINGLE_RECEIVER, PATIENT);
MAGRING(magring_one_each, "magring, one of each", QUEUE_SINGLE_SENDER | QUEUE_SINGLE_RECEIVER,
	MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER, PATIENT);
