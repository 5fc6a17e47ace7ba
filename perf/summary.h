/* SPDX-License-Identifier: MIT */
/* What the rounds amount to; see summary.c. */
#ifndef PERF_SUMMARY_H
#define PERF_SUMMARY_H

#include "results.h"

enum { BARS_MAX = 16 + 6 * SHAPES_MAX + LATENCY_GROUPS };

/* A peer in a group: medians over the rounds that are kept, NAN where none is. */
struct row {
	double messages;   /* a second */
	double bytes;      /* of ids and payloads, a second */
	double ratio;      /* to the contest's first peer in the same round */
	double cpu_ns;     /* a message, of all threads together */
	double heap_bytes; /* a message, over all rounds */
	double heap_calls;
	double peak_mb;
	double efficiency;
	double spread; /* of the rate, see median.h */
	/* Where it is timed: ns, and compared with the first peer's in the same round. */
	struct percentiles latency;
	double p99_ratio;
	double p999_ratio;
	double asked; /* questions and cells a million messages, over all rounds */
	double quarantined;
};

struct pair {
	double ours; /* ns */
	double theirs;
	double ratio; /* in the same round */
};

struct bar {
	char what[80];
	double measured;
	double wanted;
	bool at_least; /* else at most */
	const char *unit;
};

struct summary {
	struct row rows[GROUPS_MAX][PEERS_MAX];
	struct pair pairs[COMPARISONS_MAX];
	unsigned int kept[GROUPS_MAX]; /* rounds of each group */
	struct bar bars[BARS_MAX];
	unsigned int bar_count;
	double spread;  /* the largest of any row of channels */
	double checked; /* messages, all of them right */
};

void summary_make(struct summary *summary, const struct results *results);

bool bar_met(const struct bar *bar);

#endif
