/* SPDX-License-Identifier: MIT */
/* One thing against another on one thread; see micro.c. */
#ifndef PERF_MICRO_H
#define PERF_MICRO_H

#include "peers/peer.h"

enum { COMPARISONS_MAX = 8 };

struct comparison {
	const char *what;
	size_t size; /* what create() is told */
	const struct micro *ours;
	const struct micro *theirs;
	double bar; /* ours / theirs, at most */
};

extern const struct comparison comparisons[];
extern const unsigned int comparison_count;

struct comparison_sample {
	double ours; /* ns each time */
	double theirs;
};

/* Measure both once, interleaved, on a pinned thread. */
struct comparison_sample comparison_measure(const struct comparison *comparison);

#endif
