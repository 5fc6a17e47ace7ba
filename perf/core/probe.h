/* SPDX-License-Identifier: MIT */
#ifndef PERF_PROBE_H
#define PERF_PROBE_H

/*
 * Nanoseconds that a cache line takes from the first allowed CPU to the second,
 * 0 where there is only one.
 */
double probe_cores(void);

#endif
