/* SPDX-License-Identifier: MIT */
/*
 * pool_programs: the programs for lib/pool.
 */
#ifndef MAGRING_SCHED_POOL_PROGRAMS_H
#define MAGRING_SCHED_POOL_PROGRAMS_H

#include "scheduler.h"

/* Ended by NULL. */
extern const struct sched_program *const pool_programs[];

extern const struct sched_program memory_few, memory_pairs, memory_cooling;
extern const struct sched_program memory_burst, memory_wave, memory_line, memory_timeouts,
	memory_cancel, memory_hidden;
extern const struct sched_program memory_trim, memory_two_trims, memory_hopeless, memory_two_press,
	memory_press_asleep, memory_trim_wakes, memory_magazines, memory_only_slab, memory_rest;
extern const struct sched_program memory_exit, memory_statistics, memory_absent, memory_overflow,
	memory_destroy, memory_stack;
extern const struct sched_program memory_fork;
extern const struct sched_program memory_ends, memory_ends_fork, memory_given_back;
extern const struct sched_program memory_pops, memory_bare_statistics, memory_carve,
	memory_carve_both, memory_cool;
extern const struct sched_program memory_ranges, memory_trimmed;
extern const struct sched_program memory_turns, memory_turns_cancel, memory_turns_batches,
	memory_fast_free;
extern const struct sched_program memory_sampled, memory_sampled_all;
extern const struct sched_program memory_batches, memory_batches_wait, memory_checked;
extern const struct sched_program memory_messages, memory_names, memory_shares;

#endif
