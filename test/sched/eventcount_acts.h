/* SPDX-License-Identifier: MIT */
/*
 * eventcount acts: what threads do at the one eventcount of a run. Its condition
 * is a number of items, which some threads put and others take, and that it is
 * over.
 */
#ifndef MAGRING_SCHED_EVENTCOUNT_ACTS_H
#define MAGRING_SCHED_EVENTCOUNT_ACTS_H

#include "scheduler.h"

/* With wraps, the epoch may begin just before it wraps. */
void acts_begin(bool wraps);
void acts_end(void);

void acts_put(unsigned int count);
/* Wait for an item until then. INT64_MAX is for ever. */
void acts_take(int64_t deadline_ns);
/* It is over: no thread waits any more. */
void acts_finish(void);
/* There was no item, so the descriptor is armed. */
void acts_arm(void);
/* Until it has got something, or has tried four times. */
void acts_poll(bool by_edges);

uint64_t acts_word(void);

/* All stand still: no thread is asleep while the condition holds. */
void acts_check_standstill(void);
/* All stand still: the descriptor is armed or readable. */
void acts_check_descriptor(void);
/* All have ended: besides, the word counts nothing. */
void acts_check_word(void);

#endif
