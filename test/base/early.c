/* SPDX-License-Identifier: MIT */
/*
 * A program's constructor of the first priority uses pools and queues before any
 * constructor of the library has run, as the library is linked statically. What
 * such a queue is must be what a queue is that main() creates.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/queue.h"

static struct magring_pool *pool;
static struct magring_queue *early;
static bool library_was_first; /* then this test says nothing */

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "early: %s\n", what);
	exit(1);
}

static struct magring_queue *create_queue(void)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.flags = MAGRING_SINGLE_SENDER };
	struct magring_queue *queue;
	require(magring_queue_create(&queue, pool, &options) == 0, "no queue");
	return queue;
}

static void send_and_receive(struct magring_queue *queue)
{
	struct magring_message message, received;
	require(magring_message_alloc(pool, &message, "id", 2, 1000, 0) == 0, "no message");
	require(magring_send(queue, &message, 0) == 0, "no send");
	require(magring_recv(queue, &received, 0) == 0, "no receive");
	magring_message_free(&received);
}

static bool are_forks_noticed(void)
{
	unsigned int generation = queues_without_pool.generation;
	int status = -1;
	pid_t child = fork();
	if (child == 0)
		_exit(queues_without_pool.generation == generation + 1);
	require(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "no child");
	return WEXITSTATUS(status);
}

static __attribute__((constructor(101))) void use_library(void)
{
	library_was_first = are_forks_noticed();
	require(magring_pool_create(&pool, NULL) == 0, "no pool");
	early = create_queue();
	require(are_forks_noticed(), "forks go unnoticed");
	send_and_receive(early);
}

int main(void)
{
	struct magring_queue *late = create_queue();
	require(!library_was_first, "the library's constructors came first");
	/* Without this the early queue takes every thread for challenged. */
	require(early->ring.challenges == late->ring.challenges, "other challenges");
	require(early->ring.challenges == !fence_asymmetric, "challenges without membarrier alone");
	require(early->ring.flags == late->ring.flags, "other flags");
	require(early->ring.push == late->ring.push && early->ring.pop == late->ring.pop,
		"other calls");
	send_and_receive(early);
	require(thread_cache_at_hand(&pool->registry) != NULL, "no cache for this thread");
	require(magring_queue_release(early) == 0 && magring_queue_release(late) == 0, "queues");
	require(magring_pool_destroy(pool) == 0, "a pool in use");
	return 0;
}
