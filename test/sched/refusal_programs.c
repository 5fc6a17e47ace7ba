/* SPDX-License-Identifier: MIT */
/*
 * What a call does in vain: a refused call has changed nothing. And what it may
 * do at most: skips leave the capacity as it is promised.
 *
 * The threads stop one after another, each in a place of its own, and go on for
 * a few steps in any order. Thread 0 looks at the queue meanwhile.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"

#include <errno.h>
#include <stddef.h>

#include "base/fence.h"
#include "queue/queue.h"

static struct ring *ring;

static void begin(size_t capacity, unsigned int sent)
{
	recovery.queue = checks_queue(capacity, 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	ring = &recovery.queue->ring;
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
}

static void end(void)
{
	sched_resume_all();
	sched_wait();
	checks_capacity(recovery.queue);
}

/* A thread runs until it is likely to be between claim and store, or further. */
static unsigned int spawn(bool send)
{
	unsigned int thread = sched_spawn(send ? "sender" : "receiver",
		send ? recovery_sends : recovery_recvs, NULL);
	sched_run_alone(thread, sched_choose(2) == 0 ? 8 + sched_choose(6) : sched_choose(100));
	sched_stop(thread);
	return thread;
}

/* All others have stopped. What was foretold happens, and a refusal costs none
 * of them anything. */
static void check_call(bool send)
{
	fence_heavy(); /* what the others did is there */
	bool may = send ? ring_may_push(ring) : ring_may_pop(ring);
	struct ring_counts before = ring_counts(ring);
	uint64_t position = ring_position(ring, send ? SENDER : RECEIVER);
	int rc = send ? history_send(0) : history_recv(0);
	struct ring_counts after = ring_counts(ring);
	sched_require(may == (rc != -EAGAIN), "a %s returns %d, but was said to be %spossible",
		send ? "send" : "receive", rc, may ? "" : "im");
	if (rc != -EAGAIN)
		return;
	sched_require(after.challenged == before.challenged, "a refused call challenges a thread");
	sched_require(position == ring_position(ring, send ? SENDER : RECEIVER),
		"a refused call skips a position");
}

static void run_refused(void)
{
	size_t capacity = (size_t)2 << sched_choose(2);
	unsigned int mode = sched_choose(3), threads = 1 + sched_choose(4);
	begin(capacity, mode == 0 ? 0 : mode == 1 ? sched_choose(4) : 2 * (unsigned int)capacity);
	recovery.batch = sched_choose(3);
	recovery.calls = 1;
	for (unsigned int i = 1; i <= threads; i++)
		spawn(mode == 0 || (mode == 1 && sched_choose(2) == 0));
	for (unsigned int i = 0; i < 3; i++)
		recovery_go_on(1 + sched_choose(threads), 40);
	check_call(sched_choose(2) == 0);
	if (sched_choose(2) == 0)
		recovery_go_on(1 + sched_choose(threads), 40);
	check_call(sched_choose(2) == 0);
	end();
}

/* ------------------------------------------------------------------- skips -- */

/* One call with so many messages. Its thread is recovery.calls = 1's. */
static void call_of(void *count)
{
	if ((uintptr_t)count > HISTORY_BATCH)
		history_recv_batch((uintptr_t)count - HISTORY_BATCH, 0);
	else
		history_send_batch((uintptr_t)count, 0);
}

/* A receiver stops right after its claim of so many. */
static unsigned int stop_receiver(size_t count)
{
	uint64_t head = ring_position(ring, RECEIVER);
	unsigned int thread =
		sched_spawn("stopped", call_of, (void *)(uintptr_t)(HISTORY_BATCH + count));
	while (ring_position(ring, RECEIVER) == head && !sched_has_ended(thread))
		sched_run_alone(thread, 1);
	sched_stop(thread);
	return thread;
}

/* A full queue of 8 cells. Some are free again, of which some hold the first
 * messages of the next lap. Receivers have stopped in most of the rest. */
static unsigned int stop_receivers(void)
{
	unsigned int threads = 0, sent = sched_choose(3);
	begin(4, 8);
	if (sched_choose(2) == 1)
		atomic_init(&ring->unsent_max, 0); /* the first skip is counted, too */
	for (unsigned int i = 0; i < sent; i++)
		history_recv(0);
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
	for (unsigned int left = 8 - sent; left > 0;) {
		unsigned int claimed = sched_choose(left > 1 ? 3 : 2);
		if (claimed == 0 || threads == 4) {
			history_recv(0);
			left--;
			continue;
		}
		stop_receiver(claimed);
		threads++;
		left -= claimed;
	}
	return threads;
}

/* As senders count and skip, other senders and receivers go on. Afterwards the
 * capacity fits. */
static void run_skips_counted(void)
{
	unsigned int threads = stop_receivers();
	unsigned int slow = sched_spawn("slow", call_of, (void *)1);
	recovery_go_on(slow, 70);
	history_send(0);
	if (sched_choose(2) == 1)
		recovery_go_on(1 + sched_choose(threads + 1), 30);
	recovery_go_on(slow, 70);
	for (unsigned int i = 0; i < 4 && history_send(0) == 1; i++)
		;
	end();
}

/* Receives make room, and a sender beside them does not lose it. */
static void run_skip_beside_receives(void)
{
	stop_receivers();
	recovery.batch = 0;
	recovery.calls = 1;
	unsigned int sent = history_sent();
	spawn(true);
	fence_heavy();
	bool may = ring_may_push(ring) && history_sent() == sent;
	unsigned int slow = sched_spawn("slow", call_of, (void *)1);
	recovery_go_on(slow, 80);
	history_recv(0);
	recovery_go_on(slow, 20);
	history_recv(0);
	sched_run_alone(slow, 1000);
	sched_require(!may || history_sent() > sent, "a sender is refused beside room");
	end();
}

static void send_in_vain(void *unused)
{
	(void)unused;
	for (int i = 0; i < 6 && history_send(0) == 1; i++)
		;
}

static void receive_in_vain(void *unused)
{
	(void)unused;
	for (int i = 0; i < 6 && history_recv(0) >= 0; i++)
		;
}

/* One message less than fits is there. The sender's last one may be in its store
 * buffer when it finds the queue full, and the receiver's free cells in its own
 * when that finds it empty. */
static void run_full_or_empty(void)
{
	struct magring_queue *queue =
		checks_queue(2, MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER, true);
	history_begin(queue);
	for (unsigned int i = 0; i + 1 < ring_cells(&queue->ring); i++)
		history_send(0);
	sched_spawn("sender", send_in_vain, NULL);
	sched_spawn("receiver", receive_in_vain, NULL);
	sched_wait();
	checks_end(queue);
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(refused, "a refused call was foretold, and has challenged no thread")
PROGRAM(skips_counted, "senders stop as they count what they may skip")
PROGRAM(skip_beside_receives, "a sender counts while receives make room")
PROGRAM(full_or_empty, "a queue is not full to one side and empty to the other")

const struct sched_program *const refusal_programs[] = { &program_refused, &program_skips_counted,
	&program_skip_beside_receives, &program_full_or_empty, NULL };
