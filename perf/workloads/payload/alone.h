/* SPDX-License-Identifier: MIT */
/* What an allocation, a write and a free take, on one thread. */
#ifndef PERF_PAYLOAD_ALONE_H
#define PERF_PAYLOAD_ALONE_H

#include "workloads/payload/allocator.h"

/* Prints nanoseconds when the first bytes are written, and when all are, and the most bytes that
 * were resident. Returns the program's status: 1 if memory was given away twice. */
int alone_main(const struct allocator *allocator, size_t size, double seconds);

/* A pool that is full; see full.c. */
int full_main(void);

#endif
