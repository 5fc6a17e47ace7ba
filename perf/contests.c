/* SPDX-License-Identifier: MIT */
/*
 * Who is compared with whom.
 *
 *	channels   everything that a message takes, against what the library replaces
 *	rings      the library's ring alone against a plain one, so that what it costs not
 *	           to be stopped by a stopped thread is not hidden behind other work
 *	latency    the same two with 8 senders and 8 receivers on two CPUs
 *
 * Rings are measured in many short rounds, each with new threads: with one sender and one
 * receiver who chases whom is settled at the start, and that changes the rate more than
 * rings differ.
 *
 * A sender of the last contest works some hundred nanoseconds on each message, and then
 * sends it. So threads use up their time slices, and some are stopped inside the ring, which
 * is what it is about: behind such a one in a plain ring all wait until it runs again. A
 * message's time begins when it is ready, so that waiting for room counts. The loop is
 * closed, for by a timetable most of the senders that share a CPU are late whatever the
 * ring does: that would time the scheduler. What a closed loop leaves out is what was
 * not sent while all waited, and so it favours the ring that makes them wait.
 *
 *	mixed      both sides on both CPUs: a message may wait for a receiver's turn, too
 *	apart      a CPU for each side: receivers are there, and only the ring keeps a
 *	           message from them
 */
#include "contests.h"

#define PEERS(list) .peers = list, .peer_count = sizeof(list) / sizeof(*(list))

enum { RING_CAPACITY = 1024 };

static const struct peer *const channels[] = {
	&peer_baseline,
	&peer_magring,
	&peer_magring_batch,
};
static const struct peer *const rings[] = { &peer_plain_single, &peer_ring_single };
static const struct peer *const rings_batch[] = { &peer_plain_batch, &peer_ring_batch };

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

const struct contest contest_latency_mixed = {
	.part = PART_LATENCY,
	.name = "latency, sides mixed",
	PEERS(rings),
	.capacity = RING_CAPACITY,
	.cpus = CPUS_TWO,
	.times = 1,
	.share = 1,
};

const struct contest contest_latency_apart = {
	.part = PART_LATENCY,
	.name = "latency, sides apart",
	PEERS(rings),
	.capacity = RING_CAPACITY,
	.cpus = CPUS_APART,
	.times = 1,
	.share = 1,
};

const char *const part_names[PARTS] = {
	[PART_CHANNELS] = "channels",
	[PART_RINGS] = "rings",
	[PART_LATENCY] = "latency",
};
