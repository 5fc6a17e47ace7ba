/* SPDX-License-Identifier: MIT */
/*
 * Everything that a run measured, before anybody has judged it.
 *
 * A group is one workload with one number of threads. A round of a group
 * measures all peers in random order between two probes; so does a round of the
 * comparisons. Which rounds are kept is placement.c's to say.
 */
#ifndef PERF_RESULTS_H
#define PERF_RESULTS_H

#include "memory.h"
#include "micro.h"
#include "options.h"

enum { PEERS_MAX = 16, WORKLOADS = 3, GROUPS_MAX = WORKLOADS * SHAPES_MAX };

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
	const struct workload *workload;
	struct shape shape;
	struct round *rounds;
	struct memory memory[PEERS_MAX];
};

struct micro_round {
	struct probes probes;
	struct comparison_sample samples[COMPARISONS_MAX];
};

struct results {
	const struct options *options;
	const struct input *input;
	const struct peer *const *peers; /* the first is the baseline */
	unsigned int peer_count;
	unsigned int rounds;             /* of each group and of the comparisons */
	struct group groups[GROUPS_MAX];
	unsigned int group_count;
	struct micro_round *micro_rounds;
	struct fill fill;
	double placement;                /* ns one way in the rounds that are kept; 0: unknown */
	unsigned int rounds_left_out;    /* of all groups and comparisons together */
	double others;                   /* CPUs that others kept busy, on average */
	double seconds;                  /* that the run took */
};

#endif
