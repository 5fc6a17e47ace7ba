/* SPDX-License-Identifier: MIT */
/* The scenarios that scenarios.c lists, in the order of the report. */
#ifndef ARENA_SCENARIOS_H
#define ARENA_SCENARIOS_H

#include "arena.h"

extern const struct scenario scenario_throughput;

#endif
