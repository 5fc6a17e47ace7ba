/* SPDX-License-Identifier: MIT */
/*
 * What a run amounts to: ahead, equal or behind, in which scenarios.
 *
 * The other queue of a group is the one that this library does worst against. It is ahead or
 * behind if the interval of the ratio says so and the median is at least SMALLEST from 1: a
 * process has a layout of its own, which alone moves figures by a few percent.
 */
#include "report/verdict.h"

#include "core/summary.h"
#include "core/waits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SMALLEST 1.03
/* CPUs that others kept busy, share of time that the hypervisor took, share of rounds left out. */
#define OTHERS_MOST 0.3
#define STEAL_MOST 0.02
#define LEFT_OUT_MOST 0.34

enum { LINES_MAX = 60, NAME = 20, SETTING = 34, QUEUE = 23 };

static bool is_ours(const struct queue *queue)
{
	return strncmp(queue->name, "magring", strlen("magring")) == 0;
}

static bool is_measure(const struct queue *queue)
{
	return !is_ours(queue) && (queue->flags & (QUEUE_LINKED_TO_NOTHING | QUEUE_NO_PEER)) == 0;
}

enum verdict verdict_of(const struct results *results, const struct group *group,
	struct interval *ret_ratio, unsigned int *ret_other)
{
	*ret_ratio = (struct interval){ .median = NAN };
	for (unsigned int q = 0; q < group->queue_count; q++) {
		struct interval ratio;

		if (!is_measure(group->queues[q]))
			continue;
		ratio = summary_ratio(results, group, q);
		if (ratio.count == 0 || isnan(ratio.median) ||
			(!isnan(ret_ratio->median) && ratio.median >= ret_ratio->median))
			continue;
		*ret_ratio = ratio;
		*ret_other = q;
	}
	if (isnan(ret_ratio->median))
		return VERDICT_NONE;
	if (ret_ratio->low > 1 && ret_ratio->median >= SMALLEST)
		return VERDICT_AHEAD;
	if (ret_ratio->high < 1 && ret_ratio->median <= 1 / SMALLEST)
		return VERDICT_BEHIND;
	return VERDICT_EQUAL;
}

const char *verdict_disturbance(const struct results *results)
{
	static char text[128];

	if (results->others > OTHERS_MOST)
		snprintf(text, sizeof(text), "others kept %.2f CPUs busy", results->others);
	else if (results->steal_share > STEAL_MOST)
		snprintf(text, sizeof(text), "the hypervisor took %.1f %% of the CPUs' time",
			100 * results->steal_share);
	else if (results->rounds_left_out > LEFT_OUT_MOST * results->rounds_in_all)
		snprintf(text, sizeof(text), "the CPUs were moved in %u of %u rounds",
			results->rounds_left_out, results->rounds_in_all);
	else
		return NULL;
	return text;
}

/* The groups of a scenario follow one another, from here to before what is returned. */
static unsigned int end_of_scenario(const struct results *results, unsigned int first)
{
	unsigned int end = first;

	while (end < results->group_count &&
		results->groups[end].scenario == results->groups[first].scenario)
		end++;
	return end;
}

/* Returns lines. */
static unsigned int print_scenario(const struct results *results, unsigned int first,
	unsigned int end)
{
	unsigned int counts[VERDICTS] = { 0 };
	const struct group *worst = NULL;
	struct interval worst_ratio = { .median = NAN };
	unsigned int worst_other = 0;

	for (unsigned int g = first; g < end; g++) {
		struct interval ratio;
		unsigned int other;
		enum verdict verdict = verdict_of(results, &results->groups[g], &ratio, &other);

		counts[verdict]++;
		if (verdict == VERDICT_NONE ||
			(worst != NULL && ratio.median >= worst_ratio.median))
			continue;
		worst = &results->groups[g];
		worst_ratio = ratio;
		worst_other = other;
	}
	if (worst == NULL)
		return 0;
	printf("%-*.*s%6u%6u%7u  %-*.*s%-*.*s%6.2f\n", NAME, NAME - 1, worst->scenario->name,
		counts[VERDICT_AHEAD], counts[VERDICT_EQUAL], counts[VERDICT_BEHIND], SETTING,
		SETTING - 1, worst->setting->name, QUEUE, QUEUE - 1,
		worst->queues[worst_other]->name, worst_ratio.median);
	return 1;
}

static void print_counts(const struct results *results)
{
	unsigned int counts[VERDICTS] = { 0 };
	struct interval ratio;
	unsigned int other;

	for (unsigned int g = 0; g < results->group_count; g++)
		counts[verdict_of(results, &results->groups[g], &ratio, &other)]++;
	printf("This library is ahead of the best other queue in %u settings, equal in %u, behind in "
	       "%u.\n",
		counts[VERDICT_AHEAD], counts[VERDICT_EQUAL], counts[VERDICT_BEHIND]);
}

static const char *wait_of(const struct group *group, unsigned int queue)
{
	return group->waits == NULL ? "" : group->waits[queue]->name;
}

/* A rate of each setting, as far as there are lines. */
static void print_rates(const struct results *results, unsigned int lines)
{
	bool headed = false;

	for (unsigned int g = 0; g < results->group_count && lines > 0; g++) {
		const struct group *group = &results->groups[g];
		struct interval ratio;
		unsigned int other;

		if (group->waits == NULL || group->queues[0] != results->first ||
			verdict_of(results, group, &ratio, &other) == VERDICT_NONE)
			continue;
		if (!headed) {
			printf("\n%-*s%9s  %-13s%-*s%9s  %-13s%6s\n", SETTING, "million messages/s",
				"magring", "waits by", QUEUE, "best other", "", "waits by",
				"ratio");
			lines = lines > 2 ? lines - 2 : 0;
			headed = true;
		}
		if (lines == 0)
			break;
		printf("%-11.11s%-*.*s%9.3g  %-13s%-*.*s%9.3g  %-13s%6.2f\n", group->scenario->name,
			SETTING - 11, SETTING - 12, group->setting->name,
			summary_value(group, 0, 0).median / 1e6, wait_of(group, 0), QUEUE,
			QUEUE - 1, group->queues[other]->name,
			summary_value(group, other, 0).median / 1e6, wait_of(group, other),
			ratio.median);
		lines--;
	}
}

void verdict_print(const struct results *results, const struct machine *machine)
{
	enum { AROUND = 8 };
	const char *disturbance = verdict_disturbance(results);
	unsigned int lines = AROUND;

	if (disturbance != NULL)
		printf("DISTURBED: %s. Do not believe these figures; measure again.\n",
			disturbance);
	printf("%s, %u of %u CPUs, %.0f ns from CPU to CPU, %s, %s, %s\n", machine->cpu,
		machine->allowed, machine->cpus, results->placement, machine->system, machine->libc,
		machine->compiler);
	print_counts(results);
	printf("\n%-*s%6s%6s%7s  %-*s%-*s%6s\n", NAME, "scenario", "ahead", "equal", "behind",
		SETTING, "the worst setting", QUEUE, "against", "ratio");
	for (unsigned int g = 0; g < results->group_count;) {
		unsigned int end = end_of_scenario(results, g);

		lines += print_scenario(results, g, end);
		g = end;
	}
	print_rates(results, lines < LINES_MAX ? LINES_MAX - lines : 0);
	printf("\nA ratio above 1: this library is better. --all prints all tables. %.0f s, %u rounds of "
	       "%.3g s.\n",
		results->seconds, results->options->rounds, results->measured_seconds);
}
