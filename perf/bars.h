/* SPDX-License-Identifier: MIT */
#ifndef PERF_BARS_H
#define PERF_BARS_H

#include "summary.h"

/* Hold the rows and pairs of a summary against what the project set itself. */
void bars_judge(struct summary *summary, const struct results *results);

#endif
