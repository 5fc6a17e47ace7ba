/* SPDX-License-Identifier: MIT */
/*
 * What was measured, in a hundred columns: for each scenario its settings, for each of those its
 * queues, the best first.
 */
#include "report/table.h"

#include "core/summary.h"
#include "core/worker.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_WIDTH = 27,
	CELL_WIDTH = 10,
	RANGE_WIDTH = 16,
	OTHERS_MAX = 2, /* values beside the first one and the ratio */
	MORE_MAX = 7,   /* values in a line that has only them */
	HEAD_LINES = 4,
};

struct row {
	const char *name;
	struct interval value;
	struct interval ratio;
	unsigned int queue; /* the group's queue_count and more: a limit */
};

/* Three digits, and what they are multiplied by. */
static void format(char *text, size_t size, double value)
{
	static const struct {
		double from;
		double unit;
		const char *sign;
	} scales[] = { { 9.995e8, 1e9, "G" }, { 9.995e5, 1e6, "M" }, { 9.995e3, 1e3, "k" },
		{ 0, 1, "" } };
	unsigned int scale = 0;
	double shown;

	if (!isfinite(value)) {
		snprintf(text, size, "%s", isnan(value) ? "-" : "inf");
		return;
	}
	while (fabs(value) < scales[scale].from)
		scale++;
	shown = value / scales[scale].unit;
	snprintf(text, size, "%.*f%s",
		fabs(shown) < 9.995           ? 2
			: fabs(shown) < 99.95 ? 1
					      : 0,
		shown, scales[scale].sign);
}

static void print_cell(double value)
{
	char text[24];

	format(text, sizeof(text), value);
	printf("%*s", CELL_WIDTH, text);
}

static void print_range(const struct interval *interval)
{
	char text[64] = "";
	char high[24];

	if (interval->count > 0) {
		format(text, 24, interval->low);
		format(high, sizeof(high), interval->high);
		strcat(text, " to ");
		strcat(text, high);
	}
	printf("%*s", RANGE_WIDTH, text);
}

/* One line of a title whose words are parted by underscores: as many words as fit. */
static const char *print_title_line(const char *title)
{
	size_t length = strcspn(title, "_");
	char line[CELL_WIDTH];

	for (;;) {
		size_t more = title[length] == '\0' ? 0 : 1 + strcspn(title + length + 1, "_");

		if (more == 0 || length + more >= CELL_WIDTH - 1)
			break;
		length += more;
	}
	snprintf(line, sizeof(line), "%.*s", (int)length, title);
	for (char *c = line; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	printf("%*s", CELL_WIDTH, line);
	return title[length] == '\0' ? title + length : title + length + 1;
}

/* The titles of columns, beside that of the group; the other ones are the scenario's values
 * from first to last. */
static void print_head(const struct group *group, bool with_ratio, unsigned int first,
	unsigned int last)
{
	const struct scenario *scenario = group->scenario;
	const char *left[VALUES_MAX + 2];
	bool more = true;

	left[0] = scenario->values[0].name;
	left[1] = "magring_better by";
	for (unsigned int v = first; v < last; v++)
		left[v - first + 2] = scenario->values[v].name;
	for (unsigned int line = 0; line < 2 || (line < HEAD_LINES && more); line++) {
		char title[NAME_WIDTH + 1] = "";

		more = false;
		if (line == 0)
			snprintf(title, sizeof(title), " %s", group->setting->name);
		else if (line == 1)
			snprintf(title, sizeof(title), " (%u of %u rounds)", summary_kept(group),
				group->round_count);
		printf("%-*s", NAME_WIDTH, title);
		for (unsigned int c = 0; c < last - first + 2; c++) {
			if (c < 2 && !with_ratio)
				continue;
			left[c] = print_title_line(left[c]);
			more = more || *left[c] != '\0';
			if (c < 2)
				printf("%*s", RANGE_WIDTH, line == 0 ? "interval" : "");
		}
		putchar('\n');
	}
}

static int best_first_more(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;

	if (isnan(a->value.median) || isnan(b->value.median))
		return isnan(a->value.median) - isnan(b->value.median);
	return (a->value.median < b->value.median) - (a->value.median > b->value.median);
}

static int best_first_less(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;

	if (isnan(a->value.median) || isnan(b->value.median))
		return best_first_more(left, right);
	return best_first_more(right, left);
}

/* Whether a rate is one of messages as those of the limits, between two cores. */
static bool is_limited(const struct group *group)
{
	return strcmp(group->scenario->values[0].name, "messages_per_second") == 0 &&
		group->setting->senders == 1 && group->setting->receivers == 1 &&
		group->setting->payload == 0 && group->setting->rate == 0 &&
		group->setting->processors == 0;
}

static unsigned int make_rows(const struct results *results, const struct group *group,
	struct row *rows)
{
	unsigned int count = 0;

	for (unsigned int q = 0; q < group->queue_count; q++)
		rows[count++] = (struct row){
			.name = group->queues[q]->name,
			.value = summary_value(group, q, 0),
			.ratio = summary_ratio(results, group, q),
			.queue = q,
		};
	for (enum limit l = 0; is_limited(group) && l < LIMITS; l++) {
		struct interval limit = summary_limit(results, l);

		if (limit.count > 0)
			rows[count++] = (struct row){
				.name = limit_titles[l],
				.value = limit,
				.ratio = summary_limit_ratio(results, group, l),
				.queue = group->queue_count + l,
			};
	}
	qsort(rows, count, sizeof(*rows),
		group->scenario->values[0].more_is_better ? best_first_more : best_first_less);
	return count;
}

/* A line for each row, with the other values from first to last. */
static void print_rows(const struct group *group, const struct row *rows, unsigned int count,
	bool with_ratio, unsigned int first, unsigned int last)
{
	for (unsigned int i = 0; i < count; i++) {
		bool measured = rows[i].queue < group->queue_count;

		if (!measured && !with_ratio)
			continue;
		printf("  %-*.*s", NAME_WIDTH - 2, NAME_WIDTH - 2, rows[i].name);
		if (with_ratio) {
			print_cell(rows[i].value.median);
			print_range(&rows[i].value);
			print_cell(rows[i].ratio.median);
			print_range(&rows[i].ratio);
		}
		for (unsigned int v = first; measured && v < last; v++)
			print_cell(summary_value(group, rows[i].queue, v).median);
		if (measured && with_ratio && group->waits != NULL)
			printf("  %s", group->waits[rows[i].queue]->name);
		putchar('\n');
	}
}

static void print_counters(const struct group *group, const struct row *rows, unsigned int count)
{
	bool any = false;

	for (unsigned int q = 0; q < group->queue_count; q++)
		any = any || isfinite(summary_events(group, q, 0));
	if (!any)
		return;
	printf("  a message took: cycles, instructions, cache misses, modified-line hits\n");
	for (unsigned int i = 0; i < count; i++) {
		if (rows[i].queue >= group->queue_count)
			continue;
		printf("  %-*.*s", NAME_WIDTH - 2, NAME_WIDTH - 2, rows[i].name);
		for (unsigned int c = 0; c < COUNTERS_OF_PROCESSOR; c++)
			print_cell(summary_events(group, rows[i].queue, c));
		putchar('\n');
	}
}

static void print_group(const struct results *results, const struct group *group)
{
	struct row *rows = calloc(group->queue_count + LIMITS, sizeof(*rows));
	unsigned int values = group->scenario->value_count;
	unsigned int count;

	if (rows == NULL)
		err(2, "table");
	count = make_rows(results, group, rows);
	putchar('\n');
	for (unsigned int first = 1; first == 1 || first < values;) {
		/* Without ratios there is room for more. */
		unsigned int room = first == 1 ? OTHERS_MAX : MORE_MAX;
		unsigned int last = first + room < values ? first + room : values;

		print_head(group, first == 1, first, last);
		print_rows(group, rows, count, first == 1, first, last);
		first = first == last ? last + 1 : last;
	}
	print_counters(group, rows, count);
	free(rows);
}

static void print_left_out(const struct options *options)
{
	for (const struct scenario *const *scenario = scenarios; *scenario != NULL; scenario++) {
		const char *why = scenario_hindrance(*scenario);

		if (why != NULL && options_match(options->scenarios, (*scenario)->name))
			printf("%s is left out: %s.\n", (*scenario)->name, why);
	}
}

static void print_notes(const struct results *results)
{
	const char *reason;

	printf("\nHow to read this: each figure is the median of the rounds that count, of %.3g s\n"
	       "each, in which the queues took turns in random order; threads are pinned, but beside\n"
	       "busy processes, where the time is twice as long. The interval behind it is one\n"
	       "of at least 95 %% of confidence, or with fewer than %d\n"
	       "rounds from the least to the largest figure. `magring` is so many times better than\n"
	       "the queue of the line, by the first column, in the same round: 1.00 is the same, less\n"
	       "is worse. Where the last column names a wait, it is the best one for that queue in that\n"
	       "setting: its own calls, or pauses and then a yield or sleep, which the harness adds.\n",
		results->measured_seconds, STATISTICS_LEAST);
	if (results->limit_count > 0)
		printf("Lines in parentheses are no queues but what the two cores can do: see\n"
		       "docs/performance.md.\n");
	if (results->placement > 0)
		printf("A cache line took %.0f ns from CPU to CPU; %u of %u rounds are left out because\n"
		       "it took 1.6 times as long, or as short, before or after them; %u were made again.\n",
			results->placement, results->rounds_left_out, results->rounds_in_all,
			results->rounds_redone);
	else
		printf("Nothing is known about how far apart the CPUs are: all rounds count.\n");
	if (!counters_of_processor(&reason))
		printf("No cycles or cache misses: %s.\n", reason);
	print_left_out(results->options);
	printf("Others kept %.2f CPUs busy; the hypervisor took %.1f %% of the CPUs' time. %.0f s.\n",
		results->others, 100 * results->steal_share, results->seconds);
}

void table_print(const struct results *results, const struct machine *machine)
{
	const struct scenario *scenario = NULL;

	printf("%s, %u of %u CPUs, %s, %s, %s\n", machine->cpu, machine->allowed, machine->cpus,
		machine->system, machine->libc, machine->compiler);
	for (unsigned int q = 0; q < results->queue_count; q++)
		printf("  %-*s %s; carries %s\n", NAME_WIDTH, results->queues[q]->name,
			results->queues[q]->origin, results->queues[q]->carries);
	for (unsigned int g = 0; g < results->group_count; g++) {
		const struct group *group = &results->groups[g];

		if (group->scenario != scenario) {
			scenario = group->scenario;
			printf("\n%s: %s\n(%s; %s is better)\n", scenario->name, scenario->what,
				scenario->values[0].unit,
				scenario->values[0].more_is_better ? "more" : "less");
		}
		print_group(results, group);
	}
	print_notes(results);
}

void table_list(const struct options *options)
{
	for (const struct scenario *const *scenario = scenarios; *scenario != NULL; scenario++) {
		if (!options_match(options->scenarios, (*scenario)->name))
			continue;
		printf("%s: %s\n", (*scenario)->name, (*scenario)->what);
		for (unsigned int s = 0; s < (*scenario)->setting_count; s++)
			printf("    %s\n", (*scenario)->settings[s].name);
	}
	printf("queues:\n");
	for (const struct queue *const *queue = queues; *queue != NULL; queue++)
		if (options_match(options->queues, (*queue)->name))
			printf("    %-*s %s; carries %s\n", NAME_WIDTH, (*queue)->name,
				(*queue)->origin, (*queue)->carries);
}
