/* SPDX-License-Identifier: MIT */
/*
 * The lines of a metric family: its metadata, and its samples.
 *
 * OpenMetrics names a counter's family without the "_total" of its samples, and
 * has a line for the unit. In Prometheus' older text format a family is named
 * as its samples are, and has no unit.
 */
#include "observe/family.h"

#include <inttypes.h>

#include "magring.h"

/* A label value: backslash, quote and newline are escaped. */
static void write_label(struct text *out, const char *name, const char *value)
{
	text_print(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			text_add_string(out, "\\n");
		else if (*value == '"' || *value == '\\')
			text_print(out, "\\%c", *value);
		else
			text_add_byte(out, *value);
	}
	text_add_byte(out, '"');
}

/* What the samples' names have behind the family's. */
static const char *suffix_of(const struct family *family)
{
	return family->type[0] == 'c' ? "_total" : "";
}

void family_write(struct text *out, const struct family *family, uint64_t flags)
{
	bool plain = flags & MAGRING_METRICS_TEXT;
	const char *suffix = plain ? suffix_of(family) : "";
	text_print(out, "# TYPE magring_%s%s %s\n", family->name, suffix, family->type);
	if (family->unit != NULL && !plain)
		text_print(out, "# UNIT magring_%s %s\n", family->name, family->unit);
	text_print(out, "# HELP magring_%s%s %s\n", family->name, suffix, family->help);
}

/* The labels of a sample. */
static void write_labels(struct text *out, const char *pool, const char *label, const char *value)
{
	text_add_byte(out, '{');
	write_label(out, "pool", pool);
	if (label != NULL) {
		text_add_byte(out, ',');
		write_label(out, label, value);
	}
	text_add_string(out, "} ");
}

void family_write_sample(struct text *out, const struct family *family, const char *pool,
	const char *label, const char *value, const void *stats)
{
	text_print(out, "magring_%s%s", family->name, suffix_of(family));
	write_labels(out, pool, label, value);
	text_print(out, "%" PRIu64 "\n",
		*(const uint64_t *)(const void *)((const char *)stats + family->offset));
}

void family_write_ratio(struct text *out, const struct family *family, const char *pool,
	const char *label, const char *value, double ratio)
{
	/* Not %f: a locale may have a decimal comma. */
	uint64_t millionths = (uint64_t)(ratio * 1e6 + 0.5);
	text_print(out, "magring_%s", family->name);
	write_labels(out, pool, label, value);
	text_print(out, "%" PRIu64 ".%06" PRIu64 "\n", millionths / 1000000, millionths % 1000000);
}
