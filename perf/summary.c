/* SPDX-License-Identifier: MIT */
/*
 * What the rounds amount to.
 *
 * A rate is the median over the rounds that are kept. A ratio is the median of
 * the ratios within each round, not the ratio of two medians: what slowed a
 * round down then slowed both sides. Heap counts are sums over every round, kept or
 * not, divided at the end: an allocation is an allocation wherever the threads ran.
 */
#include "summary.h"

#include "bars.h"
#include "median.h"

#include <err.h>
#include <stdlib.h>

static double rate_of(const struct sample *sample)
{
	return (double)sample->messages / sample->seconds;
}

static double bytes_of(const struct sample *sample)
{
	return (double)sample->bytes / sample->seconds;
}

static double cpu_of(const struct sample *sample)
{
	return sample->cpu_seconds * 1e9 / (double)sample->messages;
}

/* One figure of each kept round into values; how many there are. */
static size_t collect(const struct group *group, unsigned int rounds, unsigned int peer,
	double (*figure)(const struct sample *), double *values)
{
	size_t count = 0;

	for (unsigned int r = 0; r < rounds; r++)
		if (group->rounds[r].probes.kept)
			values[count++] = figure(&group->rounds[r].samples[peer]);
	return count;
}

static size_t collect_ratios(const struct group *group, unsigned int rounds, unsigned int peer,
	double *values)
{
	size_t count = 0;

	for (unsigned int r = 0; r < rounds; r++)
		if (group->rounds[r].probes.kept)
			values[count++] = rate_of(&group->rounds[r].samples[peer]) /
				rate_of(&group->rounds[r].samples[0]);
	return count;
}

static void make_row(struct summary *summary, const struct results *results,
	const struct group *group, unsigned int peer, struct row *row, double *values)
{
	unsigned int rounds = results->rounds;
	struct heap_counts heap = {0};
	uint64_t sent = 0;
	size_t count = collect(group, rounds, peer, rate_of, values);

	row->messages = median(values, count);
	row->spread = spread(values, count);
	row->bytes = median(values, collect(group, rounds, peer, bytes_of, values));
	row->cpu_ns = median(values, collect(group, rounds, peer, cpu_of, values));
	row->ratio = median(values, collect_ratios(group, rounds, peer, values));
	row->peak_mb = group->memory[peer].peak_mb;
	row->efficiency = group->memory[peer].sample.efficiency;
	summary->checked += (double)group->memory[peer].sample.checked;
	for (unsigned int r = 0; r < rounds; r++) {
		const struct sample *sample = &group->rounds[r].samples[peer];

		heap.calls += sample->heap.calls;
		heap.bytes += sample->heap.bytes;
		sent += sample->sent;
		summary->checked += (double)sample->checked;
	}
	row->heap_calls = (double)heap.calls / (double)sent;
	row->heap_bytes = (double)heap.bytes / (double)sent;
	if (row->spread > summary->spread)
		summary->spread = row->spread;
}

static struct pair make_pair(const struct results *results, unsigned int comparison,
	double *values)
{
	const struct micro_round *rounds = results->micro_rounds;
	struct pair pair;
	size_t count = 0;

	for (unsigned int r = 0; r < results->rounds; r++)
		if (rounds[r].probes.kept)
			values[count++] = rounds[r].samples[comparison].ours;
	pair.ours = median(values, count);
	count = 0;
	for (unsigned int r = 0; r < results->rounds; r++)
		if (rounds[r].probes.kept)
			values[count++] = rounds[r].samples[comparison].theirs;
	pair.theirs = median(values, count);
	count = 0;
	for (unsigned int r = 0; r < results->rounds; r++)
		if (rounds[r].probes.kept)
			values[count++] = rounds[r].samples[comparison].ours /
				rounds[r].samples[comparison].theirs;
	pair.ratio = median(values, count);
	return pair;
}

void summary_make(struct summary *summary, const struct results *results)
{
	double *values = malloc(results->rounds * sizeof(*values));

	if (values == NULL)
		err(2, "summary");
	*summary = (struct summary){0};
	for (unsigned int g = 0; g < results->group_count; g++) {
		const struct group *group = &results->groups[g];

		for (unsigned int r = 0; r < results->rounds; r++)
			summary->kept[g] += group->rounds[r].probes.kept;
		for (unsigned int p = 0; p < results->peer_count; p++)
			make_row(summary, results, group, p, &summary->rows[g][p], values);
	}
	for (unsigned int c = 0; c < comparison_count; c++)
		summary->pairs[c] = make_pair(results, c, values);
	free(values);
	bars_judge(summary, results);
}
