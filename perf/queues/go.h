/* SPDX-License-Identifier: MIT */
/* The Go program in go/, run as a program of its own. */
#ifndef PERF_GO_H
#define PERF_GO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_sample {
	uint64_t messages; /* received while it was measured */
	double seconds;
	double heap_bytes_per_message;
	double allocations_per_message;
	double peak_rss_bytes; /* of the program */
};

/* Run it in that form (see go/main.go), with a fifth more for warming up; with a backlog, receivers
 * begin when the queue is full. False, and a line on stderr, if it could not be run or did
 * not receive what it sent. */
bool go_measure(const char *form, unsigned int senders, unsigned int receivers, size_t capacity,
	bool backlog, double seconds, struct go_sample *ret_sample);

#endif
