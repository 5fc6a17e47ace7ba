/* SPDX-License-Identifier: MIT */
/* One peer, one workload, one number of threads, once; see measure.c. */
#ifndef PERF_MEASURE_H
#define PERF_MEASURE_H

#include "contests.h"
#include "heap.h"
#include "options.h"
#include "peers/peer.h"
#include "workload.h"

struct measurement {
	const struct peer *peer;
	const struct workload *workload;
	struct shape shape;
	size_t capacity;
	enum cpus cpus;
	double seconds;
	bool backlog; /* fill the channel before anybody receives */
};

struct sample {
	double seconds;             /* of the window */
	uint64_t messages;          /* received in the window */
	uint64_t sent;              /* in the window */
	uint64_t bytes;             /* of their ids and payloads */
	double cpu_seconds;         /* that the process used in the window */
	struct heap_counts heap;    /* of all workers in the window */
	double efficiency;          /* with a backlog, see struct peer; else NAN */
	struct percentiles latency; /* of what was sent in the window, if that is timed */
	struct questions questions; /* from the beginning to the end */
	uint64_t checked;           /* messages in all, whose tally was right */
};

/* Exits with 1 when what was received is not what was sent. */
struct sample measure(const struct measurement *measurement);

#endif
