/* SPDX-License-Identifier: MIT */
/*
 * The baseline: in C, what the profiled Go code did.
 *
 *	Enqueue   new DataMessage { ID string; Payload []byte }    1 allocation
 *	          copy of the id                                   1
 *	          copy of the payload                              1
 *	          pointer boxed into an interface{}                1
 *	          channel <- interface{}
 *	Dequeue   the same back; the reader lets go of all four
 *
 * The channel is bounded and holds pointers to boxes, under one mutex, with a
 * condition variable for each side, as a Go channel is under one lock. Nobody
 * signals when nobody sleeps. Where Go collects garbage, the receiver
 * frees.
 */
#include "queues/side.h"

#include <pthread.h>

/* The layouts of a Go string, slice and interface value. */
struct data_message {
	char *id;
	size_t id_size;
	char *payload;
	size_t payload_size;
	size_t payload_capacity;
};

struct box {
	const void *type;
	struct data_message *message;
};

struct channel {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	size_t capacity;
	size_t count;
	size_t first;
	size_t senders_asleep;
	size_t receivers_asleep;
	bool closed;
	struct box **boxes;
};

static const char type_of_data_message;

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct channel *channel = need_lines(sizeof(*channel), "baseline");

	(void)senders, (void)receivers;
	pthread_mutex_init(&channel->lock, NULL);
	pthread_cond_init(&channel->not_empty, NULL);
	pthread_cond_init(&channel->not_full, NULL);
	channel->capacity = capacity;
	channel->boxes = need_lines(capacity * sizeof(struct box *), "baseline");
	return channel;
}

static void destroy(void *argument)
{
	struct channel *channel = argument;

	pthread_cond_destroy(&channel->not_full);
	pthread_cond_destroy(&channel->not_empty);
	pthread_mutex_destroy(&channel->lock);
	free(channel->boxes);
	free(channel);
}

static void end(void *argument)
{
	struct channel *channel = argument;

	pthread_mutex_lock(&channel->lock);
	channel->closed = true;
	pthread_cond_broadcast(&channel->not_empty);
	pthread_mutex_unlock(&channel->lock);
}

/* False if it is full, and the call does not wait. */
static bool push(struct channel *channel, struct box *box, bool waits)
{
	bool wake;

	pthread_mutex_lock(&channel->lock);
	while (channel->count == channel->capacity) {
		if (!waits) {
			pthread_mutex_unlock(&channel->lock);
			return false;
		}
		channel->senders_asleep++;
		pthread_cond_wait(&channel->not_full, &channel->lock);
		channel->senders_asleep--;
	}
	channel->boxes[(channel->first + channel->count++) % channel->capacity] = box;
	wake = channel->receivers_asleep > 0;
	pthread_mutex_unlock(&channel->lock);
	if (wake)
		pthread_cond_signal(&channel->not_empty);
	return true;
}

/* NULL if it is empty, and the call does not wait or the channel is closed. */
static struct box *pop(struct channel *channel, bool waits)
{
	struct box *box = NULL;
	bool wake;

	pthread_mutex_lock(&channel->lock);
	while (channel->count == 0 && waits && !channel->closed) {
		channel->receivers_asleep++;
		pthread_cond_wait(&channel->not_empty, &channel->lock);
		channel->receivers_asleep--;
	}
	if (channel->count > 0) {
		box = channel->boxes[channel->first];
		channel->first = (channel->first + 1) % channel->capacity;
		channel->count--;
	}
	wake = channel->senders_asleep > 0;
	pthread_mutex_unlock(&channel->lock);
	if (wake)
		pthread_cond_signal(&channel->not_full);
	return box;
}

static void *copy(const void *bytes, size_t size)
{
	return memcpy(need(malloc(size), "baseline"), bytes, size);
}

static struct box *make(const void *id, size_t id_size, const void *payload, size_t payload_size)
{
	struct data_message *message = need(malloc(sizeof(*message)), "baseline");
	struct box *box;

	message->id = copy(id, id_size);
	message->id_size = id_size;
	message->payload = copy(payload, payload_size);
	message->payload_size = payload_size;
	message->payload_capacity = payload_size;
	box = need(malloc(sizeof(*box)), "baseline");
	box->type = &type_of_data_message;
	box->message = message;
	return box;
}

static void let_go(struct box *box)
{
	free(box->message->id);
	free(box->message->payload);
	free(box->message);
	free(box);
}

/* ------------------------------------------------------------------ records -- */

static bool send_record(void *side, const struct record *record)
{
	return push(side, make(record->id, record->id_size, record->payload, record->payload_size),
		true);
}

static bool receive_record(void *side, struct record *ret_record)
{
	struct box *box = pop(side, true);
	const struct data_message *message;

	if (box == NULL)
		return false;
	message = box->message;
	*ret_record = (struct record){
		.id = message->id,
		.id_size = message->id_size,
		.payload = message->payload,
		.payload_size = message->payload_size,
		.own = { (uintptr_t)box },
	};
	return true;
}

static void release_record(struct record *record)
{
	let_go((struct box *)(uintptr_t)record->own[0]);
}

static const struct record_calls records = { send_record, receive_record, release_record };

/* ------------------------------------------- messages: 16 bytes are the id -- */

enum { ID = 16, PAYLOAD = 32 };
_Static_assert(ID + PAYLOAD == sizeof(((struct message *)0)->words), "all words are sent");

static size_t send_one(void *side, const struct message *message, bool waits)
{
	const char *bytes = (const char *)message->words;
	struct box *box = make(bytes, ID, bytes + ID, PAYLOAD);

	if (push(side, box, waits))
		return 1;
	let_go(box);
	return 0;
}

static size_t receive_one(void *side, struct message *ret_message, bool waits)
{
	struct box *box = pop(side, waits);

	if (box == NULL)
		return 0;
	ret_message->first = 0;
	memcpy(ret_message->words, box->message->id, ID);
	memcpy(&ret_message->words[ID / sizeof(uint64_t)], box->message->payload, PAYLOAD);
	let_go(box);
	return 1;
}

static size_t send(void *side, const struct message *messages, size_t count)
{
	(void)count;
	return send_one(side, messages, false);
}

static size_t receive(void *side, struct message *ret_messages, size_t count)
{
	(void)count;
	return receive_one(side, ret_messages, false);
}

static size_t send_patiently(void *side, const struct message *messages, size_t count)
{
	(void)count;
	return send_one(side, messages, true);
}

static size_t receive_patiently(void *side, struct message *ret_messages, size_t count)
{
	(void)count;
	return receive_one(side, ret_messages, true);
}

static void send_waiting(void *side, const struct message *message)
{
	send_one(side, message, true);
}

static void receive_waiting(void *side, struct message *ret_message)
{
	receive_one(side, ret_message, true);
}

const struct queue queue_baseline = {
	.name = "baseline",
	.origin = "in C, what the profiled Go program does",
	.carries = "pointer to a box with copies of id (16 bytes) and payload (32)",
	.batch_max = 1,
	.create = create,
	.destroy = destroy,
	.attach = attach_queue,
	.detach = detach_nothing,
	.send = send,
	.receive = receive,
	.send_patiently = send_patiently,
	.receive_patiently = receive_patiently,
	.end = end,
	.send_waiting = send_waiting,
	.receive_waiting = receive_waiting,
	.records = &records,
};
