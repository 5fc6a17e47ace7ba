/* SPDX-License-Identifier: MIT */
/* A file's records as messages; see records.c. */
#ifndef PERF_RECORDS_H
#define PERF_RECORDS_H

#include "core/perf.h"

struct input {
	const char *path;
	const char *form; /* what a record is in this file */
	struct record *records;
	size_t count;
	size_t bytes; /* of all ids and payloads */
	size_t max_payload;
	char *text;
	size_t text_size;
	char *numbers; /* where made-up ids live */
};

/* Read a file; says why and exits when that cannot be done. */
void input_load(struct input *input, const char *path);

/* Change a byte of every payload, behind the back of whoever computed a sum. */
void input_damage(struct input *input);

void input_unload(struct input *input);

#endif
