/* SPDX-License-Identifier: MIT */
/*
 * The programs for lib/pool, in the order in which a reader may like them.
 */
#include "memory_programs.h"

#include <stddef.h>

const struct sched_program *const memory_programs[] = { &memory_few, &memory_pairs,
	&memory_cooling, NULL };
