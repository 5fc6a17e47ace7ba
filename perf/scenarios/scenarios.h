/* SPDX-License-Identifier: MIT */
/* The scenarios that scenarios.c lists, in the order of the report. */
#ifndef PERF_SCENARIOS_H
#define PERF_SCENARIOS_H

#include "core/perf.h"

extern const struct scenario scenario_throughput;
extern const struct scenario scenario_polling;
extern const struct scenario scenario_one_thread;
extern const struct scenario scenario_round_trip;
extern const struct scenario scenario_latency;
extern const struct scenario scenario_wake_up;
extern const struct scenario scenario_parked;
extern const struct scenario scenario_fairness;
extern const struct scenario scenario_crowded;
extern const struct scenario scenario_burst;
extern const struct scenario scenario_stopped;
extern const struct scenario scenario_payload;
extern const struct scenario scenario_allocator;
extern const struct scenario scenario_alone;
extern const struct scenario scenario_busy_dialogue;
extern const struct scenario scenario_busy_requests;
extern const struct scenario scenario_busy_deadline;
extern const struct scenario scenario_busy_stream;
extern const struct scenario scenario_replay;
extern const struct scenario scenario_full;
extern const struct scenario scenario_go;

#endif
