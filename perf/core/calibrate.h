/* SPDX-License-Identifier: MIT */
#ifndef PERF_CALIBRATE_H
#define PERF_CALIBRATE_H

#include "core/results.h"

/* Choose the best wait of each queue of a group, by its first value; ends the program if what was
 * received is wrong. Nothing to do where the scenario has one way to wait. */
void calibrate(struct group *group, double seconds);

/* Use the one of that queue from now on. */
void calibrate_use(const struct group *group, unsigned int queue);

#endif
