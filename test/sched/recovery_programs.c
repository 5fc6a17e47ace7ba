/* SPDX-License-Identifier: MIT */
/*
 * Recovery: some threads stop in the middle of their calls, one after another,
 * and each where it hurts. Others go on beside them. Then those go on as well.
 *
 * A victim runs alone for a few steps. The first one is likely to be between
 * its claim and its store, and a later one may be in the middle of its recovery
 * from the first.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"

#include <stddef.h>

#include "magring.h"

static struct magring_queue *queue;
static unsigned int victims, calls, batch;

static void one_call(bool send)
{
	unsigned int count = batch > 0 ? sched_choose(batch + 1) : 0;
	if (send)
		count > 0 ? history_send_batch(count, 0) : history_send(0);
	else
		count > 0 ? history_recv_batch(count, 0) : history_recv(0);
}

static void victim_sender(void *unused)
{
	(void)unused;
	one_call(true);
}

static void victim_receiver(void *unused)
{
	(void)unused;
	one_call(false);
}

static void busy_sender(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < calls && history_has_room(batch + 4); i++)
		one_call(true);
}

static void busy_receiver(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < calls && history_has_room(batch + 4); i++)
		one_call(false);
}

static void resumer(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(250));
	sched_resume_all();
}

static void closer(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(100));
	history_close();
}

static void observer(void *unused)
{
	(void)unused;
	checks_observe(queue, 2);
}

/* ------------------------------------------------------------------- begin -- */

/* An exclusive side has one thread, and thread 0 has to fill before. */
static void begin(size_t capacity, uint64_t flags)
{
	queue = checks_queue(capacity, flags, sched_choose(2) == 1);
	history_begin(queue);
	unsigned int sent = sched_choose(2) == 0 ? sched_choose(2)
						 : sched_choose(2 * (unsigned int)capacity + 1);
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
	for (unsigned int i = 0; i < sent && sched_choose(3) == 1; i++)
		history_recv(0);
}

static void stop_victims(unsigned int most, bool senders, bool receivers)
{
	victims = 1 + sched_choose(most);
	for (unsigned int i = 1; i <= victims; i++) {
		bool send = senders && (!receivers || sched_choose(2) == 0);
		sched_spawn(send ? "victim s" : "victim r", send ? victim_sender : victim_receiver,
			NULL);
		sched_run_alone(i, sched_choose(3) > 0 ? 6 + sched_choose(12) : sched_choose(90));
		sched_stop(i);
	}
}

static void end(void)
{
	sched_wait();
	history_judge();
	sched_resume_all();
	sched_wait();
	if (sched_choose(2) == 1 && !history_is_closed()) {
		checks_capacity(queue);
		return;
	}
	if (!history_is_closed())
		history_close();
	checks_end(queue);
}

static void go_on(void)
{
	if (sched_choose(3) > 0)
		sched_spawn("resumer", resumer, NULL);
	if (sched_choose(4) == 1)
		sched_spawn("observer", observer, NULL);
	end();
}

/* ---------------------------------------------------------------- programs -- */

static void run_recovery(void)
{
	begin(2, 0);
	calls = 2 + sched_choose(4);
	stop_victims(3, true, true);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	go_on();
}

static void run_recovery_senders(void)
{
	begin(2, 0);
	calls = 2 + sched_choose(2);
	stop_victims(2, true, false);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	go_on();
}

static void run_recovery_receivers(void)
{
	begin(2, 0);
	calls = 2 + sched_choose(2);
	stop_victims(2, false, true);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	go_on();
}

static void run_recovery_batches(void)
{
	begin(sched_choose(3) == 0 ? 8 : 4, 0);
	batch = 3;
	calls = 2 + sched_choose(3);
	stop_victims(3, true, true);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	go_on();
}

static void run_recovery_laps(void)
{
	begin(2, 0);
	calls = 7;
	stop_victims(1, true, true);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	go_on();
}

static void run_recovery_closing(void)
{
	begin(2, 0);
	calls = 2 + sched_choose(2);
	stop_victims(2, true, true);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	sched_spawn("closer", closer, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("resumer", resumer, NULL);
	end();
}

/* The victims are of the side that any thread may use, or the only thread of
 * each side is one. */
static void run_recovery_exclusive(void)
{
	static const uint64_t sides[] = { MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER };
	unsigned int side = sched_choose(2);
	begin((size_t)2 << sched_choose(2), sides[side]);
	batch = sched_choose(3);
	calls = 2 + sched_choose(3);
	stop_victims(2, side == 1, side == 0);
	sched_spawn("sender", busy_sender, NULL);
	sched_spawn("receiver", busy_receiver, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("closer", closer, NULL);
	go_on();
}

static void run_alone(unsigned int thread, unsigned int most)
{
	sched_run_alone(thread, sched_choose(most));
	sched_stop(thread);
}

/*
 * One or two threads of a side stop between claim and store. Others of that
 * side finish behind them. Two of the other side meet them and stop as they
 * recover. Meanwhile the first ones go on for a few steps.
 */
static void recover_from(bool send)
{
	unsigned int stopped = 1 + sched_choose(2), last;
	for (unsigned int i = 1; i <= stopped; i++) {
		sched_spawn("victim", send ? victim_sender : victim_receiver, NULL);
		sched_run_alone(i, 8 + sched_choose(6));
		sched_stop(i);
	}
	last = sched_spawn("behind", send ? busy_sender : busy_receiver, NULL);
	run_alone(last, 200);
	for (int i = 0; i < 2; i++) {
		last = sched_spawn("recovers", send ? victim_receiver : victim_sender, NULL);
		run_alone(last, 120);
		for (unsigned int victim = 1; victim <= stopped; victim++)
			run_alone(victim, 8);
	}
	run_alone(last - 1, 15);
	if (sched_choose(2) == 1)
		sched_spawn("other", send ? busy_receiver : busy_sender, NULL);
	if (sched_choose(3) > 0)
		sched_spawn("resumer", resumer, NULL);
	end();
}

static void run_recovery_from_sender(void)
{
	begin((size_t)2 << sched_choose(2), 0);
	batch = sched_choose(3);
	calls = 1 + sched_choose(3);
	recover_from(true);
}

/* The queue is nearly full. */
static void run_recovery_from_receiver(void)
{
	size_t capacity = (size_t)2 << sched_choose(2);
	queue = checks_queue(capacity, 0, sched_choose(2) == 1);
	history_begin(queue);
	history_send_batch(2 * capacity - sched_choose(2), 0);
	batch = sched_choose(3);
	calls = 1 + sched_choose(3);
	recover_from(false);
}

static void run_recovery_exclusive_victim(void)
{
	static const uint64_t sides[] = { MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER };
	unsigned int side = sched_choose(2);
	begin((size_t)2 << sched_choose(2), sides[side]);
	batch = sched_choose(3);
	calls = 2 + sched_choose(3);
	stop_victims(1, side == 0, side == 1);
	sched_spawn("other", side == 0 ? busy_receiver : busy_sender, NULL);
	sched_spawn("other", side == 0 ? busy_receiver : busy_sender, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("closer", closer, NULL);
	go_on();
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(recovery, "three threads stop, two go on")
PROGRAM(recovery_from_sender, "threads stop as they recover from senders")
PROGRAM(recovery_from_receiver, "threads stop as they recover from receivers")
PROGRAM(recovery_senders, "senders stop")
PROGRAM(recovery_receivers, "receivers stop")
PROGRAM(recovery_batches, "threads stop in batches")
PROGRAM(recovery_laps, "one thread stops for more than a lap")
PROGRAM(recovery_closing, "threads stop, and the queue is closed")
PROGRAM(recovery_exclusive, "threads stop beside an exclusive side")
PROGRAM(recovery_exclusive_victim, "the thread of an exclusive side stops")

const struct sched_program *const recovery_programs[] = { &program_recovery,
	&program_recovery_from_sender, &program_recovery_from_receiver, &program_recovery_senders,
	&program_recovery_receivers, &program_recovery_batches, &program_recovery_laps,
	&program_recovery_closing, &program_recovery_exclusive, &program_recovery_exclusive_victim,
	NULL };
