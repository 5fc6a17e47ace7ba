/* SPDX-License-Identifier: MIT */
/*
 * family: the lines of a metric family, for openmetrics.c.
 */
#ifndef MAGRING_FAMILY_H
#define MAGRING_FAMILY_H

#include <stdint.h>

#include "observe/text.h"

struct family {
	const char *name, *type, *unit, *help;
	size_t offset; /* of the uint64_t in the statistics */
};

/* The metadata, as the flags of magring_write_metrics() ask for it. */
void family_write(struct text *out, const struct family *family, uint64_t flags);

/* One sample: labels, and the value out of the statistics. With a NULL label
 * the pool's is the only one. */
void family_write_sample(struct text *out, const struct family *family, const char *pool,
	const char *label, const char *value, const void *stats);
/* The same with a value that is no integer. */
void family_write_ratio(struct text *out, const struct family *family, const char *pool,
	const char *label, const char *value, double ratio);

#endif
