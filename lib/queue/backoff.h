/* SPDX-License-Identifier: MIT */
/*
 * backoff: how a thread that found a queue full or empty spends the time
 * between its tries, before it sleeps. First it pauses and keeps its processor.
 * Then it yields to other threads. The tries are the caller's.
 */
#ifndef MAGRING_BACKOFF_H
#define MAGRING_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/ring.h"

/* The pauses of one wait. */
struct backoff {
	unsigned int stride; /* pauses between two tries */
	unsigned int left;   /* pauses of the spin budget that are left */
};

struct backoff backoff_begin(void);
/* Pause until the next try. The last one is due when `left` is 0. */
void backoff_pause(struct backoff *backoff);
/* A try after pauses brought so many messages: the thread adapts its stride. */
void backoff_learn(const struct ring *ring, enum side side, unsigned int came);

/* The yields of one wait. All zero at first. */
struct backoff_yields {
	int count;
	bool late;         /* a yield took long, and the queue hardly moved meanwhile */
	int64_t before_ns; /* the last yield */
	int64_t after_ns;
	uint64_t position; /* of this side, before it */
};

/* Whether to yield once more. Not if a deadline is near. */
bool backoff_may_yield(struct backoff_yields *yields, int64_t deadline_ns);
void backoff_yield(struct backoff_yields *yields, const struct ring *ring, enum side side);
/* The try after a yield returned this: find out whether it came late. */
void backoff_yielded(struct backoff_yields *yields, const struct ring *ring, enum side side,
	int result);

/*
 * Whether a wait should try for a while, or sleep at once. `slept` counts the
 * waits in a row, of any threads, that ended asleep or late.
 */
bool backoff_is_due(unsigned int slept);

#endif
