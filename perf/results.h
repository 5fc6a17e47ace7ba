/* SPDX-License-Identifier: MIT */
/*
 * Everything that a run measured, before anybody has judged it.
 *
 * A group is one contest with one workload and one number of threads. A round of a
 * group measures the contest's peers in random order between two probes; so does a
 * round of the comparisons. Which rounds are kept is placement.c's to say.
 */
#ifndef PERF_RESULTS_H
#define PERF_RESULTS_H

#include "memory.h"
#include "micro.h"
#include "options.h"

enum {
	PEERS_MAX = 16,
	CHANNEL_WORKLOADS = 3,
	LATENCY_GROUPS = 2,
	GROUPS_MAX = (CHANNEL_WORKLOADS + 2) * SHAPES_MAX + LATENCY_GROUPS,
};

struct probes {
	double before; /* ns one way */
	double after;
	bool kept;     /* both belong to the placement that most rounds had */
	double others; /* CPUs that others kept busy in between */
};

struct round {
	struct probes probes;
	struct sample samples[PEERS_MAX];
};

struct group {
	const struct contest *contest;
	const struct workload *workload;
	struct shape shape;
	struct round *rounds;
	unsigned int round_count;
	struct memory memory[PEERS_MAX]; /* of channels */
};

struct micro_round {
	struct probes probes;
	struct comparison_sample samples[COMPARISONS_MAX];
};

struct results {
	const struct options *options;
	const struct input *input;
	unsigned int rounds; /* of the comparisons; of a group, see struct contest */
	struct group groups[GROUPS_MAX];
	unsigned int group_count;
	struct micro_round *micro_rounds; /* with channels; else NULL */
	struct fill fill;                 /* with channels */
	double placement;                 /* ns one way in the rounds that are kept; 0: unknown */
	unsigned int rounds_in_all;       /* of all groups and comparisons together */
	unsigned int rounds_left_out;
	double others;  /* CPUs that others kept busy, on average */
	double seconds; /* that the run took */
};

#endif
