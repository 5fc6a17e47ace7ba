/* SPDX-License-Identifier: MIT */
#ifndef PERF_MEDIAN_H
#define PERF_MEDIAN_H

#include <stddef.h>

/* Both sort the values in place; NAN of no values. */
double median(double *values, size_t count);

/* The distance between the quartiles as a share of the median. */
double spread(double *values, size_t count);

#endif
