/* SPDX-License-Identifier: MIT */
/*
 * Calls that may answer "not now": magring_try_send() and others. Of
 * POLLS_TO_BE_SURE in vain, which shim.h makes few, one is sure.
 *
 * What they send and receive is judged with all other calls, and so is what
 * they say of a closed queue. That they are sure often enough, and wake
 * sleepers, are programs of their own. So is how long a wait tries, by spin_ns.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"
#include "traffic.h"

#include <errno.h>
#include <stddef.h>

#include "queue/queue.h"
#include "tuning.h"

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

static void poll_once(void *unused)
{
	(void)unused;
	sched_choose(2) == 1 ? history_send_batch(1, HISTORY_POLL) : history_send(HISTORY_POLL);
}

static void wait_for_room(void *unused)
{
	(void)unused;
	history_send(-1);
}

/*
 * A sender that polls stops after its claim, and receivers stop in the cells
 * before and behind. Its position is skipped, and the ring is full. Now it goes
 * on, and returns its cell. That is room, behind the first receiver's cell: not
 * for the poll, but for a sleeper.
 */
static void run_tries_return_room(void)
{
	struct ring *ring = recovery_given(2, 0, 1);
	unsigned int polls = sched_spawn("poll", poll_once, NULL);
	recovery_run_until_changed(polls, &ring->tail);
	recovery_one(true);
	recovery_stop_after_claim(false);
	unsigned int second = recovery_stop_after_claim(false); /* it skips */
	recovery_run_until_changed(second, &ring->head);        /* it claims */
	recovery_one(true);
	sched_require(recovery_one(true) == -EAGAIN, "the ring is not full");
	unsigned int sleeper = sched_spawn("sleeper", wait_for_room, NULL);
	sched_wait();
	sched_require(sched_is_asleep(sleeper), "there is room");
	for (int i = 0; i < 10 && !sched_has_ended(polls); i++)
		sched_run_alone(polls, 4000);
	sched_require(sched_has_ended(polls), "a poll waits");
	sched_wait();
	sched_require(sched_has_ended(sleeper), "a sender sleeps beside room");
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

/* ----------------------------------------------- how long a wait is awake -- */

/* Threads that wait by spin_ns. */
static void run_tries_by_budget(void)
{
	static const struct traffic traffic = { .capacities = 1,
		.senders = 2,
		.receivers = 2,
		.calls = 3,
		.batch = 2,
		.flags = TRAFFIC_WAIT | TRAFFIC_LIMIT | TRAFFIC_MAYBE | TRAFFIC_SPIN };
	traffic_run(&traffic);
}

static uint64_t times_parked(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	sched_require(magring_queue_get_stats(recovery.queue, &stats) == 0, "no statistics");
	return stats.parked;
}

static void wait_for_message(void *unused)
{
	(void)unused;
	history_recv(-1);
}

/* A wait sleeps when its budget is used up, and not before. */
static void run_tries_then_sleep(void)
{
	static const int64_t budgets[] = { MAGRING_SPIN_NEVER, 1, 3 * (int64_t)SPIN_NS,
		30 * (int64_t)SPIN_NS };
	int64_t budget_ns = budgets[sched_choose(4)];
	recovery_given(2, 0, 0);
	recovery.queue->spin_ns = budget_ns;
	int64_t begin_ns = sched_time();
	unsigned int waits = sched_spawn("waits", wait_for_message, NULL);
	sched_wait();
	int64_t took_ns = sched_time() - begin_ns;
	sched_require(sched_is_asleep(waits), "it does not sleep");
	sched_require(took_ns >= budget_ns, "it sleeps after %ld ns", (long)took_ns);
	sched_require(budget_ns > 0 || took_ns < SPIN_NS, "it is awake for %ld ns", (long)took_ns);
	recovery_one(true);
	recovery_end();
}

/* A wait that never sleeps ends at its deadline. */
static void run_tries_until_deadline(void)
{
	static const int64_t limits[] = { 1, SPIN_NS, 20 * (int64_t)SPIN_NS };
	int64_t limit_ns = limits[sched_choose(3)];
	recovery_given(2, 0, 0);
	recovery.queue->spin_ns = MAGRING_SPIN_ALWAYS;
	int64_t begin_ns = sched_time();
	sched_require(history_recv(limit_ns) == -ETIMEDOUT, "a message from nowhere");
	int64_t took_ns = sched_time() - begin_ns;
	sched_require(took_ns >= limit_ns, "its time is over after %ld ns", (long)took_ns);
	/* Less than two rounds of tries, with their yields. */
	sched_require(took_ns < limit_ns + 20 * (int64_t)SPIN_NS, "it takes %ld ns", (long)took_ns);
	sched_require(times_parked() == 0, "it sleeps");
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
PROGRAM(tries_return_room, "a poll whose position was skipped wakes a sleeper", 0)
PROGRAM(tries_by_budget, "waits by spin_ns", SCHED_MAY_INTERRUPT)
PROGRAM(tries_then_sleep, "a wait sleeps when its budget is used up", 0)
PROGRAM(tries_until_deadline, "a wait that never sleeps ends in time", 0)
PROGRAM(tries_learn_of_a_close, "a poll tells of a close", 0)

const struct sched_program *const try_programs[] = { &program_tries, &program_tries_wake,
	&program_tries_closing, &program_tries_stopped, &program_tries_pass_senders,
	&program_tries_pass_receivers, &program_tries_return_room, &program_tries_learn_of_a_close,
	&program_tries_by_budget, &program_tries_then_sleep, &program_tries_until_deadline, NULL };
