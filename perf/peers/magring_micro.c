/* SPDX-License-Identifier: MIT */
/*
 * magring on one thread: a slab taken and given back, a small message sent and
 * received. Through the public header and the shared library, as in magring.c.
 */
#include "peer.h"

#include <err.h>
#include <errno.h>
#include <magring.h>
#include <stdlib.h>
#include <string.h>

struct bench {
	struct magring_pool *pool;
	struct magring_queue *queue;
	size_t size;
};

static void check(int result, const char *what)
{
	if (result < 0) {
		errno = -result;
		err(2, "%s", what);
	}
}

static void *create(size_t size)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (bench == NULL)
		err(2, "magring");
	bench->size = size;
	check(magring_pool_create(&bench->pool, NULL), "magring_pool_create");
	return bench;
}

static void destroy(void *state)
{
	struct bench *bench = state;

	if (bench->queue != NULL)
		check(magring_queue_release(bench->queue), "magring_queue_release");
	check(magring_pool_destroy(bench->pool), "magring_pool_destroy");
	free(bench);
}

static void alloc(void *state, size_t times)
{
	struct bench *bench = state;
	struct magring_pool *pool = bench->pool;
	size_t size = bench->size;
	struct magring_message message;

	for (size_t i = 0; i < times; i++) {
		if (magring_message_alloc(pool, &message, NULL, 0, size, 0) != 0)
			errx(2, "magring_message_alloc");
		magring_message_free(&message);
	}
}

static void *create_queue(size_t capacity)
{
	struct magring_queue_options places = { .size = sizeof(places), .capacity = capacity };
	struct bench *bench = create(0);

	check(magring_queue_create(&bench->queue, bench->pool, &places), "magring_queue_create");
	return bench;
}

static void pair(void *state, size_t times)
{
	static const char payload[32];
	static const char id[16];
	struct bench *bench = state;
	struct magring_queue *queue = bench->queue;
	struct magring_message message;

	check(magring_message_copy(bench->pool, &message, id, sizeof(id), payload, sizeof(payload),
		      0),
		"magring_message_copy");
	for (size_t i = 0; i < times; i++)
		if (magring_send(queue, &message, 0) != 0 || magring_recv(queue, &message, 0) != 0)
			errx(2, "magring_send, magring_recv");
	magring_message_free(&message);
}

const struct micro micro_magring_alloc = {
	.name = "magring",
	.create = create,
	.run = alloc,
	.destroy = destroy,
};

const struct micro micro_magring_pair = {
	.name = "magring",
	.create = create_queue,
	.run = pair,
	.destroy = destroy,
};
