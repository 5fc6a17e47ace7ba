/* SPDX-License-Identifier: MIT */
/*
 * Two or three threads with one call or two each, few enough for all schedules
 * with two or three deviations. They choose nothing.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"

#include <stddef.h>

#include "magring.h"

static struct magring_queue *queue;

static void send_try(void *unused)
{
	(void)unused;
	history_send(0);
}

static void send_wait(void *unused)
{
	(void)unused;
	history_send(-1);
}

static void send_twice(void *unused)
{
	(void)unused;
	history_send(0);
	history_send(0);
}

static void send_two(void *unused)
{
	(void)unused;
	history_send_batch(2, 0);
}

static void recv_try(void *unused)
{
	(void)unused;
	history_recv(0);
}

static void recv_wait(void *unused)
{
	(void)unused;
	history_recv(-1);
}

static void recv_twice(void *unused)
{
	(void)unused;
	history_recv(0);
	history_recv(0);
}

static void recv_two(void *unused)
{
	(void)unused;
	history_recv_batch(2, 0);
}

static void close_now(void *unused)
{
	(void)unused;
	history_close();
}

static void poll_once(void *unused)
{
	(void)unused;
	int fd = magring_queue_recv_fd(queue);
	sched_require(fd >= 0, "no descriptor: %d", fd);
	for (int i = 0; i < 3 && history_recv(0) < 0; i++)
		sched_poll(fd);
}

static void run_threads(size_t capacity, uint64_t flags, unsigned int sent, unsigned int count,
	void (*const *threads)(void *))
{
	queue = checks_queue(capacity, flags, false);
	history_begin(queue);
	checks_sleep_at_once(queue);
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
	for (unsigned int i = 0; i < count; i++)
		sched_spawn("thread", threads[i], NULL);
	sched_wait();
	checks_sleepers(queue);
	history_close();
	sched_wait();
	checks_end(queue);
}

/* A program: a queue for two, with so many messages, and these threads. */
#define SMALL(symbol, about, capacity, flags, sent, ...) \
	static void run_##symbol(void) \
	{ \
		static void (*const threads[])(void *) = { __VA_ARGS__ }; \
		run_threads(capacity, flags, sent, sizeof(threads) / sizeof(threads[0]), threads); \
	} \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		SCHED_SMALL };

#define BOTH (MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER)

SMALL(small_pair, "small: one sends and one receives", 2, 0, 0, send_twice, recv_twice)
SMALL(small_senders, "small: two send and one receives", 2, 0, 0, send_try, send_try, recv_twice)
SMALL(small_receivers, "small: one sends and two receive", 2, 0, 1, send_try, recv_try, recv_try)
SMALL(small_batch, "small: batches of two", 4, 0, 1, send_two, recv_two)
SMALL(small_batches, "small: two batches and single receives", 4, 0, 0, send_two, send_two,
	recv_twice)
SMALL(small_park, "small: a receiver sleeps", 2, 0, 0, recv_wait, send_try)
SMALL(small_park_sender, "small: a sender sleeps", 2, 0, 4, send_wait, recv_try)
SMALL(small_full, "small: at a full queue", 2, 0, 3, send_try, send_try, recv_try)
SMALL(small_close, "small: close beside a send and a receive", 2, 0, 0, send_try, recv_wait,
	close_now)
SMALL(small_close_exclusive, "small: the same with exclusive sides", 2, BOTH, 0, send_twice,
	recv_twice, close_now)
SMALL(small_exclusive, "small: exclusive sides", 2, BOTH, 1, send_twice, recv_twice)
SMALL(small_poll, "small: a descriptor", 2, 0, 0, poll_once, send_try)
SMALL(small_recovery, "small: a sender in the way of two receives", 2, 0, 0, send_try, send_twice,
	recv_twice)
SMALL(small_recovery_receiver, "small: a receiver in the way of senders", 2, 0, 4, recv_try,
	recv_try, send_twice)

const struct sched_program *const small_programs[] = { &program_small_pair, &program_small_senders,
	&program_small_receivers, &program_small_batch, &program_small_batches, &program_small_park,
	&program_small_park_sender, &program_small_full, &program_small_close,
	&program_small_close_exclusive, &program_small_exclusive, &program_small_poll,
	&program_small_recovery, &program_small_recovery_receiver, NULL };
