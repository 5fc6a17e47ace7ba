/* SPDX-License-Identifier: MIT */
/*
 * A process ends while messages point to objects of the program's, as C or C++:
 * leaks WAY. That is no leak, but for objects that are lost.
 *
 *	inside  messages in a queue, with the pointer inside, and an odd id
 *	slab    messages in a queue, with a slab
 *	small   as slab, and the queue's memory is malloc's
 *	held    a message that a variable holds, with a slab
 *	trim    as slab, and the pool was trimmed
 *	lost    as slab; one more object has nothing that points to it
 */
#include <magring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), abort()))

static struct magring_pool *pool;
static struct magring_queue *queue;
static struct magring_message held;
static char *volatile lost;

static __attribute__((noinline)) void make(struct magring_message *message, size_t size)
{
	void *object = malloc(100);
	REQUIRE(object != NULL);
	int rc = magring_message_alloc(pool, message, "odd", 3, size, 0);
	REQUIRE(rc == 0);
	memcpy(magring_message_payload(message, NULL), &object, sizeof(object));
}

static __attribute__((noinline)) void fill(size_t size)
{
	struct magring_message message;
	for (int i = 0; i < 10; i++) {
		make(&message, size);
		REQUIRE(magring_send(queue, &message, 0) == 0);
	}
	memset(&message, 0, sizeof(message));
}

/* What earlier calls left there points to objects. */
static __attribute__((noinline)) void clear_stack(void)
{
	volatile char bytes[4096];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

int main(int argc, char **argv)
{
	REQUIRE(argc == 2);
	const char *way = argv[1];
	struct magring_queue_options options;
	REQUIRE(magring_pool_create(&pool, NULL) == 0);
	memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.capacity = strcmp(way, "small") == 0 ? 16 : 4096;
	REQUIRE(magring_queue_create(&queue, pool, &options) == 0);
	if (strcmp(way, "held") == 0)
		make(&held, 200);
	else
		fill(strcmp(way, "inside") == 0 ? sizeof(void *) : 200);
	if (strcmp(way, "trim") == 0)
		REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
	if (strcmp(way, "lost") == 0) {
		lost = (char *)malloc(1234);
		lost = NULL;
	}
	clear_stack();
	return 0;
}
