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

/* No pauses if those of this thread's last waits were in vain. */
struct backoff backoff_begin(void);
/* Pause until the next try. The last one is due when `left` is 0. */
void backoff_pause(struct backoff *backoff);
/* A try after pauses brought so many messages: the thread adapts its stride. */
void backoff_learn(const struct ring *ring, enum side side, unsigned int came);

/* The yields of one wait. All zero at first. */
struct backoff_yields {
	int count;
	int64_t last_ns; /* when the last one was charged */
	uint64_t moves;  /* of both ends of the ring, before it */
};

/* Whether to yield once more. */
bool backoff_may_yield(struct backoff_yields *yields, int64_t deadline_ns);
void backoff_yield(struct backoff_yields *yields, const struct ring *ring);
/* After the try that follows a yield: find out what it was good for. */
void backoff_yielded(struct backoff_yields *yields, const struct ring *ring);

/* What a wait ended with. The thread leaves out pauses that do not help. */
enum backoff_end { BY_PAUSES, BY_YIELDS, ASLEEP };
void backoff_end(enum backoff_end end);

/*
 * Whether to try again what so many waits in a row have tried in vain: with few
 * of them always, and then ever more rarely.
 */
bool backoff_is_due(unsigned int in_vain);

#endif
