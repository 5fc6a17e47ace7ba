/* SPDX-License-Identifier: MIT */
/* What the machine allows, with no queue in between; see limit.c. */
#ifndef PERF_LIMIT_H
#define PERF_LIMIT_H

#include "core/perf.h"

enum limit {
	LIMIT_ONE_WAY,
	LIMIT_HANDED_BACK,
	LIMITS,
};

/* The rate is in lines a second; the name is JSON's. */
extern const struct value limit_values[LIMITS];

/* What it is called in a table. */
extern const char *const limit_titles[LIMITS];

/* Once, for about so many seconds each; NAN with one CPU. False, and a line on stderr, when
 * what arrived is not what was sent. */
bool limit_measure(double seconds, double ret_lines_per_second[LIMITS]);

#endif
