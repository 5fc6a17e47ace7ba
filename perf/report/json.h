/* SPDX-License-Identifier: MIT */
#ifndef PERF_JSON_H
#define PERF_JSON_H

#include "core/machine.h"
#include "core/results.h"

/* Write everything there; ends the program if it cannot. */
void json_write(const char *path, const struct results *results, const struct machine *machine);

#endif
