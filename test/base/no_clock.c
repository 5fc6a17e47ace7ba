/* SPDX-License-Identifier: MIT */
/*
 * A sandbox that refuses the clock: clock_gettime() is the program's own. Waits
 * with a limit end at once, and all others are what they are: those that the
 * library limits itself, to try again, as well.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/eventcount.h"
#include "magring.h"
#include "require.h"

#define HOUR_NS ((int64_t)3600 * 1000000000)

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

/* The kernel's own. */
static int64_t kernel_ns(void)
{
	struct timespec now;
	REQUIRE(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* As an allocation without limit does that is to try again unasked. */
static void check_retry(void)
{
	const int64_t retry_ns = 20000000;
	struct eventcount eventcount;
	eventcount_init(&eventcount);
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	int64_t begin_ns = kernel_ns();
	eventcount_commit_wait(&eventcount, ticket, clock_now() + retry_ns);
	REQUIRE(kernel_ns() - begin_ns >= retry_ns);
	eventcount_cancel_wait(&eventcount);
	eventcount_fini(&eventcount);
}

/* A new signal, for a poller with EPOLLET. */
static bool is_signalled(int epoll)
{
	struct epoll_event event;
	return epoll_wait(epoll, &event, 1, 0) == 1;
}

/* Nothing says how long ago the signal was passed on, so each receive does it. */
static void check_descriptor(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct magring_message message;
	int epoll = epoll_create1(0), fd = magring_queue_recv_fd(queue);
	REQUIRE(epoll >= 0 && fd >= 0);
	REQUIRE(magring_recv(queue, &message, 0) == -EAGAIN); /* arms */
	REQUIRE(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 && !is_signalled(epoll));
	for (int i = 0; i < 4; i++) {
		REQUIRE(magring_message_alloc(NULL, &message, "id", 2, 0, 0) == 0);
		REQUIRE(magring_send(queue, &message, 0) == 0);
	}
	REQUIRE(is_signalled(epoll));
	for (int i = 0; i < 3; i++) {
		REQUIRE(!is_signalled(epoll));
		REQUIRE(magring_recv(queue, &message, 0) == 0);
		REQUIRE(is_signalled(epoll));
	}
	REQUIRE(magring_recv(queue, &message, 0) == 0);
	close(epoll);
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
	REQUIRE(clock_now() == CLOCK_REFUSED && clock_coarse() == CLOCK_REFUSED);
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
	check_retry();
	check_descriptor();
	REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	return magring_pool_destroy(pool) != 0;
}
