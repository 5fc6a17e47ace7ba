/* SPDX-License-Identifier: MIT */
#ifndef PERF_JSON_H
#define PERF_JSON_H

#include "machine.h"
#include "summary.h"

/* Write everything that was measured; exits when the file cannot be written. */
void json_write(const char *path, const struct results *results, const struct summary *summary,
	const struct machine *machine);

#endif
