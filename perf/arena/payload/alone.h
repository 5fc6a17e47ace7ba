/* SPDX-License-Identifier: MIT */
/* What an allocation, a write and a free take, on one thread. */
#ifndef ARENA_PAYLOAD_ALONE_H
#define ARENA_PAYLOAD_ALONE_H

#include "allocator.h"

/* Prints nanoseconds when the first bytes are written, and when all are, and the most bytes that
 * were resident. Returns the program's status: 1 if memory was given away twice. */
int alone_main(const struct allocator *allocator, size_t size, double seconds);

#endif
