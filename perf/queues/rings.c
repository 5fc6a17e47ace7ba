/* SPDX-License-Identifier: MIT */
/*
 * This library's ring alone, without pool and gates, and the plain Vyukov ring that it was
 * at first (see perf/queues/plain_ring.h). Both are compiled alike, and called, not inlined.
 */
#include "queue/ring.h"
#include "queues/plain_ring.h"
#include "queues/side.h"

#include <errno.h>

enum { BATCH = 64 };

_Static_assert(sizeof(struct message) == sizeof(struct magring_message),
	"a ring carries one as the other");

static void *made(void *ring, int result)
{
	if (result == 0)
		return ring;
	free(ring);
	errno = -result;
	return NULL;
}

static void *create_ring(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct ring *ring = need_lines(sizeof(*ring), "ring");

	(void)senders, (void)receivers;
	return made(ring, ring_init(ring, capacity, capacity - 1, 0, 0));
}

static void *create_plain(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct plain_ring *ring = need_lines(sizeof(*ring), "plain ring");

	(void)senders, (void)receivers;
	return made(ring, plain_init(ring, capacity));
}

static void destroy_ring(void *ring)
{
	ring_fini(ring);
	free(ring);
}

static void destroy_plain(void *ring)
{
	plain_fini(ring);
	free(ring);
}

/* Both have the same calls under other names. */
#define CALLS(prefix) \
	static size_t prefix##_send(void *ring, const struct message *messages, size_t count) \
	{ \
		const struct magring_message *these = (const void *)messages; \
		int result = count == 1 ? prefix##_push(ring, these) \
					: prefix##_push_batch(ring, these, count); \
\
		return result > 0 ? (size_t)result : 0; \
	} \
	static size_t prefix##_receive(void *ring, struct message *ret_messages, size_t count) \
	{ \
		struct magring_message *these = (void *)ret_messages; \
		int result = count == 1 ? prefix##_pop(ring, these) \
					: prefix##_pop_batch(ring, these, count); \
\
		return result > 0 ? (size_t)result : 0; \
	} \
	struct prefix##_takes_a_semicolon

CALLS(ring);
CALLS(plain);

const struct queue queue_ring = {
	.name = "magring ring",
	.origin = "lib/queue/ring.c, neither pool nor sleepers",
	.carries = "56 bytes",
	.batch_max = BATCH,
	.create = create_ring,
	.destroy = destroy_ring,
	.attach = attach_queue,
	.detach = detach_nothing,
	.send = ring_send,
	.receive = ring_receive,
};

const struct queue queue_plain = {
	.name = "plain Vyukov ring",
	.origin = "perf/queues/plain_ring.c",
	.carries = "56 bytes",
	.batch_max = BATCH,
	.create = create_plain,
	.destroy = destroy_plain,
	.attach = attach_queue,
	.detach = detach_nothing,
	.send = plain_send,
	.receive = plain_receive,
};
