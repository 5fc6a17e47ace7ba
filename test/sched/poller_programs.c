/* SPDX-License-Identifier: MIT */
/*
 * Workers that share a queue and wait by epoll, each way that the header tells
 * of. One signal wakes one of them, so it has to be passed on.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"

#include <errno.h>

#include "base/fence.h"
#include "queue/queue.h"

/* With LEVEL and EXCLUSIVE a worker polls after each call. The others go on
 * until a call arms the descriptor. */
enum way { LEVEL, EXCLUSIVE, EDGES, EXCLUSIVE_EDGES, SHARED, WAYS };

static struct magring_queue *queue;
static enum way way;
static enum side side;              /* of the workers */
static unsigned int batch;          /* of those that bring */
static struct magring_queue *other; /* a busy worker waits for this one */
static bool gave_up;                /* no more calls can be noted */
static uint64_t edges[SCHED_THREADS];

static void wait_for_event(void)
{
	int fd = side == SENDER ? magring_queue_send_fd(queue) : magring_queue_recv_fd(queue);
	sched_require(fd >= 0, "no descriptor: %d", fd);
	if (way == LEVEL)
		sched_poll(fd);
	else if (way == EDGES)
		sched_poll_edge(fd, &edges[sched_self()]);
	else if (way == SHARED)
		sched_poll_shared(fd);
	else
		sched_poll_exclusive(fd, way == EXCLUSIVE_EDGES);
}

/* What a worker may call. Sets whether the descriptor is armed by it. */
static int call(bool *ret_arms)
{
	unsigned int count = 1 + sched_choose(2);
	int64_t timeout_ns = sched_choose(4) == 1 ? 2000 : 0;
	int rc;
	if (count == 1 && sched_choose(2) == 1)
		rc = side == SENDER ? history_send(timeout_ns) : history_recv(timeout_ns);
	else
		rc = side == SENDER ? history_send_batch(count, timeout_ns)
				    : history_recv_batch(count, timeout_ns);
	*ret_arms = rc == -EAGAIN || rc == -ETIMEDOUT || (rc > 0 && rc < (int)count);
	return rc;
}

static void work(void *unused)
{
	(void)unused;
	bool arms, polls_always = way == LEVEL || way == EXCLUSIVE;
	for (;;) {
		wait_for_event();
		do {
			gave_up |= !history_has_room(8);
			if (gave_up || call(&arms) == -EPIPE)
				return;
		} while (!polls_always && !arms);
	}
}

/* One message, or room for one. */
static void work_on_one(void)
{
	int rc;
	do {
		wait_for_event();
		if (side == SENDER)
			rc = history_send(0);
		else
			rc = sched_choose(2) == 0 ? history_recv(0) : history_recv_batch(1, 0);
	} while (rc == -EAGAIN);
}

/* Then the worker is busy for ever, or once and then for ever. */
static void work_once(void *unused)
{
	(void)unused;
	bool arms = false;
	work_on_one();
	if (other == NULL)
		return;
	sched_poll(magring_queue_recv_fd(other));
	while (!arms)
		call(&arms);
	work_on_one();
}

static void bring(void *unused)
{
	(void)unused;
	if (side == SENDER)
		history_recv_batch(batch, 0);
	else
		history_send_batch(batch, 0);
}

static void close_now(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(100));
	history_close();
}

/* A full queue for senders, and an empty one for receivers. The descriptor is
 * armed, or was not yet. */
static void begin(size_t capacity)
{
	queue = checks_queue(capacity, 0, false);
	history_begin(queue);
	for (int i = 0; i < 2 && side == SENDER; i++)
		history_send_batch(capacity, 0);
	if (sched_choose(2) == 1)
		return;
	(void)(side == SENDER ? magring_queue_send_fd(queue) : magring_queue_recv_fd(queue));
	int rc = side == SENDER ? history_send(0) : history_recv(0);
	sched_require(rc == -EAGAIN, "a call that should be in vain returns %d", rc);
}

static void require_all_ended(const char *when)
{
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i), "thread %u sleeps %s", i, when);
}

static void end(void)
{
	fence_heavy();
	bool may = side == SENDER ? ring_may_push(&queue->ring) : ring_may_pop(&queue->ring);
	if (may)
		require_all_ended("beside something to do");
	checks_sleepers(queue);
	history_close();
	sched_wait();
	require_all_ended("at a closed queue");
	checks_end(queue);
}

/* ---------------------------------------------------------------- programs -- */

static void require_brought(unsigned int count)
{
	unsigned int sent = history_sent(), received = history_received();
	sched_require(side == RECEIVER ? sent == count && received == count
				       : received == count && sent == 16 + count,
		"%u are brought, and %u sent, %u received", count, sent, received);
}

/* Busy workers wait for this one, and its descriptor is armed. */
static void make_other(void)
{
	struct magring_message message;
	other = checks_queue(2, 0, false);
	(void)magring_queue_recv_fd(other);
	int rc = magring_recv(other, &message, 0);
	sched_require(rc == -EAGAIN, "the other queue: %d", rc);
}

static void tell_a_worker(void)
{
	struct magring_message message = { 0 };
	int rc = magring_message_copy(NULL, &message, NULL, 0, "", 1, 0);
	sched_require(rc == 0 && magring_send(other, &message, 0) == 0, "no worker is told");
	sched_wait();
}

static void release_other(void)
{
	int rc = magring_queue_release(other);
	sched_require(rc == 0, "release of the other queue: %d", rc);
}

/* None is busy any more, and all poll again. */
static void bring_again(void)
{
	tell_a_worker();
	sched_spawn("bringer", bring, NULL);
	sched_wait();
	require_brought(2 * batch);
	release_other();
}

/* A way in which an event wakes one worker. */
static enum way choose_one_by_one(void)
{
	static const enum way one_by_one[] = { EXCLUSIVE, EXCLUSIVE_EDGES, SHARED };
	return one_by_one[sched_choose(3)];
}

/* As many are woken as there is something for, though each is busy then. The
 * others learn of the close, of which a busy one does not tell. */
static void run_workers_woken(void)
{
	unsigned int workers = 2 + sched_choose(3);
	side = sched_choose(2) == 0 ? SENDER : RECEIVER;
	way = choose_one_by_one();
	batch = workers > 2 ? workers - sched_choose(2) : workers;
	batch = batch < 3 ? batch : 3;
	other = NULL;
	if (batch == workers && sched_choose(2) == 1)
		make_other();
	begin(8); /* so that what is brought is one claim, and one signal */
	for (unsigned int i = 0; i < workers; i++)
		sched_spawn("worker", work_once, NULL);
	sched_wait();
	sched_spawn("bringer", bring, NULL);
	sched_wait();
	require_brought(batch);
	if (other != NULL)
		bring_again();
	end();
}

/* Two messages come before the first worker polls. */
static void run_workers_first(void)
{
	side = RECEIVER;
	way = SHARED;
	other = NULL;
	queue = checks_queue(8, 0, false);
	history_begin(queue);
	history_send_batch(2, 0);
	for (unsigned int i = 0; i < 2; i++)
		sched_spawn("worker", work_once, NULL);
	sched_wait();
	end();
}

static unsigned int takers;

static void work_again(void *unused)
{
	(void)unused;
	work_on_one();
	if (takers++ > 0)
		return; /* busy */
	sched_poll(magring_queue_recv_fd(other));
	(void)history_recv(0);
}

/* The worker that has passed the signal on comes again, and is busy then. */
static void run_workers_again(void)
{
	side = RECEIVER;
	way = choose_one_by_one();
	takers = 0;
	make_other();
	begin(8);
	for (unsigned int i = 0; i < 3; i++)
		sched_spawn("worker", work_again, NULL);
	sched_wait();
	history_send_batch(2, 0);
	sched_wait();
	require_brought(2);
	history_send_batch(2, 0);
	tell_a_worker();
	release_other();
	end();
}

/* The first worker takes two messages and is busy then, each other one one. */
static void work_on_some(void *unused)
{
	(void)unused;
	unsigned int left = sched_self() == 1 ? 2 : 1;
	while (left > 0) {
		wait_for_event();
		int rc;
		do {
			if (!history_has_room(8)) {
				gave_up = true;
				return;
			}
			rc = history_recv(0);
			if (rc == -EPIPE)
				return;
			left -= rc >= 0;
		} while (left > 0 && way != EXCLUSIVE && rc != -EAGAIN);
	}
}

/* A worker that has passed the signal on is woken by another one's. */
static void run_workers_twice(void)
{
	side = RECEIVER;
	way = choose_one_by_one();
	other = NULL;
	gave_up = false;
	begin(8);
	for (unsigned int i = 0; i < 3; i++)
		sched_spawn("worker", work_on_some, NULL);
	sched_wait();
	history_send_batch(4, 0);
	sched_wait();
	if (!gave_up)
		end();
}

static bool one_each;

/* Until a call arms, or one message and busy then. */
static void work_until_armed(void *unused)
{
	(void)unused;
	for (;;) {
		int rc;
		wait_for_event();
		do {
			rc = history_recv(0);
			if (rc == -EPIPE || (rc >= 0 && one_each))
				return;
		} while (rc != -EAGAIN);
	}
}

/* A worker that has passed the signal on, and taken the rest, is woken first
 * after the next arming. */
static void run_workers_rearmed(void)
{
	side = RECEIVER;
	way = choose_one_by_one();
	other = NULL;
	one_each = false;
	begin(8);
	for (unsigned int i = 0; i < 2; i++)
		sched_spawn("worker", work_until_armed, NULL);
	sched_wait();
	history_send_batch(2, 0);
	sched_wait();
	one_each = true;
	history_send_batch(2, 0);
	sched_wait();
	end();
}

static void run_workers(void)
{
	side = sched_choose(2) == 0 ? SENDER : RECEIVER;
	way = sched_choose(WAYS);
	begin((size_t)2 << sched_choose(2));
	batch = 1 + sched_choose(3);
	gave_up = false;
	unsigned int workers = 1 + sched_choose(3), bringers = 1 + sched_choose(2);
	for (unsigned int i = 0; i < workers; i++)
		sched_spawn("worker", work, NULL);
	if (sched_choose(2) == 1)
		sched_wait();
	for (unsigned int i = 0; i < bringers; i++)
		sched_spawn("bringer", bring, NULL);
	if (sched_choose(3) == 1)
		sched_spawn("closer", close_now, NULL);
	sched_wait();
	if (!gave_up)
		end();
}

#define PROGRAM(symbol, about, flags) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		flags };

PROGRAM(workers, "workers poll in any way, until close", SCHED_MAY_STOP)
PROGRAM(workers_woken, "one signal wakes as many workers as are needed", SCHED_MAY_STOP)
PROGRAM(workers_first, "messages come before the first poll", 0)
PROGRAM(workers_again, "a worker passes the signal on, and comes again", 0)
PROGRAM(workers_rearmed, "a worker that has passed a signal on gets the next", 0)
PROGRAM(workers_twice, "a worker is woken by a signal that is passed on", 0)

const struct sched_program *const poller_programs[] = { &program_workers, &program_workers_woken,
	&program_workers_first, &program_workers_again, &program_workers_twice,
	&program_workers_rearmed, NULL };
