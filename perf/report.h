/* SPDX-License-Identifier: MIT */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include "machine.h"
#include "summary.h"

/* Print the tables that a person reads. */
void report_print(const struct results *results, const struct summary *summary,
	const struct machine *machine);

#endif
