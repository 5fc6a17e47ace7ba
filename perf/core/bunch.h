/* SPDX-License-Identifier: MIT */
/* Rounds in which the CPUs lay as far apart as in most; see bunch.c. */
#ifndef PERF_BUNCH_H
#define PERF_BUNCH_H

#include <stdbool.h>
#include <stddef.h>

/* What the probe said before and after a round, ns. */
struct bounds {
	double before;
	double after;
};

/* The middle of the bunch with the most rounds, 0 where no round's two values agree. */
double bunch_middle(const struct bounds *bounds, size_t count);

/* Whether that round belongs to that bunch; any does if the middle is 0. */
bool bunch_has(double middle, struct bounds bounds);

#endif
