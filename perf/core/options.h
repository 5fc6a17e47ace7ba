/* SPDX-License-Identifier: MIT */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

#include "core/perf.h"

struct options {
	const char *scenarios; /* comma-separated parts of names; NULL: all */
	const char *settings;
	const char *queues;
	const char *json;    /* NULL: none */
	const char *canary;  /* NULL: none */
	const char *control; /* see control.h; NULL: none */
	unsigned int rounds;
	double seconds;   /* one measurement */
	double minutes;   /* the whole run; 0: as long as it takes */
	double apart;     /* ns: CPUs are to be so far apart, or further */
	uint64_t seed;    /* of the order of measurements */
	unsigned int few; /* settings of each scenario; 0: all */
	bool calibrate;   /* find the best wait of each queue */
	bool all;         /* print all tables */
	bool limits;      /* measure the physical ones */
	bool list;        /* what there is, and end */
};

/* The file that is replayed; the option --input. */
extern const char *options_input;

/* Says what is wrong and exits when the arguments make no sense. */
void options_read(struct options *options, int argc, char **argv);

/* Whether a name is wanted: the list is NULL, or one of its words is a part of the name. */
bool options_match(const char *list, const char *name);

#endif
