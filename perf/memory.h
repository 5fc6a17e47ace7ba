/* SPDX-License-Identifier: MIT */
/* Memory, measured in processes of their own; see memory.c. */
#ifndef PERF_MEMORY_H
#define PERF_MEMORY_H

#include "measure.h"

struct memory {
	double peak_mb;       /* the largest resident set of the process, 10^6 bytes */
	struct sample sample; /* efficiency is with a full channel */
};

/* A pool filled with payloads of one size until it refuses. */
struct fill {
	size_t payload_size;
	double messages;   /* that fitted into the budget */
	double limit_mb;   /* the budget */
	double efficiency; /* of the full pool, as magring_pool_get_stats() tells it */
	double resident;   /* the same share, of what the process grew by */
};

/*
 * Which of its measurements of memory a process is to make: the number of a group
 * and peer, counted through, or the filled pool.
 */
enum { MEMORY_NONE = -1, MEMORY_FILL = 1 << 20 };

/* Have a process of its own make one, with the arguments that this one was given. */
struct memory memory_of(char *const *arguments, int which);
struct fill memory_of_full_pool(char *const *arguments);

/* In that process: make it and send it back. */
void memory_answer(const struct measurement *measurement);
void memory_answer_full_pool(void);

#endif
