/* SPDX-License-Identifier: MIT */
/*
 * Medians: one slow round, in which the machine did something else, moves an
 * average but not a median.
 */
#include "core/median.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value at a share of the way through sorted values, between neighbours. */
static double quantile(const double *sorted, size_t count, double share)
{
	double place = share * (double)(count - 1);
	size_t below = (size_t)place;
	size_t above = below + 1 < count ? below + 1 : below;

	return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

double median(double *values, size_t count)
{
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(*values), compare);
	return quantile(values, count, 0.5);
}

double spread(double *values, size_t count)
{
	double middle = median(values, count);

	if (count == 0)
		return NAN;
	return (quantile(values, count, 0.75) - quantile(values, count, 0.25)) / middle;
}
