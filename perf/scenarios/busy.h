/* SPDX-License-Identifier: MIT */
/* Threads that wait, beside processes that are busy; see busy.c. */
#ifndef PERF_SCENARIOS_BUSY_H
#define PERF_SCENARIOS_BUSY_H

#include "core/worker.h"

#include <sys/types.h>

enum { BUSY_MAX = 2 };

/* Every number of CPUs and of processes: --short takes the first and last. */
#define BUSY_SETTING(what, shape_senders, rate_, cpus, processes, suffix) \
	{ \
		.name = what suffix, .senders = shape_senders, .receivers = 1, .capacity = 1024, \
		.batch = 1, .rate = rate_, .processors = cpus, .busy = processes, \
	}
#define BUSY_SETTINGS(what, senders, rate) \
	BUSY_SETTING(what, senders, rate, 1, 0, "on 1 CPU, 0 busy"), \
		BUSY_SETTING(what, senders, rate, 1, 1, "on 1 CPU, 1 busy"), \
		BUSY_SETTING(what, senders, rate, 1, 2, "on 1 CPU, 2 busy"), \
		BUSY_SETTING(what, senders, rate, 2, 0, "on 2 CPUs, 0 busy"), \
		BUSY_SETTING(what, senders, rate, 2, 1, "on 2 CPUs, 1 busy"), \
		BUSY_SETTING(what, senders, rate, 2, 2, "on 2 CPUs, 2 busy")

/* Processes that spin. */
struct busy {
	pid_t processes[BUSY_MAX];
	unsigned int count;
};

void busy_start(struct busy *busy, const struct setting *setting);

/* They are killed, and reaped. */
void busy_end(struct busy *busy);

/* Keep the calling thread on the setting's CPUs, pinned to none of them. */
void busy_place(const struct setting *setting);

/* Receivers can sleep in the queue, and there are so many CPUs. */
bool busy_applies(const struct queue *queue, const struct setting *setting);

/* What went on in the window. */
struct busy_window {
	double seconds;
	uint64_t sent;
	uint64_t received;
	double cpu_ns;           /* of this process */
	double receivers_cpu_ns; /* of its receivers */
};

/* Start a crew beside busy processes, look at it for a while, and stop them
 * all. Latencies are counted in the window. */
void busy_watch(struct crew *crew, const struct setting *setting, double seconds,
	struct busy_window *ret_window);

/* Of the window, a message that was received; NAN if none was. */
double busy_per_message(const struct busy_window *window, double what);

#endif
