/* SPDX-License-Identifier: MIT */
/*
 * A thread that sends or receives during one measurement. The main thread fills
 * in the first part; the worker itself shows its progress in the second, on
 * cache lines that nobody else writes, and leaves its results when it ends.
 */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

#include "heap.h"
#include "workload.h"

#include <pthread.h>
#include <stdatomic.h>

struct peer;

struct worker {
	pthread_t thread;
	const struct peer *peer;
	void *channel;
	const struct workload *workload;
	const atomic_bool *stop;  /* senders: enough */
	pthread_barrier_t *start; /* its side begins together */
	unsigned int index;       /* among its side */
	unsigned int beside;      /* how many there are on its side */
	unsigned int cpu;         /* see cpus_pin() */
	struct latency *latency;  /* of a receiver, where the workload is timed */

	_Alignas(128) _Atomic uint64_t count; /* messages so far */
	_Atomic uint64_t bytes;               /* of ids and payloads so far */
	struct tally tally;                   /* of a receiver, at its end */
	struct heap_counts heap;              /* at its end */
};

#endif
