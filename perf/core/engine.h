/* SPDX-License-Identifier: MIT */
#ifndef PERF_ENGINE_H
#define PERF_ENGINE_H

#include "core/results.h"

/* Which groups there are, after the options. Ends the program if there is none. */
void engine_plan(struct results *results, const struct options *options);

/* Measure all of them. Ends the program with 1 when something was received wrong. */
void engine_run(struct results *results);

void engine_free(struct results *results);

#endif
