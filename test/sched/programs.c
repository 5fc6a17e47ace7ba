/* SPDX-License-Identifier: MIT */
/*
 * All programs of the scheduler.
 */
#include "scheduler.h"

#include <stddef.h>

const struct sched_program *const *const sched_tables[] = { queue_programs, memory_programs,
	mutant_programs, NULL };
