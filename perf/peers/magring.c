/* SPDX-License-Identifier: MIT */
/*
 * magring, through its public header and its shared library as any user has it:
 * single operations, and the batch calls with 16 messages. Calls wait without
 * limit where there is nothing to do.
 */
#include "loops.h"
#include "peer.h"

#include <err.h>
#include <errno.h>
#include <magring.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>

enum { BATCH = 16 };

struct channel {
	struct magring_pool *pool;
	struct magring_queue *queue;
};

/* One thread's end of a channel. */
struct port {
	const struct channel *channel;
	size_t count; /* messages kept back */
	struct magring_message messages[BATCH];
};

static void check(int result, const char *what)
{
	if (result < 0) {
		errno = -result;
		err(2, "%s", what);
	}
}

static void *create(size_t capacity, size_t max_payload)
{
	struct magring_pool_options memory = { .size = sizeof(memory) };
	struct magring_queue_options places = { .size = sizeof(places), .capacity = capacity };
	struct channel *channel = malloc(sizeof(*channel));

	if (channel == NULL)
		err(2, "magring");
	if (max_payload > (size_t)1 << 20) { /* more than the default allows */
		memory.max_payload = max_payload;
		memory.memory_limit = 64 * max_payload;
	}
	check(magring_pool_create(&channel->pool, &memory), "magring_pool_create");
	check(magring_queue_create(&channel->queue, channel->pool, &places),
		"magring_queue_create");
	return channel;
}

static void destroy(void *argument)
{
	struct channel *channel = argument;

	check(magring_queue_release(channel->queue), "magring_queue_release");
	check(magring_pool_destroy(channel->pool), "magring_pool_destroy");
	free(channel);
}

static void close_queue(void *argument)
{
	struct channel *channel = argument;

	check(magring_queue_close(channel->queue), "magring_queue_close");
}

static double efficiency(void *argument, uint64_t bytes)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct channel *channel = argument;

	(void)bytes;
	check(magring_pool_get_stats(channel->pool, &stats), "magring_pool_stats");
	return stats.slabs_in_use == 0 ? (double)NAN : stats.efficiency;
}

static void flush(void *argument)
{
	struct port *port = argument;

	if (port->count == 0)
		return;
	check(magring_send_batch(port->channel->queue, port->messages, port->count, -1),
		"magring_send_batch");
	port->count = 0;
}

/* A copy of the record, in a slab (or in the message itself, if it is small),
 * behind the messages that are kept back. */
static ALWAYS_INLINE void make(struct port *port, const struct record *record)
{
	int result;

	while ((result = magring_message_copy(port->channel->pool, &port->messages[port->count],
			record->id, record->id_size, record->payload, record->payload_size, 0)) ==
		-ENOBUFS) {
		flush(port); /* the budget holds few large records: wait for one */
		sched_yield();
	}
	check(result, "magring_message_copy");
}

static ALWAYS_INLINE void put(void *argument, const struct record *record)
{
	struct port *port = argument;

	make(port, record);
	check(magring_send(port->channel->queue, port->messages, -1), "magring_send");
}

static ALWAYS_INLINE void put_batch(void *argument, const struct record *record)
{
	struct port *port = argument;

	make(port, record);
	if (++port->count == BATCH)
		flush(port);
}

static ALWAYS_INLINE bool take(void *argument, enum workload_kind kind, struct tally *tally)
{
	struct port *port = argument;
	struct magring_message message;
	size_t payload_size;
	size_t id_size;
	const void *id;
	const void *payload;
	int result = magring_recv(port->channel->queue, &message, -1);

	if (result == -EPIPE)
		return false;
	check(result, "magring_recv");
	id = magring_message_id(&message, &id_size);
	payload = magring_message_payload(&message, &payload_size);
	consume(kind, tally, id, id_size, payload, payload_size);
	magring_message_free(&message);
	return true;
}

static ALWAYS_INLINE bool take_batch(void *argument, enum workload_kind kind, struct tally *tally)
{
	struct port *port = argument;
	int count = magring_recv_batch(port->channel->queue, port->messages, BATCH, -1);

	if (count == -EPIPE)
		return false;
	check(count, "magring_recv_batch");
	for (int i = 0; i < count; i++) {
		struct magring_message *message = &port->messages[i];
		size_t payload_size;
		size_t id_size;
		const void *id = magring_message_id(message, &id_size);
		const void *payload = magring_message_payload(message, &payload_size);

		consume(kind, tally, id, id_size, payload, payload_size);
		magring_message_free(message);
	}
	return true;
}

static void send_single(struct worker *worker)
{
	struct port port = { .channel = worker->channel };

	send_all(worker, &port, put, flush);
}

static void receive_single(struct worker *worker)
{
	struct port port = { .channel = worker->channel };

	receive_all(worker, &port, take);
}

static void send_batch(struct worker *worker)
{
	struct port port = { .channel = worker->channel };

	send_all(worker, &port, put_batch, flush);
}

static void receive_batch(struct worker *worker)
{
	struct port port = { .channel = worker->channel };

	receive_all(worker, &port, take_batch);
}

const struct peer peer_magring = {
	.name = "magring",
	.create = create,
	.send = send_single,
	.receive = receive_single,
	.close = close_queue,
	.destroy = destroy,
	.efficiency = efficiency,
};

const struct peer peer_magring_batch = {
	.name = "magring, 16 at once",
	.create = create,
	.send = send_batch,
	.receive = receive_batch,
	.close = close_queue,
	.destroy = destroy,
	.efficiency = efficiency,
};
