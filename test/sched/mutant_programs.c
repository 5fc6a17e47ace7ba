/* SPDX-License-Identifier: MIT */
/*
 * Programs that exist for one mutant or a few: see test/mutants.py.
 */
#include "programs.h"

#include <stddef.h>

const struct sched_program *const mutant_programs[] = { NULL };
