/* SPDX-License-Identifier: MIT */
/*
 * Second looks: what a thread reads again before it answers or acts. It has
 * stopped between its first look and the second one, and others go on. Without
 * the second look, what it answers is true at no moment of its call.
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

/* ----------------------------------------------------------------- threads -- */

static void send_some(void *count)
{
	history_send_batch((uintptr_t)count, 0);
}

static void recv_some(void *count)
{
	history_recv_batch((uintptr_t)count, 0);
}

static unsigned int spawn(bool send, uintptr_t count)
{
	return sched_spawn(send ? "sender" : "receiver", send ? send_some : recv_some,
		(void *)count);
}

/* A wake-up lets thread 0 go on, too. */
static void run_to_end(unsigned int thread)
{
	for (int i = 0; i < 4 && !sched_has_ended(thread); i++)
		sched_run_alone(thread, 1000);
	sched_require(sched_has_ended(thread), "a call of thread %u does not end", thread);
}

/* A thread stops when it has claimed so many cells. */
static unsigned int stop_after_claim(bool send, uintptr_t count)
{
	unsigned int thread = spawn(send, count);
	recovery_run_until_changed(thread, end_of(ring, send ? SENDER : RECEIVER));
	return thread;
}

/* ----------------------------------------------------------------- answers -- */

static bool answer;
static size_t size;
static struct magring_queue_stats stats;

static void look_for_room(void *unused)
{
	(void)unused;
	answer = ring_may_push(ring);
}

static void look_for_message(void *unused)
{
	(void)unused;
	answer = ring_may_pop(ring);
}

static void look_at_size(void *unused)
{
	(void)unused;
	size = magring_queue_size(recovery.queue);
}

static void look_at_counts(void *unused)
{
	(void)unused;
	stats.size = sizeof(stats);
	magring_queue_get_stats(recovery.queue, &stats);
}

static unsigned int begin_look(void (*look)(void *), unsigned int most)
{
	unsigned int looks = sched_spawn("looks", look, NULL);
	recovery_go_on(looks, most);
	return looks;
}

/* Two of four cells are free, and then one. No skip is allowed without a count,
 * so the free cell behind a cell that was claimed meanwhile does not help. */
static void run_look_for_room(void)
{
	ring = recovery_given(2, 0, 2);
	atomic_init(&ring->unsent_max, 0);
	unsigned int looks = begin_look(look_for_room, 10);
	recovery_some(true, 1);
	run_to_end(looks);
	sched_require(answer, "there is said to be no room");
	recovery_end();
}

/* A second message comes before the first one goes. */
static void run_look_for_message(void)
{
	ring = recovery_given(2, 0, 1);
	unsigned int looks = begin_look(look_for_message, 10);
	recovery_some(true, 1);
	recovery_some(false, 1);
	run_to_end(looks);
	sched_require(answer, "there is said to be no message");
	recovery_end();
}

/* There is one message at most. */
static void run_look_at_size(void)
{
	ring = recovery_given(2, 0, 0);
	unsigned int looks = begin_look(look_at_size, 10);
	for (unsigned int turns = 2 + sched_choose(2); turns > 0; turns--) {
		recovery_some(true, 1);
		recovery_some(false, 1);
	}
	run_to_end(looks);
	sched_require(size <= 1, "a size of %zu where one message is the most", size);
	recovery_end();
}

/* A sender is skipped, and another thread tells of that. One message is
 * received. */
static void run_look_at_counts(void)
{
	ring = recovery_given(2, 0, 0);
	stop_after_claim(true, 1);
	recovery_some(true, 1);
	unsigned int looks = begin_look(look_at_counts, 30);
	recovery_some(false, 1);
	struct magring_queue_stats told = { .size = sizeof(told) };
	magring_queue_get_stats(recovery.queue, &told);
	run_to_end(looks);
	sched_require(stats.received - stats.returned <= 1, "%lu received, of which %lu returned",
		(unsigned long)stats.received, (unsigned long)stats.returned);
	recovery_end();
}

/* ------------------------------------------------------------------- scans -- */

/*
 * A full queue of 8 cells, all of whose messages are claimed in order: 'r' is a
 * receive, '1' a thread that stops with one, '2' one that stops with two.
 */
static void claim_all(const char *how)
{
	ring = recovery_given(4, 0, 8);
	for (; *how != '\0'; how++)
		if (*how == 'r')
			recovery_some(false, 1);
		else
			stop_after_claim(false, (uintptr_t)(*how - '0'));
}

/* A refused call changes nothing, if it knows what the others did. Where there
 * is no membarrier it may not. */
static void send_or_not(void *unused)
{
	(void)unused;
	uint64_t tail = ring_position(ring, SENDER);
	uint64_t challenged = recovery_word(&ring->challenged);
	if (history_send(0) != -EAGAIN || !fence_asymmetric)
		return;
	sched_require(tail == ring_position(ring, SENDER), "a refused call skips a position");
	sched_require(challenged == recovery_word(&ring->challenged),
		"a refused call challenges a thread");
}

/*
 * The next lap: a sender that is being skipped, a message, two positions without
 * one, a message. Then two quarantined cells, which a sender is about to skip
 * for a free one. Four positions without a message are allowed. With the first
 * one they are five, so the next sender is refused. The second of the two cells
 * looks free, as its owner has stored its state, and is about to return it.
 */
static void run_scan_quarantined(void)
{
	claim_all("rr2r11r");
	unsigned int owner = 3;
	struct ring_cell *cell = cell_at(ring, advance(ring_position(ring, RECEIVER), 6));
	stop_after_claim(true, 1);
	recovery_some(true, 2);
	recovery_run_until_changed(spawn(true, 1), &ring->unsent);
	recovery_run_until_changed(owner, &cell->state);
	recovery_run_until_changed(spawn(false, 1), &ring->unreceived);
	fence_heavy(); /* what the others did is there */
	unsigned int looks = sched_spawn("looks", send_or_not, NULL);
	recovery_go_on(looks, 90);
	recovery_go_on(owner, 20);
	run_to_end(looks);
	sched_resume_all();
	sched_wait();
	checks_capacity(recovery.queue);
}

/* A sender that began with so many messages sent has sent one more. */
static void check_sent(unsigned int thread, unsigned int sent)
{
	run_to_end(thread);
	sched_require(history_sent() > sent, "a sender is refused beside room");
	sched_resume_all();
	sched_wait();
	checks_capacity(recovery.queue);
}

/*
 * A sender may skip three positions. Another one may be lost meanwhile, and not
 * two. But two stopped senders are skipped one after another.
 */
static void run_scan_beside_head(void)
{
	claim_all("rrrr21r");
	atomic_init(&ring->unsent_max, 0);
	for (int i = 0; i < 2; i++) {
		stop_after_claim(true, 1);
		recovery_some(true, 1);
	}
	unsigned int looks = spawn(true, 1);
	recovery_go_on(looks, 90);
	recovery_some(false, 2);
	check_sent(looks, 2 + 8);
}

/*
 * A sender may skip four positions to reach a free cell. Then a nearer one is
 * free, and then it may skip three.
 */
static void run_scan_nearer(void)
{
	claim_all("rr22rr");
	atomic_init(&ring->unsent_max, 0);
	stop_after_claim(true, 1);
	recovery_some(true, 1);
	unsigned int looks = spawn(true, 1);
	recovery_go_on(looks, 90);
	run_to_end(2);
	recovery_run_until_changed(spawn(false, 1), &ring->unreceived);
	check_sent(looks, 1 + 8);
}

/* ----------------------------------------------------------- claims, skips -- */

/*
 * A receiver is about to claim a cell. Another one claims it and stops, and a
 * sender that has challenged it stops, too. The first one goes on elsewhere.
 */
static void run_claim_beside_pending(void)
{
	ring = recovery_given(2, 0, 4);
	unsigned int looks = spawn(false, 1);
	recovery_go_on(looks, 30);
	stop_after_claim(false, 1);
	recovery_some(false, 1);
	recovery_run_until_changed(spawn(true, 1), &ring->challenges);
	run_to_end(looks);
	sched_resume_all();
	recovery_end();
}

/* The only sender skips a position as the queue is closed. */
static void run_skip_beside_close(void)
{
	ring = recovery_given(2, MAGRING_SINGLE_SENDER, 4);
	stop_after_claim(false, 1);
	recovery_some(false, 1);
	recovery_go_on(spawn(true, 1), 90);
	history_close();
	sched_resume_all();
	recovery_end();
}

static void send_waiting(void *unused)
{
	(void)unused;
	history_send(-1);
}

/*
 * The queue is full of positions without a message, and a sender is asleep. A
 * receiver skips some. Another one takes the message behind them and stops, so
 * the first one tells of the room.
 */
static void run_skip_tells(void)
{
	claim_all("22r1rr");
	checks_sleep_at_once(recovery.queue);
	recovery_some(true, 1);
	unsigned int sleeps = sched_spawn("sleeps", send_waiting, NULL);
	sched_run_alone(sleeps, 2000);
	sched_require(sched_is_asleep(sleeps), "a sender does not sleep");
	unsigned int skips = spawn(false, 1);
	recovery_run_until_changed(skips, &ring->head);
	recovery_run_until_changed(skips, &ring->head);
	recovery_go_on(skips, 8);
	stop_after_claim(false, 1);
	run_to_end(skips);
	sched_wait();
	sched_require(sched_has_ended(sleeps), "a sender sleeps beside room");
	sched_resume_all();
	sched_wait();
	checks_capacity(recovery.queue);
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(look_for_room, "room as another sender claims the first cell")
PROGRAM(look_for_message, "a message as another one is received")
PROGRAM(look_at_size, "a size as messages come and go")
PROGRAM(look_at_counts, "counts as a message returns to its sender")
PROGRAM(scan_quarantined, "a scan meets a cell that is being returned")
PROGRAM(scan_beside_head, "a scan as stopped senders are skipped")
PROGRAM(scan_nearer, "a scan as a nearer cell is free")
PROGRAM(claim_beside_pending, "a claim of a cell whose new owner is challenged")
PROGRAM(skip_beside_close, "a skip of the only sender as the queue is closed")
PROGRAM(skip_tells, "a receiver that is refused has made room")

const struct sched_program *const second_look_programs[] = { &program_look_for_room,
	&program_look_for_message, &program_look_at_size, &program_look_at_counts,
	&program_scan_quarantined, &program_scan_beside_head, &program_scan_nearer,
	&program_claim_beside_pending, &program_skip_beside_close, &program_skip_tells, NULL };
