/* SPDX-License-Identifier: MIT */
#ifndef PERF_STATISTICS_H
#define PERF_STATISTICS_H

#include <stddef.h>

struct interval {
	double median;
	double low;
	double high;
	size_t count; /* of the values it is of */
};

/* From so many values on low and high are a confidence interval of the median, of at least
 * 95 %; of fewer they are the least and the largest value. */
enum { STATISTICS_LEAST = 6 };

/* Sorts the values, and leaves out those that are NAN; infinite ones, as the ratio to a queue that
 * stood still, are as good as any. NAN of none. */
struct interval statistics_of(double *values, size_t count);

/* The ranks, from 1, of the sorted values between which the median lies with a
 * confidence of at least 95 %: low and count + 1 - low. 0: there is no such interval. */
size_t statistics_low_rank(size_t count);

#endif
