/* SPDX-License-Identifier: MIT */
/*
 * How much stack calls need: each runs on a thread whose stack was filled with
 * a pattern before. What a thread needs that does nothing is taken off. The
 * header promises STACK_MAX.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <magring.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), exit(2)))

enum { STACK_MAX = 8192, STACK = 65536, PATTERN = 0xa5, GROUPS = 30 };

static struct magring_pool *pool;
static struct magring_queue *queue;
static FILE *null;

static void nothing(void) {}

static void alloc_and_free(void)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(pool, &message, "a", 1, 1000, -1) == 0);
	magring_message_free(&message);
}

static void send_and_receive(void)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(pool, &message, "a", 1, 1000, -1) == 0);
	REQUIRE(magring_send(queue, &message, -1) == 0);
	REQUIRE(magring_recv(queue, &message, -1) == 0);
	magring_message_free(&message);
}

static void send_and_receive_batches(void)
{
	static struct magring_message messages[200];
	for (int i = 0; i < 200; i++)
		REQUIRE(magring_message_copy(NULL, &messages[i], "a", 1, "b", 1, 0) == 0);
	REQUIRE(magring_send_batch(queue, messages, 200, -1) == 200);
	REQUIRE(magring_recv_batch(queue, messages, 200, -1) > 0);
	while (magring_recv(queue, messages, 0) == 0)
		;
}

static void receive_in_vain(void)
{
	struct magring_message message;
	REQUIRE(magring_recv(queue, &message, 1000000) == -ETIMEDOUT);
}

static void get_statistics(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct magring_queue_stats queue_stats = { .size = sizeof(queue_stats) };
	REQUIRE(magring_pool_get_stats(pool, &stats) == 0);
	REQUIRE(magring_queue_get_stats(queue, &queue_stats) == 0);
}

static void trim(void)
{
	REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
}

static void flush(void)
{
	alloc_and_free();
	magring_pool_flush_thread(pool);
}

static void write_metrics(void)
{
	REQUIRE(magring_write_metrics(null, 0) == 0);
	REQUIRE(magring_pool_write_metrics(pool, null) == 0);
}

static void write_profile(void)
{
	REQUIRE(magring_pool_write_profile(pool, null) == 0);
}

static void write_leaks(void)
{
	REQUIRE(magring_pool_write_leaks(pool, null) == 0);
}

static void create_and_destroy_pool(void)
{
	struct magring_pool *other;
	REQUIRE(magring_pool_create(&other, NULL) == 0);
	REQUIRE(magring_pool_destroy(other) == 0);
}

static void create_and_release_queue(void)
{
	struct magring_queue *other;
	REQUIRE(magring_queue_create(&other, pool, NULL) == 0);
	REQUIRE(magring_queue_close(other) == 0);
	REQUIRE(magring_queue_release(other) == 0);
}

static void ask_for_descriptor(void)
{
	REQUIRE(magring_queue_recv_fd(queue) >= 0);
	REQUIRE(magring_queue_send_fd(queue) >= 0);
}

static const struct program {
	const char *name;
	void (*run)(void);
} programs[] = {
	{ "nothing", nothing },
	{ "alloc, free", alloc_and_free },
	{ "send, receive", send_and_receive },
	{ "batches", send_and_receive_batches },
	{ "receive in vain", receive_in_vain },
	{ "statistics", get_statistics },
	{ "trim", trim },
	{ "flush", flush },
	{ "metrics", write_metrics },
	{ "profile", write_profile },
	{ "leaks", write_leaks },
	{ "create, destroy", create_and_destroy_pool },
	{ "create, release", create_and_release_queue },
	{ "descriptors", ask_for_descriptor },
};

static void *body(void *program)
{
	((const struct program *)program)->run();
	return NULL;
}

static size_t stack_of(const struct program *program)
{
	pthread_t thread;
	pthread_attr_t attributes;
	unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	REQUIRE(stack != MAP_FAILED);
	memset(stack, PATTERN, STACK);
	pthread_attr_init(&attributes);
	errno = pthread_attr_setstack(&attributes, stack, STACK);
	REQUIRE(errno == 0);
	errno = pthread_create(&thread, &attributes, body, (void *)(size_t)program);
	REQUIRE(errno == 0);
	pthread_join(thread, NULL);
	size_t unused = 0;
	while (unused < STACK && stack[unused] == PATTERN)
		unused++;
	munmap(stack, STACK);
	return STACK - unused;
}

int main(void)
{
	static struct magring_message messages[GROUPS];
	struct magring_pool_options options = { .size = sizeof(options), .sample_bytes = 1 };
	int failed = 0;
	null = fopen("/dev/null", "w");
	REQUIRE(null != NULL);
	if (magring_pool_create(&pool, &options) == -ENOTSUP)
		options.sample_bytes = 0, REQUIRE(magring_pool_create(&pool, &options) == 0);
	REQUIRE(magring_queue_create(&queue, pool, NULL) == 0);
	/* More groups than a report shows: one for each size class. */
	for (size_t i = 0, size = 64; i < GROUPS; i++, size += size / 4)
		REQUIRE(magring_message_alloc(pool, &messages[i], "abc", 3, size, 0) == 0);
	size_t least = stack_of(&programs[0]);
	for (size_t i = 1; i < sizeof(programs) / sizeof(programs[0]); i++) {
		size_t bytes = stack_of(&programs[i]);
		bytes = bytes > least ? bytes - least : 0;
		printf("%s: %s needs %zu bytes\n", bytes <= STACK_MAX ? "ok" : "NOT OK",
			programs[i].name, bytes);
		failed += bytes > STACK_MAX;
	}
	return failed > 0;
}
