/* SPDX-License-Identifier: MIT */
/*
 * What the rounds amount to.
 *
 * A rate, or a percentile, is the median over the rounds that are kept. A ratio is the median of
 * the ratios within each round, not the ratio of two medians: what slowed a
 * round down then slowed both sides. Heap counts are sums over every round, kept or
 * not, divided at the end: an allocation is an allocation wherever the threads ran.
 * So are questions asked in a ring.
 */
#include "summary.h"

#include "bars.h"
#include "median.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

static double rate_of(const struct sample *sample)
{
	return (double)sample->messages / sample->seconds;
}

static double bytes_of(const struct sample *sample)
{
	return (double)sample->bytes / sample->seconds;
}

static double p50_of(const struct sample *sample)
{
	return sample->latency.p50;
}

static double p99_of(const struct sample *sample)
{
	return sample->latency.p99;
}

static double p999_of(const struct sample *sample)
{
	return sample->latency.p999;
}

static double max_of(const struct sample *sample)
{
	return sample->latency.max;
}

static double cpu_of(const struct sample *sample)
{
	return sample->cpu_seconds * 1e9 / (double)sample->messages;
}

/* One figure of each kept round into values; how many there are. A round without a
 * message, which can happen when one is short, has no figure. */
static size_t collect(const struct group *group, unsigned int peer,
	double (*figure)(const struct sample *), double *values)
{
	size_t count = 0;

	for (unsigned int r = 0; r < group->round_count; r++) {
		if (!group->rounds[r].probes.kept)
			continue;
		values[count] = figure(&group->rounds[r].samples[peer]);
		count += !isnan(values[count]);
	}
	return count;
}

/* The same, divided by the first peer's in the same round. */
static size_t collect_ratios(const struct group *group, unsigned int peer,
	double (*figure)(const struct sample *), double *values)
{
	size_t count = 0;

	for (unsigned int r = 0; r < group->round_count; r++) {
		const struct round *round = &group->rounds[r];

		if (!round->probes.kept)
			continue;
		values[count] = figure(&round->samples[peer]) / figure(&round->samples[0]);
		count += !isnan(values[count]);
	}
	return count;
}

static void make_latency(const struct group *group, unsigned int peer, struct row *row,
	double *values)
{
	struct percentiles *latency = &row->latency;

	latency->p50 = median(values, collect(group, peer, p50_of, values));
	latency->p99 = median(values, collect(group, peer, p99_of, values));
	latency->p999 = median(values, collect(group, peer, p999_of, values));
	latency->max = median(values, collect(group, peer, max_of, values));
	row->p99_ratio = median(values, collect_ratios(group, peer, p99_of, values));
	row->p999_ratio = median(values, collect_ratios(group, peer, p999_of, values));
	for (unsigned int r = 0; r < group->round_count; r++)
		latency->count += group->rounds[r].samples[peer].latency.count;
}

static void make_row(struct summary *summary, const struct group *group, unsigned int peer,
	struct row *row, double *values)
{
	struct heap_counts heap = { 0 };
	struct questions questions = { 0 };
	uint64_t checked = 0;
	uint64_t sent = 0;
	size_t count = collect(group, peer, rate_of, values);

	row->messages = median(values, count);
	row->spread = spread(values, count);
	row->bytes = median(values, collect(group, peer, bytes_of, values));
	row->cpu_ns = median(values, collect(group, peer, cpu_of, values));
	row->ratio = median(values, collect_ratios(group, peer, rate_of, values));
	row->peak_mb = group->memory[peer].peak_mb;
	row->efficiency = group->memory[peer].sample.efficiency;
	summary->checked += (double)group->memory[peer].sample.checked;
	for (unsigned int r = 0; r < group->round_count; r++) {
		const struct sample *sample = &group->rounds[r].samples[peer];

		heap.calls += sample->heap.calls;
		heap.bytes += sample->heap.bytes;
		questions.asked += sample->questions.asked;
		questions.quarantined += sample->questions.quarantined;
		sent += sample->sent;
		checked += sample->checked;
	}
	summary->checked += (double)checked;
	row->asked = NAN;
	row->quarantined = NAN;
	if (group->contest->peers[peer]->questions != NULL) {
		row->asked = (double)questions.asked * 1e6 / (double)checked;
		row->quarantined = (double)questions.quarantined * 1e6 / (double)checked;
	}
	if (group->workload->kind == WORKLOAD_TIMED)
		make_latency(group, peer, row, values);
	row->heap_calls = (double)heap.calls / (double)sent;
	row->heap_bytes = (double)heap.bytes / (double)sent;
	/* Rings alone have short rounds, of which only the ratio counts. */
	if (group->contest->part == PART_CHANNELS && row->spread > summary->spread)
		summary->spread = row->spread;
}

static struct pair make_pair(const struct results *results, unsigned int comparison, double *values)
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
	unsigned int most = results->rounds;
	double *values;

	for (unsigned int g = 0; g < results->group_count; g++)
		if (results->groups[g].round_count > most)
			most = results->groups[g].round_count;
	values = malloc(most * sizeof(*values));

	if (values == NULL)
		err(2, "summary");
	*summary = (struct summary){ 0 };
	for (unsigned int g = 0; g < results->group_count; g++) {
		const struct group *group = &results->groups[g];

		for (unsigned int r = 0; r < group->round_count; r++)
			summary->kept[g] += group->rounds[r].probes.kept;
		for (unsigned int p = 0; p < group->contest->peer_count; p++)
			make_row(summary, group, p, &summary->rows[g][p], values);
	}
	for (unsigned int c = 0; results->micro_rounds != NULL && c < comparison_count; c++)
		summary->pairs[c] = make_pair(results, c, values);
	free(values);
	bars_judge(summary, results);
}
