/* SPDX-License-Identifier: MIT */
/*
 * Rings alone, without pool and gates: the library's own, and the plain one that it
 * was. Both are compiled alike, carry messages whose 48 bytes are inside, and are
 * called, not inlined.
 *
 * A ring has nobody who wakes a thread up. One that finds it full or empty looks again
 * after a pause, as often as a queue would before it yields (see lib/queue/backoff.c), and
 * then after yielding to others.
 */
#include "loops.h"
#include "peer.h"
#include "plain_ring.h"

#include <ck_pr.h>
#include <err.h>
#include <errno.h>
#include <queue/ring.h>
#include <sched.h>
#include <stdlib.h>

enum { BATCH = 16, PAUSES = 256 };

typedef int push_call(void *ring, const struct magring_message *messages, size_t count);
typedef int pop_call(void *ring, struct magring_message *ret_messages, size_t count);

/* One thread's end of a ring. The messages are elsewhere, so that the compiler sees that
 * nobody changes the rest and calls push and pop directly. */
struct port {
	void *ring;
	push_call *push;
	pop_call *pop;
	size_t batch;
	size_t count; /* messages kept back */
	struct magring_message *messages;
};

static ALWAYS_INLINE void look_away(unsigned int *looks)
{
	if (++*looks <= PAUSES)
		ck_pr_stall();
	else
		sched_yield();
}

static ALWAYS_INLINE void flush(void *argument)
{
	struct port *port = argument;
	unsigned int looks = 0;
	size_t sent = 0;

	while (sent < port->count) {
		int result = port->push(port->ring, &port->messages[sent], port->count - sent);

		if (result > 0) {
			sent += (size_t)result;
			looks = 0;
		} else {
			look_away(&looks);
		}
	}
	port->count = 0;
}

static ALWAYS_INLINE void put(void *argument, const struct record *record)
{
	struct port *port = argument;
	struct magring_message *message = &port->messages[port->count];
	char *body = (char *)message->private_body;

	if (record->id_size + record->payload_size > sizeof(message->private_body))
		errx(2, "a ring alone carries no record that large");
	message->private_header = 0;
	memcpy(body, record->id, record->id_size);
	memcpy(body + record->id_size, record->payload, record->payload_size);
	if (++port->count == port->batch)
		flush(port);
}

static ALWAYS_INLINE bool take(void *argument, enum workload_kind kind, struct tally *tally)
{
	struct port *port = argument;
	unsigned int looks = 0;
	int count;

	while ((count = port->pop(port->ring, port->messages, port->batch)) == -EAGAIN)
		look_away(&looks);
	for (int i = 0; i < count; i++) {
		const char *body = (const char *)port->messages[i].private_body;
		size_t id_size = sizeof(((struct seed_message *)0)->id);

		consume(kind, tally, body, id_size, body + id_size,
			sizeof(((struct seed_message *)0)->payload));
	}
	return count > 0;
}

static ALWAYS_INLINE void send_with(struct worker *worker, push_call *push, size_t batch)
{
	struct magring_message messages[BATCH];
	struct port port = {
		.ring = worker->channel,
		.push = push,
		.batch = batch,
		.messages = messages,
	};

	send_all(worker, &port, put, flush);
}

static ALWAYS_INLINE void receive_with(struct worker *worker, pop_call *pop, size_t batch)
{
	struct magring_message messages[BATCH];
	struct port port = {
		.ring = worker->channel,
		.pop = pop,
		.batch = batch,
		.messages = messages,
	};

	receive_all(worker, &port, take);
}

/* Memory for a ring, and whether it could be made in there. */
static void *need(size_t size)
{
	void *ring = aligned_alloc(128, size);

	if (ring == NULL)
		err(2, "a ring");
	return ring;
}

static void check(int result)
{
	if (result != 0) {
		errno = -result;
		err(2, "a ring");
	}
}

static void *create_ring(size_t capacity, size_t max_payload)
{
	struct ring *ring = need(sizeof(*ring));

	(void)max_payload;
	check(ring_init(ring, capacity, capacity - 1, 0, 0));
	return ring;
}

static struct questions ring_questions(void *ring)
{
	struct ring_counts counts = ring_counts(ring);

	return (struct questions){ counts.challenged, counts.quarantined };
}

static void *create_plain(size_t capacity, size_t max_payload)
{
	struct plain_ring *ring = need(sizeof(*ring));

	(void)max_payload;
	check(plain_init(ring, capacity));
	return ring;
}

/* Both rings have the same calls under other names: the peers that use them. */
#define PEERS(prefix, title, create_call, questions_call) \
	static int prefix##_push_one(void *ring, const struct magring_message *message, \
		size_t one) \
	{ \
		(void)one; \
		return prefix##_push(ring, message); \
	} \
	static int prefix##_push_many(void *ring, const struct magring_message *messages, \
		size_t count) \
	{ \
		return prefix##_push_batch(ring, messages, count); \
	} \
	static int prefix##_pop_one(void *ring, struct magring_message *ret_message, size_t one) \
	{ \
		(void)one; \
		return prefix##_pop(ring, ret_message); \
	} \
	static int prefix##_pop_many(void *ring, struct magring_message *ret_messages, \
		size_t count) \
	{ \
		return prefix##_pop_batch(ring, ret_messages, count); \
	} \
	static void prefix##_send_single(struct worker *worker) \
	{ \
		send_with(worker, prefix##_push_one, 1); \
	} \
	static void prefix##_receive_single(struct worker *worker) \
	{ \
		receive_with(worker, prefix##_pop_one, 1); \
	} \
	static void prefix##_send_batch(struct worker *worker) \
	{ \
		send_with(worker, prefix##_push_many, BATCH); \
	} \
	static void prefix##_receive_batch(struct worker *worker) \
	{ \
		receive_with(worker, prefix##_pop_many, BATCH); \
	} \
	static void prefix##_close_it(void *ring) \
	{ \
		prefix##_close(ring); \
	} \
	static void prefix##_destroy(void *ring) \
	{ \
		prefix##_fini(ring); \
		free(ring); \
	} \
	const struct peer peer_##prefix##_single = { \
		.name = title, \
		.create = create_call, \
		.send = prefix##_send_single, \
		.receive = prefix##_receive_single, \
		.close = prefix##_close_it, \
		.destroy = prefix##_destroy, \
		.questions = questions_call, \
	}; \
	const struct peer peer_##prefix##_batch = { \
		.name = title, \
		.create = create_call, \
		.send = prefix##_send_batch, \
		.receive = prefix##_receive_batch, \
		.close = prefix##_close_it, \
		.destroy = prefix##_destroy, \
		.questions = questions_call, \
	}

PEERS(ring, "ring", create_ring, ring_questions);
PEERS(plain, "plain ring", create_plain, NULL);
