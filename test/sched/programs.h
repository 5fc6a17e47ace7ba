/* SPDX-License-Identifier: MIT */
/* programs: the tables of programs, each ended by NULL. */
#ifndef MAGRING_SCHED_PROGRAMS_H
#define MAGRING_SCHED_PROGRAMS_H

#include "scheduler.h"

extern const struct sched_program *const queue_programs[];
extern const struct sched_program *const wake_programs[];
extern const struct sched_program *const wake_order_programs[];
extern const struct sched_program *const poller_programs[];
extern const struct sched_program *const eventcount_programs[];
extern const struct sched_program *const reference_programs[];
extern const struct sched_program *const bound_programs[];
extern const struct sched_program *const recovery_programs[];
extern const struct sched_program *const recovery_step_programs[];
extern const struct sched_program *const recovery_exact_programs[];
extern const struct sched_program *const order_programs[];
extern const struct sched_program *const refusal_programs[];
extern const struct sched_program *const second_look_programs[];
extern const struct sched_program *const try_programs[];
extern const struct sched_program *const small_programs[];
extern const struct sched_program *const pool_programs[];
extern const struct sched_program *const pool_directed_programs[];
extern const struct sched_program *const spacing_programs[];
extern const struct sched_program *const argument_programs[];
extern const struct sched_program *const mutant_programs[];

#endif
