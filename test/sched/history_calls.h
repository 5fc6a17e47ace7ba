/* SPDX-License-Identifier: MIT */
/* history calls: what a history keeps, for history.c and history_judge.c. */
#ifndef MAGRING_SCHED_HISTORY_CALLS_H
#define MAGRING_SCHED_HISTORY_CALLS_H

#include "history.h"
#include "judge.h"

struct call {
	enum judge_kind kind;
	bool ended;
	bool poll; /* HISTORY_POLL */
	unsigned int thread;
	size_t count;
	int result; /* how many, or an error */
	uint64_t begin, end;
	struct sched_knowledge known_at_begin, known_at_end;
	uint64_t values[HISTORY_BATCH];
	struct magring_message messages[HISTORY_BATCH];
};

extern struct history {
	struct magring_queue *queue;
	unsigned int count;
	uint64_t values;
	bool closed;
	struct call calls[HISTORY_CALLS];
	uint64_t beside[HISTORY_VALUES]; /* the program's own words */
} history;

/* How many of a call's messages certainly went. */
unsigned int history_went(const struct call *call);

#endif
