/* SPDX-License-Identifier: MIT */
/*
 * Recovery, step by step: the order of threads is fixed for the most part. Where
 * each of them stops is chosen.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"

#include <stddef.h>

/* A thread that is likely to stop between claim and store. */
static unsigned int stop_victim(bool send)
{
	unsigned int victim = sched_spawn("victim", send ? recovery_send : recovery_recv, NULL);
	sched_run_alone(victim, 8 + sched_choose(6));
	sched_stop(victim);
	return victim;
}

static void run_to_end(void (*run)(void *))
{
	sched_run_alone(sched_spawn("alone", run, NULL), 1000);
}

/*
 * One or two threads of a side stop between claim and store. Others of that
 * side finish behind them. Two of the other side meet them and stop as they
 * recover. Meanwhile the first ones go on for a few steps.
 */
static void recover_from(bool send)
{
	unsigned int stopped = 1 + sched_choose(2), last;
	for (unsigned int i = 0; i < stopped; i++)
		stop_victim(send);
	last = sched_spawn("behind", send ? recovery_sends : recovery_recvs, NULL);
	recovery_go_on(last, 200);
	for (int i = 0; i < 2; i++) {
		last = sched_spawn("recovers", send ? recovery_recv : recovery_send, NULL);
		recovery_go_on(last, 120);
		for (unsigned int victim = 1; victim <= stopped; victim++)
			recovery_go_on(victim, 8);
	}
	recovery_go_on(last - 1, 15);
	if (sched_choose(2) == 1)
		sched_spawn("other", send ? recovery_recvs : recovery_sends, NULL);
	if (sched_choose(3) > 0)
		sched_spawn("resumer", recovery_resume, NULL);
	recovery_end();
}

/*
 * As one thread recovers from another, a third one is about to claim the cell.
 * It has read something before, and reads the rest after.
 */
static void claim_late(bool send)
{
	void (*other)(void *) = send ? recovery_recv : recovery_send;
	if (sched_choose(2) == 1) {
		stop_victim(send);
		run_to_end(send ? recovery_send : recovery_recv);
		run_to_end(other); /* the cell is quarantined */
	}
	unsigned int last = stop_victim(send);
	run_to_end(send ? recovery_sends : recovery_recvs);
	unsigned int late = sched_spawn("late", other, NULL);
	unsigned int recovers = sched_spawn("recovers", other, NULL);
	if (sched_choose(2) == 0) {
		recovery_go_on(late, 24);
	} else { /* it knows of the challenge, but not of the decision */
		recovery_go_on(recovers, 60);
		recovery_go_on(late, 40);
	}
	recovery_go_on(recovers, 95);
	recovery_go_on(last, 6);
	recovery_go_on(late, 30);
	recovery_go_on(last, 10);
	recovery_go_on(recovers, 20);
	sched_resume_all();
	recovery_end();
}

static void run_recovery_late_pop(void)
{
	recovery_begin((size_t)2 << sched_choose(2), 0);
	recovery.batch = sched_choose(2);
	recovery.calls = 1 + sched_choose(2);
	claim_late(true);
}

static void begin_full(void)
{
	size_t capacity = (size_t)2 << sched_choose(2);
	recovery.queue = checks_queue(capacity, 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	history_send_batch(2 * capacity - sched_choose(2), 0);
}

static void run_recovery_late_push(void)
{
	begin_full();
	recovery.batch = sched_choose(2);
	recovery.calls = 1 + sched_choose(2);
	claim_late(false);
}

static void send_all(void *count)
{
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		history_send(0);
}

static void recv_all(void *count)
{
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		history_recv(0);
}

static void run_one(bool send, uintptr_t count)
{
	sched_run_alone(sched_spawn("alone", send ? send_all : recv_all, (void *)count), 1000);
}

/*
 * A thread stops about when it has stored its state. A lap later another one
 * has the same cell, and is skipped. Then the first one goes on.
 */
static void run_recovery_next_lap(void)
{
	bool send = sched_choose(2) == 0;
	recovery.queue = checks_queue(2, 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	if (!send)
		history_send_batch(4, 0);
	stop_victim(send);
	run_one(send, 3);
	run_one(!send, 3 + sched_choose(2));
	run_one(!send, sched_choose(2));
	stop_victim(send);
	run_one(send, 1);
	sched_run_alone(sched_spawn("recovers", send ? recv_all : send_all, (void *)1),
		200 - sched_choose(150));
	recovery_go_on(1, 40);
	sched_resume_all();
	recovery_end();
}

static void run_recovery_from_sender(void)
{
	recovery_begin((size_t)2 << sched_choose(2), 0);
	recovery.batch = sched_choose(3);
	recovery.calls = 1 + sched_choose(3);
	recover_from(true);
}

/* The queue is nearly full. */
static void run_recovery_from_receiver(void)
{
	begin_full();
	recovery.batch = sched_choose(3);
	recovery.calls = 1 + sched_choose(3);
	recover_from(false);
}

/*
 * A thread of the other side looks for a long time, and its answer is "empty",
 * or "full". But at each moment there was a message, or room.
 */
static void look_for_long(bool send)
{
	unsigned int victim = stop_victim(send);
	run_one(send, 1);
	unsigned int looks = sched_spawn("looks", send ? recovery_recv : recovery_send, NULL);
	recovery_go_on(looks, 45);
	sched_run_alone(victim, 100);
	run_one(send, 1);
	run_one(!send, 2);
	sched_resume_all();
	recovery_end();
}

static void run_recovery_empty(void)
{
	recovery.queue = checks_queue((size_t)2 << sched_choose(2), 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	look_for_long(true);
}

static void run_recovery_full(void)
{
	begin_full();
	look_for_long(false);
}

/*
 * Receivers have claimed some cells and stop, and senders skip these. Then all
 * go on, and the capacity is as promised.
 */
static void run_recovery_capacity(void)
{
	size_t capacity = (size_t)2 << sched_choose(2);
	unsigned int stopped = 0;
	recovery.queue = checks_queue(capacity, 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	history_send_batch(2 * capacity, 0);
	for (size_t i = 0; i < 2 * capacity; i++) {
		if (stopped < 6 && sched_choose(3) > 0) {
			stop_victim(false);
			stopped++;
		} else {
			history_recv(0);
		}
	}
	for (unsigned int i = 0; i < 4 && history_send(0) == 1; i++)
		;
	sched_resume_all();
	sched_wait();
	checks_capacity(recovery.queue);
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(recovery_from_sender, "threads stop as they recover from senders")
PROGRAM(recovery_from_receiver, "threads stop as they recover from receivers")
PROGRAM(recovery_late_pop, "a receiver claims late beside a recovery")
PROGRAM(recovery_late_push, "a sender claims late beside a recovery")
PROGRAM(recovery_next_lap, "a thread goes on when its cell is another's")
PROGRAM(recovery_empty, "a receiver looks while messages come and go")
PROGRAM(recovery_full, "a sender looks while room comes and goes")
PROGRAM(recovery_capacity, "receivers stop, senders skip, and the capacity fits")

const struct sched_program *const recovery_step_programs[] = { &program_recovery_from_sender,
	&program_recovery_from_receiver, &program_recovery_late_pop, &program_recovery_late_push,
	&program_recovery_next_lap, &program_recovery_empty, &program_recovery_full,
	&program_recovery_capacity, NULL };
