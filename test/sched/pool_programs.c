/* SPDX-License-Identifier: MIT */
/*
 * The programs for lib/pool, in the order in which a reader may like them.
 */
#include "pool_programs.h"

#include <stddef.h>

const struct sched_program *const pool_programs[] = { &memory_few, &memory_pairs, &memory_cooling,
	&memory_burst, &memory_wave, &memory_line, &memory_timeouts, &memory_cancel, &memory_hidden,
	&memory_trim, &memory_two_trims, &memory_hopeless, &memory_two_press, &memory_press_asleep,
	&memory_only_slab, &memory_trim_wakes, &memory_magazines, &memory_exit, &memory_statistics,
	&memory_absent, &memory_overflow, &memory_destroy, &memory_stack, &memory_fork,
	&memory_pops, &memory_bare_statistics, &memory_carve, &memory_carve_both, &memory_cool,
	&memory_ranges, &memory_trimmed, &memory_fast_free, &memory_turns, &memory_turns_cancel,
	&memory_turns_batches, &memory_sampled, &memory_sampled_all, &memory_messages,
	&memory_names, &memory_shares, &memory_ends, &memory_ends_fork, &memory_given_back,
	&memory_rest, &memory_batches, &memory_batches_wait, &memory_checked, NULL };
