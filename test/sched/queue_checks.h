/* SPDX-License-Identifier: MIT */
/*
 * queue checks: how a queue of a run is made, and what must be true of it when
 * all threads stand still. The calls on it are those of history.h.
 */
#ifndef MAGRING_SCHED_QUEUE_CHECKS_H
#define MAGRING_SCHED_QUEUE_CHECKS_H

#include "history.h"

/* With starts, positions and epochs may begin just before they wrap. */
struct magring_queue *checks_queue(size_t capacity, uint64_t flags, bool starts);

/* Waits are asleep at once, without tries before. */
void checks_sleep_at_once(struct magring_queue *queue);

/* Read the counts so many times: none falls, and sizes are possible. */
void checks_observe(struct magring_queue *queue, unsigned int times);

/* How many threads have stopped. */
unsigned int checks_stopped(void);

/* All stand still: whether a thread is asleep beside what it waits for. */
bool checks_sleeps_in_vain(struct magring_queue *queue);
/* The run fails if one is. */
void checks_sleepers(struct magring_queue *queue);

/*
 * The queue is closed, and all stand still. Every thread has ended, the judge
 * finds an order, what is left is what was sent and not received, and the
 * counts say so. The queue is released.
 */
void checks_end(struct magring_queue *queue);

/*
 * The same for a queue that is open: as many messages fit as its capacity, and
 * twice as many if no position was skipped.
 */
void checks_capacity(struct magring_queue *queue);

/* No thread is in a call: each challenge is over, and no cell quarantined. */
struct ring;
void checks_recovery(const struct ring *ring);

#endif
