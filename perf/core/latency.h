/* SPDX-License-Identifier: MIT */
/* How long messages were on their way; see latency.c. */
#ifndef PERF_LATENCY_H
#define PERF_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LATENCY_BITS = 6, /* 64 buckets to a doubling: a value is right to 1.6 % */
	LATENCY_BUCKETS = (64 - LATENCY_BITS + 1) << LATENCY_BITS,
	LATENCY_BEYOND = 5, /* so many must lie beyond a percentile for it to mean anything */
};

struct latency {
	uint64_t counts[LATENCY_BUCKETS];
	uint64_t max; /* ns */
};

/* In nanoseconds; NAN of none. */
struct percentiles {
	double p50;
	double p99;
	double p999;
	double max;
	uint64_t count;
};

/* From now on what is sent carries the time, or ceases to. */
void latency_count(bool on);

/* The time for a message that is about to be sent: ns, 0 while nobody counts. */
uint64_t latency_stamp(void);

/* A message with that stamp was received just now. */
void latency_note(struct latency *latency, uint64_t stamp);

/* Something took so long. */
void latency_record(struct latency *latency, uint64_t ns);

/* How many were noted. */
uint64_t latency_counted(const struct latency *latency);

/* What is not exceeded by that share of all; NAN if fewer than LATENCY_BEYOND lie beyond. */
double latency_percentile(const struct latency *latency, double share);

void latency_add(struct latency *latency, const struct latency *other);
struct percentiles latency_percentiles(const struct latency *latency);

#endif
