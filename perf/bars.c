/* SPDX-License-Identifier: MIT */
/*
 * What the project set itself, each as a ratio or a count from this one run, so
 * that it means the same on any machine. A bar whose measurement is not part of the
 * run (other shapes than 1x1 and 2x2, say) is left out; one that has no value
 * because every round was left out is not met.
 */
#include "bars.h"

#include <stdarg.h>
#include <stdio.h>

static void bar(struct summary *summary, double measured, bool at_least, double wanted,
	const char *unit, const char *what, ...) __attribute__((format(printf, 6, 7)));

static void bar(struct summary *summary, double measured, bool at_least, double wanted,
	const char *unit, const char *what, ...)
{
	struct bar *next = &summary->bars[summary->bar_count++];
	va_list arguments;

	*next = (struct bar){
		.measured = measured,
		.wanted = wanted,
		.at_least = at_least,
		.unit = unit,
	};
	va_start(arguments, what);
	vsnprintf(next->what, sizeof(next->what), what, arguments);
	va_end(arguments);
}

bool bar_met(const struct bar *bar)
{
	return bar->at_least ? bar->measured >= bar->wanted : bar->measured <= bar->wanted;
}

/* Rates against the baseline. */
static void judge_group(struct summary *summary, const struct results *results, unsigned int g)
{
	const struct group *group = &results->groups[g];
	const struct row *rows = summary->rows[g];
	unsigned int threads = group->shape.senders;

	if (group->shape.receivers != threads || threads > 2)
		return;
	for (unsigned int p = 1; p < group->contest->peer_count; p++) {
		const struct peer *peer = group->contest->peers[p];

		if (group->workload->kind == WORKLOAD_SEED)
			bar(summary, rows[p].ratio, true, peer == &peer_magring ? 5 : 15,
				"x baseline", "%s, %ux%u, %s", group->workload->name, threads,
				threads, peer->name);
		else if (group->workload->kind == WORKLOAD_REPLAY && threads == 2 &&
			peer == &peer_magring)
			bar(summary, rows[p].ratio, true, 3, "x baseline", "%s, %ux%u, %s",
				group->workload->name, threads, threads, peer->name);
	}
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Rings against the plain one: what it costs, and what it gives. */
static void judge_rings(struct summary *summary, const struct results *results, unsigned int g)
{
	const struct group *group = &results->groups[g];
	const struct row *row = &summary->rows[g][1];
	const char *name = group->contest->name;

	if (group->contest->part == PART_RINGS)
		bar(summary, row->ratio, true, 0.97, "x plain ring", "%s, %ux%u", name,
			group->shape.senders, group->shape.receivers);
	else if (group->contest == &contest_latency_mixed) /* a histogram shows 2 % */
		bar(summary, row->p999_ratio, false, 0.98, "x plain ring's", "%s, %ux%u, 99.9 %%",
			name, group->shape.senders, group->shape.receivers);
}

static void judge_channels(struct summary *summary, const struct results *results)
{
	double heap_bytes = 0;
	double heap_calls = 0;
	double peak = 0;

	for (unsigned int g = 0; g < results->group_count; g++) {
		if (results->groups[g].contest->part != PART_CHANNELS)
			continue;
		judge_group(summary, results, g);
		for (unsigned int p = 1; p < results->groups[g].contest->peer_count; p++) {
			const struct row *row = &summary->rows[g][p];

			heap_bytes = larger(heap_bytes, row->heap_bytes);
			heap_calls = larger(heap_calls, row->heap_calls);
			if (results->groups[g].workload->kind == WORKLOAD_SEED)
				peak = larger(peak, row->peak_mb);
		}
	}
	bar(summary, heap_bytes, false, 0, "bytes a message", "heap bytes, steady state");
	bar(summary, heap_calls, false, 0, "a message", "heap allocations, steady state");
	bar(summary, peak, false, 16, "MB", "peak memory of the seed workload's process");
	bar(summary, results->fill.efficiency * 100, true, 90, "%",
		"pool efficiency, full of %zu-byte payloads", results->fill.payload_size);
	for (unsigned int c = 0; c < comparison_count; c++)
		bar(summary, summary->pairs[c].ratio, false, comparisons[c].bar,
			"x the other's time", "%s, against %s", comparisons[c].what,
			comparisons[c].theirs->name);
}

void bars_judge(struct summary *summary, const struct results *results)
{
	if (results->options->parts[PART_CHANNELS])
		judge_channels(summary, results);
	for (unsigned int g = 0; g < results->group_count; g++)
		if (results->groups[g].contest->part != PART_CHANNELS)
			judge_rings(summary, results, g);
}
