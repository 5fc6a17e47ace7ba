/* SPDX-License-Identifier: MIT */
/*
 * pause: short waits that keep the processor, in nanoseconds.
 *
 * The processor's pause instruction takes 10 to 140 cycles on x86 and next to
 * nothing on ARM. A fixed number of pauses is a different time on each machine.
 * So the library measures once what a pause costs, and tuning.h has times.
 */
#ifndef MAGRING_PAUSE_H
#define MAGRING_PAUSE_H

#include <ck_pr.h>
#include <stdint.h>

/* What one pause takes, in picoseconds. Constant once pause_init() has run. */
extern uint64_t pause_cost_ps;

/* Measure that, unless it is done. Takes some tens of microseconds. */
void pause_init(void);
/* In the child of a fork: no other thread measures. */
void pause_forget_measuring(void);

/* The number of pauses that come nearest to a time, and at least one. */
static inline unsigned int pauses_in(uint64_t ns)
{
	uint64_t pauses = (ns * 1000 + pause_cost_ps / 2) / pause_cost_ps;
	return pauses > 0 ? (unsigned int)pauses : 1;
}

static inline void pause_times(unsigned int pauses)
{
	for (unsigned int i = 0; i < pauses; i++)
		ck_pr_stall();
}

static inline void pause_for(uint64_t ns)
{
	pause_times(pauses_in(ns));
}

#endif
