/* SPDX-License-Identifier: MIT */
/*
 * Who is compared with whom.
 *
 *	channels   everything that a message takes, against what the library replaces
 *	rings      the library's ring alone against a plain one, so that what it costs not
 *	           to be stopped by a stopped thread is not hidden behind other work
 *	latency    the same two where threads are stopped often, because there are eight
 *	           times as many as processors: 8 senders and 8 receivers, when there are two
 *
 * In the last one senders send as fast as they can, but for the some hundred nanoseconds
 * that a message takes to be made up; so threads use up their time slices, and some are
 * stopped inside the ring. A message's time is taken when it is ready to be sent, so
 * that waiting for room counts.
 */
#include "contests.h"

#define PEERS(list) .peers = list, .peer_count = sizeof(list) / sizeof(*(list))

enum { RING_CAPACITY = 1024 };

static const struct peer *const channels[] = {
	&peer_baseline,
	&peer_magring,
	&peer_magring_batch,
};
static const struct peer *const rings[] = {&peer_plain_single, &peer_ring_single};
static const struct peer *const rings_batch[] = {&peer_plain_batch, &peer_ring_batch};

const struct contest contest_channels = {
	.part = PART_CHANNELS,
	.name = "channels",
	PEERS(channels),
	.times = 1,
	.share = 1,
};

const struct contest contest_rings = {
	.part = PART_RINGS,
	.name = "ring alone",
	PEERS(rings),
	.capacity = RING_CAPACITY,
	.times = 4,
	.share = 0.1,
};

const struct contest contest_rings_batch = {
	.part = PART_RINGS,
	.name = "ring alone, 16 at once",
	PEERS(rings_batch),
	.capacity = RING_CAPACITY,
	.times = 4,
	.share = 0.1,
};

const struct contest contest_latency = {
	.part = PART_LATENCY,
	.name = "latency, sides apart",
	PEERS(rings),
	.capacity = RING_CAPACITY,
	.cpus = CPUS_APART,
	.times = 1,
	.share = 1,
};

const struct contest contest_latency_mixed = {
	.part = PART_LATENCY,
	.name = "latency, sides mixed",
	PEERS(rings),
	.capacity = RING_CAPACITY,
	.cpus = CPUS_TWO,
	.times = 1,
	.share = 1,
};

const char *const part_names[PARTS] = {
	[PART_CHANNELS] = "channels",
	[PART_RINGS] = "rings",
	[PART_LATENCY] = "latency",
};
