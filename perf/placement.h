/* SPDX-License-Identifier: MIT */
#ifndef PERF_PLACEMENT_H
#define PERF_PLACEMENT_H

#include "results.h"

/* Decide which rounds are kept; fills in what the results say about it. */
void placement_decide(struct results *results);

#endif
