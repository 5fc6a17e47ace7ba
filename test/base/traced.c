/* SPDX-License-Identifier: MIT */
/*
 * traced: come to every tracepoint, and print what it tells, for tracepoints_test.py. Each
 * line has the tracepoint, the number of its arguments, and the name that it gives. The
 * queue is "the-queue", and the pool "the-pool".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sdt.h>

#include "queue/queue.h"

#define SLAB 4096
#define LIMIT (256 * SLAB)
#define CAPACITY 2
#define MS 1000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void traced(const char *tracepoint, int arguments, const char *name)
{
	pthread_mutex_lock(&lock);
	printf("%s %d %s\n", tracepoint, arguments, name != NULL ? name : "(none)");
	pthread_mutex_unlock(&lock);
}

static void check(int line, int result, int wanted)
{
	if (result == wanted)
		return;
	fprintf(stderr, "line %d: %d, not %d\n", line, result, wanted);
	exit(1);
}
#define CHECK(call, wanted) check(__LINE__, call, wanted)

/* A thread that waits for the message that main() sends. */
static void *receive_one(void *queue)
{
	struct magring_message message;
	CHECK(magring_recv(queue, &message, -1), 0);
	magring_message_free(&message);
	return NULL;
}

static void wake_one(struct magring_queue *queue, struct magring_message *message)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, receive_one, queue), 0);
	do
		CHECK(magring_queue_get_stats(queue, &stats), 0);
	while (stats.parked == 0);
	CHECK(magring_send(queue, message, 0), 0);
	CHECK(pthread_join(thread, NULL), 0);
}

/* A sender that stopped after its claim is in the way of the next message. */
static void skip_one(struct magring_queue *queue, struct magring_message *message)
{
	atomic_fetch_add(&queue->ring.tail, 1);
	CHECK(magring_send(queue, message, 0), 0);
	CHECK(magring_recv(queue, message, 0), 0);
}

/* As many slabs as there are, of one class and then of another. */
static void use_up(struct magring_pool *pool)
{
	static struct magring_message messages[LIMIT / SLAB + 1];
	for (size_t size = SLAB / 2; size <= SLAB; size *= 2) {
		size_t count = 0;
		while (count < LIMIT / SLAB &&
			magring_message_alloc(pool, &messages[count], NULL, 0, size, 0) == 0)
			count++;
		(void)!magring_message_alloc(pool, &messages[count], NULL, 0, SLAB, 0);
		for (size_t i = 0; i <= count; i++)
			magring_message_free(&messages[i]);
	}
}

int main(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message, more[8] = { 0 };
	CHECK(magring_pool_create(&pool,
		      &(struct magring_pool_options){ .size = sizeof(struct magring_pool_options),
			      .memory_limit = LIMIT,
			      .name = "the-pool" }),
		0);
	CHECK(magring_queue_create(&queue, pool,
		      &(struct magring_queue_options){ .size = sizeof(struct magring_queue_options),
			      .capacity = CAPACITY,
			      .name = "the-queue" }),
		0);
	CHECK(magring_recv(queue, &message, 0), -EAGAIN);
	CHECK(magring_message_copy(pool, &message, NULL, 0, "x", 1, 0), 0);
	wake_one(queue, &message);
	CHECK(magring_message_copy(pool, &message, NULL, 0, "x", 1, 0), 0);
	skip_one(queue, &message);
	for (int i = 0; i < 8; i++)
		CHECK(magring_message_copy(pool, &more[i], NULL, 0, "x", 1, 0), 0);
	int sent = magring_send_batch(queue, more, 8, MS);
	CHECK(sent > 0 && sent < 8, true);
	CHECK(magring_recv_batch(queue, more, 8, 0) > 0, true);
	use_up(pool);
	CHECK(magring_pool_trim(pool, 0, NULL), 0);
	CHECK(magring_queue_release(queue), 0);
	CHECK(magring_pool_destroy(pool), 0);
	return 0;
}
