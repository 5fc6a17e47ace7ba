/* SPDX-License-Identifier: MIT */
/*
 * monitored: a server's pool and queues, for monitoring_test.py. It answers each line on its
 * input, the flags of magring_write_metrics(), with the size of the text and the text. Before
 * an answer there is traffic, so that counts grow from one to the next.
 *
 * The queue "orders" has 5 messages then, "closed" has 1 and is closed, and "replies" has no
 * pool. The pool "server" has 2 slabs in use.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "magring.h"

#define LIMIT (1 << 20)
#define CAPACITY 8
#define LEFT 5
#define BIG 65536
#define PAYLOAD 1000

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

static struct magring_pool *pool;
static struct magring_queue *orders, *replies, *closed;

static struct magring_queue *create(struct magring_pool *of, const char *name)
{
	struct magring_queue *queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = CAPACITY,
		.name = name };
	REQUIRE(magring_queue_create(&queue, of, &options) == 0);
	return queue;
}

static void send_one(struct magring_queue *queue, size_t payload)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, payload, 0) == 0);
	REQUIRE(magring_send(queue, &message, 0) == 0);
}

static void set_up(void)
{
	struct magring_message message;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = LIMIT,
		.name = "server" };
	REQUIRE(magring_pool_create(&pool, &options) == 0);
	orders = create(pool, "orders");
	replies = create(NULL, "replies");
	closed = create(pool, "closed");
	send_one(closed, PAYLOAD);
	REQUIRE(magring_queue_close(closed) == 0);
	REQUIRE(magring_recv(replies, &message, 0) == -EAGAIN);
	/* It is held, and so never freed. */
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, PAYLOAD, 0) == 0);
}

static void turn_over_orders(void)
{
	struct magring_message message;
	while (magring_recv(orders, &message, 0) == 0)
		magring_message_free(&message);
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 10, 0) == 0);
	while (magring_send(orders, &message, 0) == 0)
		REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 10, 0) == 0);
	magring_message_free(&message);
	while (magring_queue_size(orders) > LEFT) {
		REQUIRE(magring_recv(orders, &message, 0) == 0);
		magring_message_free(&message);
	}
}

static void use_up_the_pool(void)
{
	struct magring_message messages[LIMIT / BIG + 1] = { 0 };
	size_t count = 0;
	while (magring_message_alloc(pool, &messages[count], NULL, 0, BIG - 1, 0) == 0)
		REQUIRE(++count <= LIMIT / BIG);
	while (count > 0)
		magring_message_free(&messages[--count]);
	REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
}

static void answer(uint64_t flags)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	REQUIRE(stream != NULL && magring_write_metrics(stream, flags) == 0 && fclose(stream) == 0);
	printf("%zu\n", size);
	REQUIRE(fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0);
	free(text);
}

int main(void)
{
	unsigned int flags;
	set_up();
	while (scanf("%u", &flags) == 1) {
		turn_over_orders();
		use_up_the_pool();
		answer(flags);
	}
	/* What it holds still lies in its pool. */
	return 0;
}
