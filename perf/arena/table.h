/* SPDX-License-Identifier: MIT */
#ifndef ARENA_TABLE_H
#define ARENA_TABLE_H

#include "machine.h"
#include "results.h"

/* What was measured, for the terminal. */
void table_print(const struct results *results, const struct machine *machine);

/* What could be measured. */
void table_list(const struct options *options);

#endif
