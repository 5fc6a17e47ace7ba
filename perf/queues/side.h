/* SPDX-License-Identifier: MIT */
/*
 * What most adapters written in C have in common: a side that is no more than the queue
 * and which of the two it is, and memory that is there or ends the program.
 */
#ifndef PERF_SIDE_H
#define PERF_SIDE_H

#include "core/perf.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 128 }; /* processors fetch lines in pairs */

static inline void *need(void *memory, const char *what)
{
	if (memory == NULL)
		err(2, "%s", what);
	return memory;
}

/* Zeroes, that share no line with anything. free() frees them. */
static inline void *need_lines(size_t size, const char *what)
{
	size_t lines = (size + LINE - 1) / LINE * LINE;

	return memset(need(aligned_alloc(LINE, lines), what), 0, lines);
}

/* Sides of queues that ask for nothing of a thread's own: the queue itself. */
static inline void *attach_queue(void *queue, bool sends)
{
	(void)sends;
	return queue;
}

static inline void detach_nothing(void *side)
{
	(void)side;
}

#endif
