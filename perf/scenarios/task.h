/* SPDX-License-Identifier: MIT */
/* A thread seen from outside, by what the kernel tells of it; see task.c. */
#ifndef PERF_SCENARIOS_TASK_H
#define PERF_SCENARIOS_TASK_H

#include <stdbool.h>
#include <stdint.h>

struct task {
	int stat;
	int status;
};

/* The calling thread, to be asked about by another. */
void task_open(struct task *task);
void task_close(const struct task *task);

/* Whether it sleeps, until it is woken up. */
bool task_sleeps(const struct task *task);

/* How often it went to sleep so far. */
uint64_t task_sleep_count(const struct task *task);

#endif
