/* SPDX-License-Identifier: MIT */
/*
 * Everything that a run measured.
 *
 * A group is a scenario in a setting, with the queues that it applies to. A round of a group
 * measures each of them once, in random order, between two probes; so does one of the limits.
 */
#ifndef PERF_RESULTS_H
#define PERF_RESULTS_H

#include "core/bunch.h"
#include "core/conditions.h"
#include "core/counters.h"
#include "core/options.h"
#include "scenarios/limit.h"
#include "core/statistics.h"

struct sample {
	double values[VALUES_MAX];
	struct conditions conditions;
	struct counted counted;
};

struct round {
	struct bounds probes;   /* ns that a line takes from core to core */
	bool kept;              /* they are as in most rounds */
	double others;          /* CPUs that other programs kept busy */
	struct sample *samples; /* as the group's queues */
};

struct group {
	const struct scenario *scenario;
	const struct setting *setting;
	const struct queue **queues;
	const struct wait **waits; /* of each queue; NULL: there is one for all */
	unsigned int queue_count;
	struct round *rounds;
	unsigned int round_count;
};

struct limit_round {
	struct bounds probes;
	bool kept;
	double values[LIMITS];
};

struct results {
	const struct options *options;
	double measured_seconds; /* one measurement, as it was made */
	struct group *groups;
	unsigned int group_count;
	const struct queue **queues; /* that are in any group, in the table's order */
	unsigned int queue_count;
	const struct queue *first; /* that ratios are to */
	struct limit_round *limits;
	unsigned int limit_count;   /* 0: not measured */
	double placement;           /* ns from core to core in the kept rounds; 0: unknown */
	unsigned int rounds_redone; /* of all groups */
	unsigned int rounds_left_out;
	unsigned int rounds_in_all;
	double others;      /* CPUs, on average */
	double steal_share; /* of the allowed CPUs' time */
	double seconds;     /* that the run took */
};

#endif
