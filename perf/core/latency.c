/* SPDX-License-Identifier: MIT */
/*
 * How long messages were on their way, from just before the send to just after the
 * receive.
 *
 * Each receiver counts into a histogram of its own, whose buckets grow with the values as
 * those of HdrHistogram do (whose C form Debian does not have): below 64 ns one a
 * nanosecond, then 64 to each doubling. It is the *send* that has to be within the window: the
 * messages that a stopped thread holds back count whenever they come.
 */
#include "core/latency.h"

#include <math.h>
#include <stdatomic.h>
#include <time.h>

static atomic_bool counting;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int doublings;

	if (ns < 1U << LATENCY_BITS)
		return (unsigned int)ns;
	doublings = 63 - LATENCY_BITS - (unsigned int)__builtin_clzll(ns);
	return (doublings << LATENCY_BITS) + (unsigned int)(ns >> doublings);
}

/* The least value in a bucket. */
static double value_of(unsigned int bucket)
{
	unsigned int doublings;

	if (bucket < 1U << LATENCY_BITS)
		return bucket;
	doublings = (bucket >> LATENCY_BITS) - 1;
	return ldexp(bucket - (doublings << LATENCY_BITS), (int)doublings);
}

void latency_count(bool on)
{
	/* Relaxed: a thread that notices a little later counts a little later. */
	atomic_store_explicit(&counting, on, memory_order_relaxed);
}

uint64_t latency_stamp(void)
{
	return atomic_load_explicit(&counting, memory_order_relaxed) ? now_ns() : 0;
}

void latency_record(struct latency *latency, uint64_t ns)
{
	latency->counts[bucket_of(ns)]++;
	if (ns > latency->max)
		latency->max = ns;
}

void latency_note(struct latency *latency, uint64_t stamp)
{
	if (stamp != 0)
		latency_record(latency, now_ns() - stamp);
}

void latency_add(struct latency *latency, const struct latency *other)
{
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		latency->counts[i] += other->counts[i];
	if (other->max > latency->max)
		latency->max = other->max;
}

/* The least value that is not exceeded by that share of all. */
static double percentile(const struct latency *latency, uint64_t all, double share)
{
	uint64_t wanted = (uint64_t)ceil((double)all * share);
	uint64_t below = 0;
	unsigned int bucket = 0;

	while ((below += latency->counts[bucket]) < wanted)
		bucket++;
	return value_of(bucket);
}

uint64_t latency_counted(const struct latency *latency)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		all += latency->counts[i];
	return all;
}

double latency_percentile(const struct latency *latency, double share)
{
	uint64_t all = latency_counted(latency);

	return (double)all * (1 - share) < LATENCY_BEYOND ? NAN : percentile(latency, all, share);
}

struct percentiles latency_percentiles(const struct latency *latency)
{
	uint64_t all = latency_counted(latency);

	if (all == 0)
		return (struct percentiles){ NAN, NAN, NAN, NAN, 0 };
	return (struct percentiles){
		.p50 = percentile(latency, all, 0.5),
		.p99 = percentile(latency, all, 0.99),
		.p999 = percentile(latency, all, 0.999),
		.max = (double)latency->max,
		.count = all,
	};
}
