/* SPDX-License-Identifier: MIT */
/* The processor's event counters, and the kernel's; see counters.c. */
#ifndef PERF_COUNTERS_H
#define PERF_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

enum { COUNTERS = 6, COUNTERS_OF_PROCESSOR = 4 };

/* As JSON calls them: those of the processor first. */
extern const char *const counter_names[COUNTERS];

/* In windows, all threads together. */
struct counted {
	uint64_t messages;
	double events[COUNTERS]; /* NAN: not counted here */
};

/* Before any thread is made that is to be counted. */
void counters_open(void);

/* Whether the processor's can be counted here; else why not. */
bool counters_of_processor(const char **ret_reason);

void counters_start(void);
void counters_stop(struct counted *ret_counted);

#endif
