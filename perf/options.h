/* SPDX-License-Identifier: MIT */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

#include "contests.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHAPES_MAX = 16 };

struct shape {
	unsigned int senders;
	unsigned int receivers;
};

struct shapes {
	struct shape list[SHAPES_MAX];
	unsigned int count;
};

struct options {
	const char *input;
	const char *json; /* NULL: none */
	double seconds;   /* one measurement */
	unsigned int rounds;
	uint64_t seed;             /* of the order of measurements */
	size_t capacity;           /* of every channel, in messages */
	struct shapes shapes;      /* of channels */
	struct shapes ring_shapes; /* of rings alone */
	bool parts[PARTS];
	char **arguments; /* as they were given */
	int only;         /* see memory.h */
	bool canary;      /* spoil the input: the run must fail */
};

/* Says what is wrong and exits when the arguments make no sense. */
void options_read(struct options *options, int argc, char **argv);

#endif
