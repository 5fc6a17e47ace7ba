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
#include "loops.h"
#include "peer.h"

#include <err.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

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
	size_t heap_before; /* what malloc held before the first message */
	struct box **boxes;
};

static const char type_of_data_message;

static void *need(void *memory)
{
	if (memory == NULL)
		err(2, "baseline");
	return memory;
}

/* What glibc's allocator has taken from the system, in all its arenas. */
static size_t heap_taken(void)
{
	struct mallinfo2 heap = mallinfo2();

	return heap.arena + heap.hblkhd;
}

static void *create(size_t capacity, size_t max_payload)
{
	struct channel *channel = need(calloc(1, sizeof(*channel)));

	(void)max_payload;
	pthread_mutex_init(&channel->lock, NULL);
	pthread_cond_init(&channel->not_empty, NULL);
	pthread_cond_init(&channel->not_full, NULL);
	channel->capacity = capacity;
	channel->boxes = need(calloc(capacity, sizeof(struct box *)));
	channel->heap_before = heap_taken();
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

static void close_channel(void *argument)
{
	struct channel *channel = argument;

	pthread_mutex_lock(&channel->lock);
	channel->closed = true;
	pthread_cond_broadcast(&channel->not_empty);
	pthread_mutex_unlock(&channel->lock);
}

static double efficiency(void *argument, uint64_t bytes)
{
	struct channel *channel = argument;

	return (double)bytes / (double)(heap_taken() - channel->heap_before);
}

static void push(struct channel *channel, struct box *box)
{
	bool wake;

	pthread_mutex_lock(&channel->lock);
	while (channel->count == channel->capacity) {
		channel->senders_asleep++;
		pthread_cond_wait(&channel->not_full, &channel->lock);
		channel->senders_asleep--;
	}
	channel->boxes[(channel->first + channel->count++) % channel->capacity] = box;
	wake = channel->receivers_asleep > 0;
	pthread_mutex_unlock(&channel->lock);
	if (wake)
		pthread_cond_signal(&channel->not_empty);
}

static struct box *pop(struct channel *channel)
{
	struct box *box = NULL;
	bool wake;

	pthread_mutex_lock(&channel->lock);
	while (channel->count == 0 && !channel->closed) {
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

static ALWAYS_INLINE void put(void *port, const struct record *record)
{
	struct data_message *message = need(malloc(sizeof(*message)));
	struct box *box;

	message->id = need(malloc(record->id_size));
	memcpy(message->id, record->id, record->id_size);
	message->id_size = record->id_size;
	message->payload = need(malloc(record->payload_size));
	memcpy(message->payload, record->payload, record->payload_size);
	message->payload_size = record->payload_size;
	message->payload_capacity = record->payload_size;
	box = need(malloc(sizeof(*box)));
	box->type = &type_of_data_message;
	box->message = message;
	push(port, box);
}

static ALWAYS_INLINE void flush(void *port)
{
	(void)port;
}

static ALWAYS_INLINE bool take(void *port, enum workload_kind kind, struct tally *tally)
{
	struct box *box = pop(port);
	struct data_message *message;

	if (box == NULL)
		return false;
	if (box->type != &type_of_data_message)
		errx(2, "baseline: not a message");
	message = box->message;
	consume(kind, tally, message->id, message->id_size, message->payload,
		message->payload_size);
	free(message->id);
	free(message->payload);
	free(message);
	free(box);
	return true;
}

static void send_messages(struct worker *worker)
{
	send_all(worker, worker->channel, put, flush);
}

static void receive_messages(struct worker *worker)
{
	receive_all(worker, worker->channel, take);
}

const struct peer peer_baseline = {
	.name = "baseline",
	.create = create,
	.send = send_messages,
	.receive = receive_messages,
	.close = close_channel,
	.destroy = destroy,
	.efficiency = efficiency,
};
