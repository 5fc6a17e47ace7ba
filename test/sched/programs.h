/* SPDX-License-Identifier: MIT */
/* programs: the tables of programs, each ended by NULL. */
#ifndef MAGRING_SCHED_PROGRAMS_H
#define MAGRING_SCHED_PROGRAMS_H

#include "scheduler.h"

extern const struct sched_program *const queue_programs[];
extern const struct sched_program *const wake_programs[];
extern const struct sched_program *const eventcount_programs[];
extern const struct sched_program *const reference_programs[];
extern const struct sched_program *const bound_programs[];
extern const struct sched_program *const recovery_programs[];
extern const struct sched_program *const recovery_step_programs[];
extern const struct sched_program *const small_programs[];
/* Not there in a build without these files. */
extern const struct sched_program *const memory_programs[] __attribute__((weak));
extern const struct sched_program *const pool_directed_programs[] __attribute__((weak));

#endif
