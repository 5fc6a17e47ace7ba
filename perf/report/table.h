/* SPDX-License-Identifier: MIT */
#ifndef PERF_TABLE_H
#define PERF_TABLE_H

#include "core/machine.h"
#include "core/results.h"

/* What was measured, for the terminal. */
void table_print(const struct results *results, const struct machine *machine);

/* What could be measured. */
void table_list(const struct options *options);

#endif
