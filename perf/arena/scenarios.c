/* SPDX-License-Identifier: MIT */
/* All scenarios, in the order of the report. */
#include "scenarios/scenarios.h"

const struct scenario *const scenarios[] = {
	&scenario_throughput,
	NULL,
};
