/* SPDX-License-Identifier: MIT */
/*
 * trace: the steps of a run, noted and printed.
 */
#ifndef MAGRING_SCHED_TRACE_H
#define MAGRING_SCHED_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* The next run is noted. */
void trace_begin(void);
/* A number that two runs share if all their steps are the same. */
uint64_t trace_hash(void);
/* Print what was noted, and plain accesses as well if they are wanted. */
void trace_print(bool plain);

#endif
