/* SPDX-License-Identifier: MIT */
/* What the rounds of a queue in a group amount to: only those that are kept count. */
#ifndef PERF_SUMMARY_H
#define PERF_SUMMARY_H

#include "core/results.h"

struct interval summary_value(const struct group *group, unsigned int queue, unsigned int value);

/* How many times better the first queue of all is, by the scenario's first value, than this
 * one in the same round. NAN where it was not measured. */
struct interval summary_ratio(const struct results *results, const struct group *group,
	unsigned int queue);

/* The same compared with a limit, in the same round of all. */
struct interval summary_limit(const struct results *results, enum limit limit);
struct interval summary_limit_ratio(const struct results *results, const struct group *group,
	enum limit limit);

/* Of a counter, per message; NAN where it did not count. */
double summary_events(const struct group *group, unsigned int queue, unsigned int counter);

unsigned int summary_kept(const struct group *group);

#endif
