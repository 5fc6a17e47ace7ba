/* SPDX-License-Identifier: MIT */
/*
 * A median, and how sure it is.
 *
 * Of n independent values, the number that are below the true median is binomial, with
 * n and 1/2, whatever the distribution is: nothing here assumes a normal one, which figures of
 * speed never have. So the median lies between the values of rank k and n + 1 - k with a
 * confidence of 1 - 2 P(at most k - 1 are below). k is the largest for which that is 95 % at
 * least. With 6 values, the first number for which there is one, the interval is from the
 * least to the largest (96.9 %), and so it is with 7 and 8; 20 values have the ranks 6 and 15.
 */
#include "core/statistics.h"

#include <math.h>
#include <stdlib.h>

size_t statistics_low_rank(size_t count)
{
	double term = pow(0.5, (double)count); /* P(exactly rank are below) */
	double below = 0;                      /* P(at most rank are below) */
	size_t rank = 0;

	while (rank < count && below + term <= 0.025) {
		below += term;
		rank++;
		term *= (double)(count - rank + 1) / (double)rank;
	}
	return rank;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

struct interval statistics_of(double *values, size_t count)
{
	struct interval interval = { .low = NAN, .high = NAN };
	size_t rank;

	for (size_t i = 0; i < count; i++)
		if (!isnan(values[i]))
			values[interval.count++] = values[i];
	if (interval.count == 0) {
		interval.median = NAN;
		return interval;
	}
	qsort(values, interval.count, sizeof(*values), compare);
	interval.median = (values[(interval.count - 1) / 2] + values[interval.count / 2]) / 2;
	rank = statistics_low_rank(interval.count);
	if (rank == 0)
		rank = 1;
	interval.low = values[rank - 1];
	interval.high = values[interval.count - rank];
	return interval;
}
