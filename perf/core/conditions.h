/* SPDX-License-Identifier: MIT */
/* What else happened while something was measured; see conditions.c. */
#ifndef PERF_CONDITIONS_H
#define PERF_CONDITIONS_H

#include <stdint.h>

struct conditions {
	double steal_ms;           /* of the allowed CPUs, in steps of 10 ms */
	uint64_t context_switches; /* of this process */
};

struct conditions conditions_now(void);
struct conditions conditions_since(const struct conditions *start);

#endif
