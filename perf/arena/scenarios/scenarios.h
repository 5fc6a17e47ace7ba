/* SPDX-License-Identifier: MIT */
/* The scenarios that scenarios.c lists, in the order of the report. */
#ifndef ARENA_SCENARIOS_H
#define ARENA_SCENARIOS_H

#include "arena.h"

extern const struct scenario scenario_throughput;
extern const struct scenario scenario_one_thread;
extern const struct scenario scenario_round_trip;
extern const struct scenario scenario_latency;
extern const struct scenario scenario_wake_up;
extern const struct scenario scenario_parked;
extern const struct scenario scenario_fairness;
extern const struct scenario scenario_burst;
extern const struct scenario scenario_stopped;
extern const struct scenario scenario_payload;
extern const struct scenario scenario_allocator;
extern const struct scenario scenario_alone;
extern const struct scenario scenario_busy_dialogue;
extern const struct scenario scenario_busy_requests;
extern const struct scenario scenario_busy_deadline;
extern const struct scenario scenario_busy_stream;
extern const struct scenario scenario_go;

#endif
