/* SPDX-License-Identifier: MIT */
/*
 * A sandbox that refuses the clock: clock_gettime() is the program's own. Waits
 * with a limit end at once, and all others are what they are.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "magring.h"

#define HOUR_NS ((int64_t)3600 * 1000000000)

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

static bool was_asked;

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	(void)clock;
	was_asked = true;
	memset(ret_time, 0x55, sizeof(*ret_time));
	errno = EPERM;
	return -1;
}

static struct magring_queue *queue;

static void *receive(void *unused)
{
	struct magring_message message;
	REQUIRE(magring_recv(queue, &message, -1) == 0);
	magring_message_free(&message);
	return unused;
}

int main(void)
{
	struct magring_pool_options options = { .size = sizeof(options), .memory_limit = 4096 };
	struct magring_pool *pool;
	struct magring_message message, more[8];
	pthread_t receiver;
	int got = 0;
	alarm(60);
	REQUIRE(was_asked); /* at load */
	REQUIRE(magring_pool_create(&pool, &options) == 0);
	REQUIRE(magring_queue_create(&queue, pool, NULL) == 0);
	REQUIRE(magring_recv(queue, &message, HOUR_NS) == -ETIMEDOUT);
	REQUIRE(magring_recv_batch(queue, &message, 1, HOUR_NS) == -ETIMEDOUT);
	while (got < 8 && magring_message_alloc(pool, &more[got], NULL, 0, 1000, HOUR_NS) == 0)
		got++;
	REQUIRE(got > 0 && got < 8);
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, HOUR_NS) == -ETIMEDOUT);

	/* With a message, or room, there is nothing to wait for. */
	REQUIRE(pthread_create(&receiver, NULL, receive, NULL) == 0);
	usleep(50000); /* asleep */
	REQUIRE(magring_send(queue, &more[--got], HOUR_NS) == 0);
	pthread_join(receiver, NULL);
	while (got > 0)
		magring_message_free(&more[--got]);
	REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	return magring_pool_destroy(pool) != 0;
}
