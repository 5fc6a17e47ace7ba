/* SPDX-License-Identifier: MIT */
#include "queue_checks.h"

#include <errno.h>

#include "base/fence.h"
#include "queue/queue.h"
#include "queue/recovery.h"
#include "tuning.h"

/* ------------------------------------------------------------------- begin -- */

/* Positions: the first, and some before the end of a lap, of the half of what
 * an int64_t can tell apart, and of all. */
static uint64_t choose_position(uint64_t cells)
{
	const uint64_t positions[] = { 0, cells - 1, 3 * cells - 2, ((uint64_t)1 << 32) - 2,
		((uint64_t)1 << 61) - 2, POSITION - 1, POSITION - cells };
	return positions[sched_choose(sizeof(positions) / sizeof(positions[0]))];
}

struct magring_queue *checks_queue(size_t capacity, uint64_t flags, bool starts)
{
	struct magring_queue *queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = capacity,
		.flags = flags };
	int rc = magring_queue_create(&queue, NULL, &options);
	sched_require(rc == 0, "a queue is not made: %d", rc);
	uint64_t position = starts ? choose_position(2 * capacity) : 0;
	if (position != 0) {
		unsigned int ring_flags = queue->ring.flags;
		ring_fini(&queue->ring);
		rc = ring_init(&queue->ring, 2 * capacity, capacity, position, ring_flags);
		sched_require(rc == 0, "a ring is not made: %d", rc);
	}
	if (starts && sched_choose(2) == 1)
		for (int side = SENDER; side <= RECEIVER; side++)
			sched_add((uint64_t *)(void *)&queue->eventcount[side].word, UINT32_MAX,
				__ATOMIC_RELAXED);
	sched_name(queue, sizeof(*queue), "queue");
	sched_name(queue->ring.cells, 2 * capacity * sizeof(struct ring_cell), "cells");
	return queue;
}

void checks_sleep_at_once(struct magring_queue *queue)
{
	for (int side = SENDER; side <= RECEIVER; side++)
		atomic_init(&queue->slept[side], IN_VAIN_FEW + 1);
}

void checks_observe(struct magring_queue *queue, unsigned int times)
{
	struct magring_queue_stats before = { .size = sizeof(before) };
	for (unsigned int i = 0; i < times; i++) {
		struct magring_queue_stats now = { .size = sizeof(now) };
		size_t size = magring_queue_size(queue);
		int rc = magring_queue_get_stats(queue, &now);
		sched_require(rc == 0, "get_stats returns %d", rc);
		sched_require(size <= 2 * now.capacity, "a size of %zu", size);
		sched_require(now.received <= now.sent, "%lu sent and %lu received",
			(unsigned long)now.sent, (unsigned long)now.received);
		sched_require(now.returned <= now.received, "%lu received and %lu returned",
			(unsigned long)now.received, (unsigned long)now.returned);
		sched_require(now.sent >= before.sent && now.received >= before.received,
			"counts fall: %lu, %lu sent and %lu, %lu received",
			(unsigned long)before.sent, (unsigned long)now.sent,
			(unsigned long)before.received, (unsigned long)now.received);
		sched_require(now.closed >= before.closed, "a closed queue is open");
		before = now;
		sched_pass(sched_choose(20));
	}
}

/* -------------------------------------------------------------- standstill -- */

unsigned int checks_stopped(void)
{
	unsigned int n = 0;
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		n += sched_has_stopped(i);
	return n;
}

/* Messages in the queue, as the calls tell. A thread that has stopped may have
 * taken messages, or sent some. */
static unsigned int messages(void)
{
	unsigned int sent = history_sent();
	unsigned int received = history_received() + history_open(false);
	return sent > received ? sent - received : 0;
}

static bool has_room(const struct ring *ring)
{
	return history_sent() + history_open(true) < history_received() + ring_capacity(ring);
}

bool checks_sleeps_in_vain(struct magring_queue *queue)
{
	/* What threads that have not ended did is there, too. */
	fence_heavy();
	bool closed = history_has_closed();
	bool may_receive = messages() > 0 || closed || ring_may_pop(&queue->ring);
	bool may_send = has_room(&queue->ring) || closed || ring_may_push(&queue->ring);
	for (unsigned int i = 1; i < SCHED_THREADS; i++) {
		if (!sched_is_asleep(i))
			continue;
		if ((may_receive && history_is_in(i, false)) ||
			(may_send && history_is_in(i, true)))
			return true;
	}
	return false;
}

/* No thread is about to signal a descriptor: it is armed or readable. */
static void check_descriptors(struct magring_queue *queue)
{
	for (int side = SENDER; side <= RECEIVER; side++) {
		const struct eventcount *eventcount = &queue->eventcount[side];
		int fd = atomic_load_explicit(&eventcount->fd, memory_order_relaxed);
		uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
		if (fd < 0 || checks_stopped() > 0)
			continue;
		bool readable = sched_fd_is_readable(fd);
		sched_require(readable == ((word & EVENTCOUNT_ARMED) == 0),
			"readable: %d, word %#lx", readable, (unsigned long)word);
	}
}

void checks_sleepers(struct magring_queue *queue)
{
	check_descriptors(queue);
	if (!checks_sleeps_in_vain(queue))
		return;
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		if (sched_is_asleep(i))
			sched_fail("thread %u is asleep in a %s beside %u messages%s", i,
				history_is_in(i, true) ? "send" : "receive", messages(),
				history_is_closed() ? ", closed" : "");
}

/* --------------------------------------------------------------------- end -- */

static void check_counts(struct magring_queue *queue)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	int rc = magring_queue_get_stats(queue, &stats);
	sched_require(rc == 0, "get_stats returns %d", rc);
	sched_require(stats.sent - stats.returned == history_sent() &&
			stats.received - stats.returned == history_received(),
		"counts of %lu sent, %lu received, %lu returned: %u and %u are true",
		(unsigned long)stats.sent, (unsigned long)stats.received,
		(unsigned long)stats.returned, history_sent(), history_received());
	sched_require(magring_queue_size(queue) == messages(), "a size of %zu, not %u",
		magring_queue_size(queue), messages());
	sched_require(stats.closed == history_is_closed(), "closed is %lu",
		(unsigned long)stats.closed);
}

void checks_recovery(const struct ring *ring)
{
	uint64_t challenges = atomic_load_explicit(&ring->challenges, memory_order_relaxed);
	uint64_t resolved = atomic_load_explicit(&ring->resolved, memory_order_relaxed);
	/* Without membarrier one counts as never resolved. */
	sched_require(challenges == resolved + !fence_asymmetric, "%lu challenges, %lu resolved",
		(unsigned long)challenges, (unsigned long)resolved);
	for (uint64_t i = 0; i < ring_cells(ring); i++)
		sched_require(!recovery_quarantined(ring, i), "cell %lu is quarantined",
			(unsigned long)i);
}

/* All that is there is received, and then the answer is -EPIPE, or -EAGAIN. */
static void drain(struct magring_queue *queue)
{
	struct magring_message message;
	unsigned int left = messages();
	int rc;
	for (unsigned int i = 0; i < left; i++) {
		rc = magring_recv(queue, &message, 0);
		sched_require(rc == 0, "message %u of the %u that are left: %d", i, left, rc);
	}
	rc = magring_recv(queue, &message, 0);
	sched_require(rc == (history_is_closed() ? -EPIPE : -EAGAIN), "an empty queue answers %d",
		rc);
}

static void check_ended(void)
{
	sched_require(checks_stopped() == 0, "a thread has stopped");
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i), "thread %u is asleep", i);
}

void checks_end(struct magring_queue *queue)
{
	check_ended();
	history_judge();
	check_counts(queue);
	checks_recovery(&queue->ring);
	drain(queue);
	int rc = magring_queue_release(queue);
	sched_require(rc == 0, "release returns %d", rc);
}

void checks_capacity(struct magring_queue *queue)
{
	check_ended();
	history_judge();
	check_counts(queue);
	checks_recovery(&queue->ring);
	size_t fit = 0;
	int rc;
	for (;; fit++) {
		struct magring_message message;
		rc = magring_message_copy(NULL, &message, NULL, 0, &fit, sizeof(fit), 0);
		sched_require(rc == 0, "a message is not made: %d", rc);
		rc = magring_send(queue, &message, 0);
		if (rc != 0)
			break;
	}
	size_t capacity = magring_queue_capacity(queue), all = messages() + fit;
	bool skipped = atomic_load_explicit(&queue->ring.challenged, memory_order_relaxed) > 0;
	sched_require(rc == -EAGAIN, "a full queue answers %d", rc);
	sched_require(all >= (skipped ? capacity : 2 * capacity) && all <= 2 * capacity,
		"%u messages and %zu more fit into a queue for %zu", messages(), fit, capacity);
	rc = magring_queue_release(queue);
	sched_require(rc == 0, "release returns %d", rc);
}
