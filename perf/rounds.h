/* SPDX-License-Identifier: MIT */
#ifndef PERF_ROUNDS_H
#define PERF_ROUNDS_H

#include "results.h"

/* Measure everything. The groups, peers and options are in the results already. */
void rounds_run(struct results *results);

/* Measure only the memory that options->only asks for, for another process. */
void rounds_answer(const struct results *results);

/* How many messages the channels of a group hold. */
size_t group_capacity(const struct results *results, const struct group *group);

void rounds_free(struct results *results);

#endif
