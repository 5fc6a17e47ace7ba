/* SPDX-License-Identifier: MIT */
/*
 * Wake-ups that have to be passed on. First all sleepers of a side sleep. Then
 * others bring something for each of them.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"

#include <errno.h>

static struct magring_queue *queue;
static size_t batch;       /* of those that bring */
static unsigned int limit; /* the first so many sleepers have a deadline */

static int64_t timeout(void)
{
	return sched_self() <= limit ? 5000 : -1;
}

static void receive_one(void *unused)
{
	(void)unused;
	history_recv_batch(1, timeout());
}

static void receive_single(void *unused)
{
	(void)unused;
	history_recv(timeout());
}

static void send_one(void *unused)
{
	(void)unused;
	history_send_batch(1, timeout());
}

static void send_single(void *unused)
{
	(void)unused;
	history_send(timeout());
}

static void bring_messages(void *unused)
{
	(void)unused;
	history_send_batch(batch, 0);
}

static void bring_room(void *unused)
{
	(void)unused;
	history_recv_batch(batch, 0);
}

static void cancel_first(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(40));
	sched_cancel(1);
}

static void make(size_t capacity, bool full)
{
	queue = checks_queue(capacity, 0, false);
	history_begin(queue);
	checks_sleep_at_once(queue);
	if (full)
		sched_require(history_send_batch(2 * capacity, 0) == 2 * (int)capacity,
			"twice the capacity does not fit");
}

static void sleep_all(unsigned int count, void (*sleeper)(void *))
{
	for (unsigned int i = 0; i < count; i++)
		sched_spawn("sleeper", sleeper, NULL);
	if (limit == 0)
		sched_wait();
}

static void end(void)
{
	sched_wait();
	checks_sleepers(queue);
	history_close();
	sched_wait();
	checks_end(queue);
}

/* ---------------------------------------------------------------- receivers -- */

static void run_messages_passed_on(void)
{
	unsigned int sleepers = 2 + sched_choose(2);
	make(4, false);
	batch = sleepers;
	sleep_all(sleepers, sched_choose(2) == 0 ? receive_one : receive_single);
	sched_spawn("sender", bring_messages, NULL);
	end();
}

static void run_messages_one_each(void)
{
	make(4, false);
	batch = 1;
	sleep_all(3, sched_choose(2) == 0 ? receive_one : receive_single);
	for (int i = 0; i < 3; i++)
		sched_spawn("sender", bring_messages, NULL);
	end();
}

static void run_messages_or_deadline(void)
{
	make(4, false);
	batch = 1;
	limit = 1 + sched_choose(2);
	sleep_all(limit + 1, sched_choose(2) == 0 ? receive_one : receive_single);
	for (unsigned int i = 0; i <= sched_choose(2); i++)
		sched_spawn("sender", bring_messages, NULL);
	end();
}

static void run_messages_or_cancel(void)
{
	make(4, false);
	batch = 1;
	sleep_all(2, receive_single);
	sched_spawn("sender", bring_messages, NULL);
	sched_spawn("canceller", cancel_first, NULL);
	end();
}

/* ------------------------------------------------------------------ senders -- */

static void run_room_passed_on(void)
{
	unsigned int sleepers = 2 + sched_choose(2);
	make(2, true);
	batch = sleepers;
	sleep_all(sleepers, sched_choose(2) == 0 ? send_one : send_single);
	sched_spawn("receiver", bring_room, NULL);
	end();
}

static void run_room_one_each(void)
{
	make(2, true);
	batch = 1;
	sleep_all(3, sched_choose(2) == 0 ? send_one : send_single);
	for (int i = 0; i < 3; i++)
		sched_spawn("receiver", bring_room, NULL);
	end();
}

static void run_room_or_deadline(void)
{
	make(2, true);
	batch = 1;
	limit = 1 + sched_choose(2);
	sleep_all(limit + 1, sched_choose(2) == 0 ? send_one : send_single);
	sched_spawn("receiver", bring_room, NULL);
	end();
}

static void run_room_or_cancel(void)
{
	make(2, true);
	batch = 1;
	sleep_all(2, send_single);
	sched_spawn("receiver", bring_room, NULL);
	sched_spawn("canceller", cancel_first, NULL);
	end();
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		SCHED_MAY_INTERRUPT };

PROGRAM(messages_passed_on, "a batch for several receivers that sleep")
PROGRAM(messages_one_each, "three senders and three receivers that sleep")
PROGRAM(messages_or_deadline, "a wake-up meets a receiver whose time is over")
PROGRAM(messages_or_cancel, "a wake-up meets a receiver that is cancelled")
PROGRAM(room_passed_on, "room for several senders that sleep")
PROGRAM(room_one_each, "three receivers and three senders that sleep")
PROGRAM(room_or_deadline, "a wake-up meets a sender whose time is over")
PROGRAM(room_or_cancel, "a wake-up meets a sender that is cancelled")

const struct sched_program *const wake_programs[] = { &program_messages_passed_on,
	&program_messages_one_each, &program_messages_or_deadline, &program_messages_or_cancel,
	&program_room_passed_on, &program_room_one_each, &program_room_or_deadline,
	&program_room_or_cancel, NULL };
