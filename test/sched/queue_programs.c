/* SPDX-License-Identifier: MIT */
/* Traffic on one queue, each program with an emphasis of its own. */
#include "scheduler.h"
#include "history.h"
#include "traffic.h"

#include <stddef.h>

#include "magring.h"
#include "programs.h"

#define BOTH (MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER)

/* A program: its name, what it is about, its flags, and its traffic. */
#define TRAFFIC(symbol, about, flags, ...) \
	static void run_##symbol(void) \
	{ \
		static const struct traffic traffic = { __VA_ARGS__ }; \
		traffic_run(&traffic); \
	} \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		flags };

TRAFFIC(singles, "single messages, with any timeout", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT,
	.capacities = 1, .senders = 2, .receivers = 2, .calls = 3, .starts = true,
	.flags = TRAFFIC_WAIT | TRAFFIC_TRY | TRAFFIC_LIMIT | TRAFFIC_LONG)
TRAFFIC(batches, "batches up to capacity + 2", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT,
	.capacities = 3, .senders = 2, .receivers = 2, .calls = 2, .batch = HISTORY_BATCH,
	.starts = true, .flags = TRAFFIC_WAIT | TRAFFIC_TRY)
TRAFFIC(waits, "sleepers on both sides of a small queue", SCHED_MAY_INTERRUPT, .capacities = 1,
	.senders = 3, .receivers = 3, .calls = 2, .batch = 4, .flags = TRAFFIC_WAIT)
TRAFFIC(exclusive, "sides of one thread", SCHED_MAY_STOP, .capacities = 2, .senders = 2,
	.receivers = 2, .calls = 3, .batch = 4, .exclusive = BOTH, .starts = true,
	.flags = TRAFFIC_WAIT | TRAFFIC_TRY | TRAFFIC_CLOSE)
TRAFFIC(closing, "close at any moment", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT, .capacities = 1,
	.senders = 2, .receivers = 2, .calls = 2, .batch = 3, .starts = true,
	.flags = TRAFFIC_WAIT | TRAFFIC_TRY | TRAFFIC_CLOSE)
TRAFFIC(pollers, "descriptors instead of sleep", SCHED_MAY_STOP, .capacities = 1, .senders = 2,
	.receivers = 2, .calls = 2, .batch = 2, .starts = true, .flags = TRAFFIC_POLL)
TRAFFIC(pollers_edge, "edges of descriptors", SCHED_MAY_STOP, .capacities = 1, .senders = 2,
	.receivers = 2, .calls = 2, .batch = 2, .flags = TRAFFIC_POLL | TRAFFIC_EDGES)
TRAFFIC(pollers_closing, "descriptors of a queue that is closed", SCHED_MAY_STOP, .capacities = 1,
	.senders = 1, .receivers = 2, .calls = 2, .batch = 2, .flags = TRAFFIC_POLL | TRAFFIC_CLOSE)
TRAFFIC(capacity, "after traffic, with threads stopped meanwhile, the capacity fits",
	SCHED_MAY_STOP | SCHED_MAY_DIE, .capacities = 2, .senders = 3, .receivers = 2, .calls = 3,
	.batch = 4, .exclusive = BOTH, .starts = true,
	.flags = TRAFFIC_TRY | TRAFFIC_LIMIT | TRAFFIC_STOP | TRAFFIC_FILL)
TRAFFIC(senders_stopped, "senders alone, some of them stopped, and then the capacity fits",
	SCHED_MAY_STOP | SCHED_MAY_DIE, .capacities = 1, .senders = 3, .receivers = 1, .calls = 4,
	.batch = 2, .flags = TRAFFIC_TRY | TRAFFIC_STOP | TRAFFIC_FILL)
TRAFFIC(cancelled, "a thread is cancelled", SCHED_MAY_INTERRUPT, .capacities = 1, .senders = 2,
	.receivers = 2, .calls = 2, .batch = 3, .flags = TRAFFIC_WAIT | TRAFFIC_CANCEL)
TRAFFIC(observed, "counts and sizes beside traffic", SCHED_MAY_STOP, .capacities = 1, .senders = 2,
	.receivers = 2, .calls = 2, .batch = 3, .exclusive = BOTH, .starts = true,
	.flags = TRAFFIC_TRY | TRAFFIC_LIMIT | TRAFFIC_OBSERVE | TRAFFIC_CLOSE)
TRAFFIC(dies, "one thread stops for good", SCHED_MAY_DIE, .capacities = 2, .senders = 2,
	.receivers = 2, .calls = 3, .batch = 3, .exclusive = BOTH, .starts = true,
	.flags = TRAFFIC_WAIT | TRAFFIC_TRY)
TRAFFIC(dies_closing, "one thread stops for good, and the queue is closed", SCHED_MAY_DIE,
	.capacities = 1, .senders = 3, .receivers = 3, .calls = 1, .batch = 1,
	.flags = TRAFFIC_WAIT | TRAFFIC_CLOSE)
TRAFFIC(stopped, "one or two threads stop for long", 0, .capacities = 2, .senders = 3,
	.receivers = 2, .calls = 3, .batch = 3, .starts = true,
	.flags = TRAFFIC_WAIT | TRAFFIC_TRY | TRAFFIC_STOP)
TRAFFIC(stopped_tries, "threads stop, and no call waits", SCHED_MAY_STOP | SCHED_MAY_DIE,
	.capacities = 1, .senders = 3, .receivers = 2, .calls = 3, .batch = 2, .exclusive = BOTH,
	.starts = true, .flags = TRAFFIC_TRY | TRAFFIC_STOP)

const struct sched_program *const queue_programs[] = { &program_singles, &program_batches,
	&program_waits, &program_exclusive, &program_closing, &program_pollers,
	&program_pollers_edge, &program_pollers_closing, &program_capacity,
	&program_senders_stopped, &program_cancelled, &program_observed, &program_dies,
	&program_dies_closing, &program_stopped, &program_stopped_tries, NULL };
