/* SPDX-License-Identifier: MIT */
/*
 * traffic: a run with one queue, senders, receivers and others, of which much
 * is left to choice.
 */
#ifndef MAGRING_SCHED_TRAFFIC_H
#define MAGRING_SCHED_TRAFFIC_H

#include <stdbool.h>

#define TRAFFIC_WAIT (1u << 0)    /* timeout -1 */
#define TRAFFIC_TRY (1u << 1)     /* timeout 0 */
#define TRAFFIC_LIMIT (1u << 2)   /* a time that may pass */
#define TRAFFIC_LONG (1u << 3)    /* INT64_MAX */
#define TRAFFIC_POLL (1u << 4)    /* timeout 0, then the descriptor */
#define TRAFFIC_CLOSE (1u << 5)   /* a thread closes the queue at some moment */
#define TRAFFIC_CANCEL (1u << 6)  /* a thread is cancelled */
#define TRAFFIC_OBSERVE (1u << 7) /* a thread reads the counts */
#define TRAFFIC_STOP (1u << 8)    /* thread 0 stops one thread or two */
#define TRAFFIC_EDGES (1u << 9)   /* TRAFFIC_POLL waits for edges */
#define TRAFFIC_FILL (1u << 10)   /* at the end the queue is open, and filled */
#define TRAFFIC_MAYBE (1u << 11)  /* magring_try_send() and others */
#define TRAFFIC_SPIN (1u << 12)   /* the queue has a budget, or none, for waits */

/* What a program chooses from. */
struct traffic {
	unsigned int capacities; /* how many of 2, 4, 8 */
	unsigned int senders;    /* at most */
	unsigned int receivers;
	unsigned int calls;     /* of each, at most */
	unsigned int batch;     /* messages of a call, at most; 0: single calls */
	unsigned int flags;     /* TRAFFIC_... */
	unsigned int exclusive; /* MAGRING_SINGLE_...: such sides, or not */
	bool starts;            /* positions and epochs before their wraps, too */
};

void traffic_run(const struct traffic *traffic);

#endif
