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
#include "recovery.h"

#include <stddef.h>

#include "magring.h"

static void closer(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(100));
	history_close();
}

static void observer(void *unused)
{
	(void)unused;
	checks_observe(recovery.queue, 2);
}

static void stop_victims(unsigned int most, bool senders, bool receivers)
{
	unsigned int victims = 1 + sched_choose(most);
	for (unsigned int i = 1; i <= victims; i++) {
		bool send = senders && (!receivers || sched_choose(2) == 0);
		sched_spawn(send ? "victim s" : "victim r", send ? recovery_send : recovery_recv,
			NULL);
		sched_run_alone(i, sched_choose(3) > 0 ? 6 + sched_choose(12) : sched_choose(90));
		sched_stop(i);
	}
}

static void go_on(void)
{
	if (sched_choose(3) > 0)
		sched_spawn("resumer", recovery_resume, NULL);
	if (sched_choose(4) == 1)
		sched_spawn("observer", observer, NULL);
	recovery_end();
}

/* ---------------------------------------------------------------- programs -- */

static void run_recovery(void)
{
	recovery_begin(2, 0);
	recovery.calls = 2 + sched_choose(4);
	stop_victims(3, true, true);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	go_on();
}

static void run_recovery_senders(void)
{
	recovery_begin(2, 0);
	recovery.calls = 2 + sched_choose(2);
	stop_victims(2, true, false);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	go_on();
}

static void run_recovery_receivers(void)
{
	recovery_begin(2, 0);
	recovery.calls = 2 + sched_choose(2);
	stop_victims(2, false, true);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	go_on();
}

static void run_recovery_batches(void)
{
	recovery_begin(sched_choose(3) == 0 ? 8 : 4, 0);
	recovery.batch = 3;
	recovery.calls = 2 + sched_choose(3);
	stop_victims(3, true, true);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	go_on();
}

static void run_recovery_laps(void)
{
	recovery_begin(2, 0);
	recovery.calls = 7;
	stop_victims(1, true, true);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	go_on();
}

static void run_recovery_closing(void)
{
	recovery_begin(2, 0);
	recovery.calls = 2 + sched_choose(2);
	stop_victims(2, true, true);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	sched_spawn("closer", closer, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("resumer", recovery_resume, NULL);
	recovery_end();
}

/* The victims are of the side that any thread may use, or the only thread of
 * each side is one. */
static void run_recovery_exclusive(void)
{
	static const uint64_t sides[] = { MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER };
	unsigned int side = sched_choose(2);
	recovery_begin((size_t)2 << sched_choose(2), sides[side]);
	recovery.batch = sched_choose(3);
	recovery.calls = 2 + sched_choose(3);
	stop_victims(2, side == 1, side == 0);
	sched_spawn("sender", recovery_sends, NULL);
	sched_spawn("receiver", recovery_recvs, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("closer", closer, NULL);
	go_on();
}

static void run_recovery_exclusive_victim(void)
{
	static const uint64_t sides[] = { MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER };
	unsigned int side = sched_choose(2);
	recovery_begin((size_t)2 << sched_choose(2), sides[side]);
	recovery.batch = sched_choose(3);
	recovery.calls = 2 + sched_choose(3);
	stop_victims(1, side == 0, side == 1);
	sched_spawn("other", side == 0 ? recovery_recvs : recovery_sends, NULL);
	sched_spawn("other", side == 0 ? recovery_recvs : recovery_sends, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("closer", closer, NULL);
	go_on();
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(recovery, "three threads stop, two go on")
PROGRAM(recovery_senders, "senders stop")
PROGRAM(recovery_receivers, "receivers stop")
PROGRAM(recovery_batches, "threads stop in batches")
PROGRAM(recovery_laps, "one thread stops for more than a lap")
PROGRAM(recovery_closing, "threads stop, and the queue is closed")
PROGRAM(recovery_exclusive, "threads stop beside an exclusive side")
PROGRAM(recovery_exclusive_victim, "the thread of an exclusive side stops")

const struct sched_program *const recovery_programs[] = { &program_recovery,
	&program_recovery_senders, &program_recovery_receivers, &program_recovery_batches,
	&program_recovery_laps, &program_recovery_closing, &program_recovery_exclusive,
	&program_recovery_exclusive_victim, NULL };
