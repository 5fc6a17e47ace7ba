/* SPDX-License-Identifier: MIT */
/*
 * The programs for lib/pool, in the order in which a reader may like them.
 */
#include "memory_programs.h"

#include <stddef.h>

const struct sched_program *const memory_programs[] = { &memory_few, &memory_pairs, &memory_cooling,
	&memory_burst, &memory_wave, &memory_line, &memory_timeouts, &memory_cancel, &memory_hidden,
	&memory_trim, &memory_two_trims, &memory_hopeless, &memory_only_slab, &memory_trim_wakes,
	&memory_magazines, NULL };
