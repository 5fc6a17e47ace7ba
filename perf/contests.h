/* SPDX-License-Identifier: MIT */
/* Who is compared with whom; see contests.c. */
#ifndef PERF_CONTESTS_H
#define PERF_CONTESTS_H

#include "peers/peer.h"

/* What --parts chooses from. */
enum part { PART_CHANNELS, PART_RINGS, PART_LATENCY, PARTS };

/* Where threads run, whatever their number. */
enum cpus {
	CPUS_ALL,   /* on all, in turn */
	CPUS_TWO,   /* on two, in turn */
	CPUS_APART, /* senders on one, receivers on another */
};

struct contest {
	enum part part;
	const char *name;
	const struct peer *const *peers; /* the first is what the others are compared with */
	unsigned int peer_count;
	size_t capacity; /* of each channel; 0: as the options say */
	enum cpus cpus;
	/* Each of the options' rounds is so many, and each of their measurements takes that
	 * share of the time. */
	unsigned int times;
	double share;
};

extern const struct contest contest_channels;
extern const struct contest contest_rings;
extern const struct contest contest_rings_batch;
extern const struct contest contest_latency_mixed;
extern const struct contest contest_latency_apart;

extern const char *const part_names[PARTS];

#endif
