/* SPDX-License-Identifier: MIT */
/* All scenarios, in the order of the report. */
#include "scenarios/scenarios.h"

const struct scenario *const scenarios[] = {
	&scenario_throughput,
	&scenario_polling,
	&scenario_replay,
	&scenario_one_thread,
	&scenario_round_trip,
	&scenario_latency,
	&scenario_wake_up,
	&scenario_parked,
	&scenario_fairness,
	&scenario_busy_dialogue,
	&scenario_busy_requests,
	&scenario_busy_deadline,
	&scenario_busy_stream,
	&scenario_crowded,
	&scenario_burst,
	&scenario_stopped,
	&scenario_payload,
	&scenario_allocator,
	&scenario_alone,
	&scenario_full,
	&scenario_go,
	NULL,
};

const char *scenario_hindrance(const struct scenario *scenario)
{
	return scenario->hindrance == NULL ? NULL : scenario->hindrance();
}
