/* SPDX-License-Identifier: MIT */
#ifndef ARENA_JSON_H
#define ARENA_JSON_H

#include "machine.h"
#include "results.h"

/* Write everything there; ends the program if it cannot. */
void json_write(const char *path, const struct results *results, const struct machine *machine);

#endif
