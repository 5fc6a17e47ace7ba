/* SPDX-License-Identifier: MIT */
/*
 * memory_programs: the programs for lib/pool.
 */
#ifndef MAGRING_SCHED_MEMORY_PROGRAMS_H
#define MAGRING_SCHED_MEMORY_PROGRAMS_H

#include "scheduler.h"

/* Ended by NULL. */
extern const struct sched_program *const memory_programs[];

extern const struct sched_program memory_few, memory_pairs, memory_cooling;
extern const struct sched_program memory_burst, memory_wave, memory_line, memory_timeouts,
	memory_cancel, memory_hidden;
extern const struct sched_program memory_trim, memory_two_trims, memory_hopeless, memory_trim_wakes,
	memory_magazines, memory_only_slab;

#endif
