/* SPDX-License-Identifier: MIT */
/*
 * Calls that may answer "not now": magring_try_send() and others. Of
 * POLLS_TO_BE_SURE in vain, which shim.h makes few, one is sure.
 *
 * What they send and receive is judged with all other calls, and so is what
 * they say of a closed queue. That they are sure often enough, and wake
 * sleepers, are programs of their own.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"
#include "traffic.h"

#include <errno.h>
#include <stddef.h>

#include "queue/queue.h"

enum { POLLS = 3 }; /* as shim.h has it */

#define BOTH (MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER)

static void run_tries(void)
{
	static const struct traffic traffic = { .capacities = 1,
		.senders = 2,
		.receivers = 2,
		.calls = 4,
		.batch = 3,
		.exclusive = BOTH,
		.starts = true,
		.flags = TRAFFIC_MAYBE | TRAFFIC_TRY };
	traffic_run(&traffic);
}

/* Threads that poll wake those that sleep. */
static void run_tries_wake(void)
{
	static const struct traffic traffic = { .capacities = 1,
		.senders = 3,
		.receivers = 3,
		.calls = 3,
		.batch = 2,
		.flags = TRAFFIC_MAYBE | TRAFFIC_WAIT };
	traffic_run(&traffic);
}

static void run_tries_closing(void)
{
	static const struct traffic traffic = { .capacities = 1,
		.senders = 2,
		.receivers = 2,
		.calls = 4,
		.batch = 3,
		.exclusive = BOTH,
		.starts = true,
		.flags = TRAFFIC_MAYBE | TRAFFIC_WAIT | TRAFFIC_CLOSE };
	traffic_run(&traffic);
}

static void run_tries_stopped(void)
{
	static const struct traffic traffic = { .capacities = 2,
		.senders = 3,
		.receivers = 2,
		.calls = 4,
		.batch = 3,
		.exclusive = BOTH,
		.starts = true,
		.flags = TRAFFIC_MAYBE | TRAFFIC_WAIT | TRAFFIC_STOP };
	traffic_run(&traffic);
}

/* ------------------------------------------------------- often enough sure -- */

/* Polls until one is not in vain: its answer. All others have stopped. */
static int poll_until_sure(bool send)
{
	int rc = -EAGAIN;
	for (int i = 0; i < POLLS && rc == -EAGAIN; i++)
		rc = send ? history_send(HISTORY_POLL) : history_recv(HISTORY_POLL);
	return rc;
}

/* One or two senders stop after their claims. A message lies behind, and then
 * none does. */
static void run_tries_pass_senders(void)
{
	recovery_given(4, 0, 0);
	recovery_stop_after_claim(true);
	if (sched_choose(2) == 1)
		recovery_stop_after_claim(true);
	for (int i = 0; i < 3; i++) {
		recovery_one(true);
		for (unsigned int polls = sched_choose(POLLS); polls > 0; polls--)
			if (history_recv(HISTORY_POLL) == 1)
				recovery_one(true);
		sched_require(poll_until_sure(false) == 1,
			"a message behind a stopped sender is not received");
	}
	sched_require(poll_until_sure(false) == -EAGAIN, "a message comes from nowhere");
	sched_resume_all();
	recovery_end();
}

/* A receiver of a full ring stops after its claim, and another one has made
 * room behind that cell. */
static void run_tries_pass_receivers(void)
{
	struct ring *ring = recovery_given(2, 0, 4);
	recovery_stop_after_claim(false);
	recovery_one(false);
	sched_require(poll_until_sure(true) == 1, "room behind a stopped receiver is not found");
	sched_require(poll_until_sure(true) == -EAGAIN, "a full ring takes a message");
	sched_require(ring_counts(ring).challenged > 0, "no thread was in the way");
	sched_resume_all();
	recovery_end();
}

/* A closed queue is empty, or has a message, or is full. */
static void run_tries_learn_of_a_close(void)
{
	static const uint64_t sides[] = { 0, MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER };
	static const unsigned int messages[] = { 0, 1, 4 };
	unsigned int sent = messages[sched_choose(3)];
	recovery_given(2, sides[sched_choose(3)], sent);
	for (unsigned int polls = sched_choose(POLLS); sent == 0 && polls > 0; polls--)
		sched_require(history_recv(HISTORY_POLL) == -EAGAIN, "a message from nowhere");
	history_close();
	sched_require(history_send(HISTORY_POLL) == -EPIPE, "a closed queue takes a message");
	sched_require(history_send_batch(2, HISTORY_POLL) == -EPIPE, "it takes messages");
	for (; sent > 0; sent--)
		sched_require(history_recv(HISTORY_POLL) == 1, "a message is gone");
	sched_require(poll_until_sure(false) == -EPIPE, "it is not said to be closed");
	recovery_end();
}

#define PROGRAM(symbol, about, flags) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		flags };

PROGRAM(tries, "polls beside tries", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
PROGRAM(tries_wake, "polls beside sleepers", SCHED_MAY_INTERRUPT)
PROGRAM(tries_closing, "polls of a queue that is closed", SCHED_MAY_STOP)
PROGRAM(tries_stopped, "polls beside threads that stop", 0)
PROGRAM(tries_pass_senders, "a poll passes over stopped senders", 0)
PROGRAM(tries_pass_receivers, "a poll passes over a stopped receiver", 0)
PROGRAM(tries_learn_of_a_close, "a poll tells of a close", 0)

const struct sched_program *const try_programs[] = { &program_tries, &program_tries_wake,
	&program_tries_closing, &program_tries_stopped, &program_tries_pass_senders,
	&program_tries_pass_receivers, &program_tries_learn_of_a_close, NULL };
