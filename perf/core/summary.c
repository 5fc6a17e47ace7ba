/* SPDX-License-Identifier: MIT */
/*
 * What the rounds amount to.
 *
 * A ratio is that of two figures of the same round, which were taken within seconds of each
 * other, and then the median of those: what slows a whole round moves both and not the ratio. It
 * is not the ratio of the two medians.
 */
#include "core/summary.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

static double *make_values(size_t count)
{
	double *values = calloc(count + 1, sizeof(*values));

	if (values == NULL)
		err(2, "summary");
	return values;
}

static struct interval take(double *values, size_t count)
{
	struct interval interval = statistics_of(values, count);

	free(values);
	return interval;
}

struct interval summary_value(const struct group *group, unsigned int queue, unsigned int value)
{
	double *values = make_values(group->round_count);
	size_t count = 0;

	for (unsigned int r = 0; r < group->round_count; r++)
		if (group->rounds[r].kept)
			values[count++] = group->rounds[r].samples[queue].values[value];
	return take(values, count);
}

/* The place in a group of the queue that others are compared with, or the group's count. */
static unsigned int place_of_first(const struct results *results, const struct group *group)
{
	unsigned int place = 0;

	while (place < group->queue_count && group->queues[place] != results->first)
		place++;
	if (place < group->queue_count)
		return place;
	for (place = 0; place < group->queue_count; place++)
		if ((group->queues[place]->flags & QUEUE_FIRST) != 0)
			break;
	return place;
}

struct interval summary_ratio(const struct results *results, const struct group *group,
	unsigned int queue)
{
	double *values = make_values(group->round_count);
	unsigned int first = place_of_first(results, group);
	size_t count = 0;

	for (unsigned int r = 0; first < group->queue_count && r < group->round_count; r++) {
		const struct sample *samples = group->rounds[r].samples;
		double ours = samples[first].values[0];
		double theirs = samples[queue].values[0];

		if (group->rounds[r].kept)
			values[count++] = group->scenario->values[0].more_is_better ? ours / theirs
										    : theirs / ours;
	}
	return take(values, count);
}

struct interval summary_limit(const struct results *results, enum limit limit)
{
	double *values = make_values(results->limit_count);
	size_t count = 0;

	for (unsigned int r = 0; r < results->limit_count; r++)
		if (results->limits[r].kept)
			values[count++] = results->limits[r].values[limit];
	return take(values, count);
}

struct interval summary_limit_ratio(const struct results *results, const struct group *group,
	enum limit limit)
{
	unsigned int rounds = group->round_count < results->limit_count ? group->round_count
									: results->limit_count;
	unsigned int first = place_of_first(results, group);
	double *values = make_values(rounds);
	size_t count = 0;

	for (unsigned int r = 0; first < group->queue_count && r < rounds; r++)
		if (group->rounds[r].kept && results->limits[r].kept)
			values[count++] = group->rounds[r].samples[first].values[0] /
				results->limits[r].values[limit];
	return take(values, count);
}

double summary_events(const struct group *group, unsigned int queue, unsigned int counter)
{
	double messages = 0;
	double events = 0;

	for (unsigned int r = 0; r < group->round_count; r++) {
		const struct counted *counted = &group->rounds[r].samples[queue].counted;

		if (!group->rounds[r].kept || counted->messages == 0)
			continue;
		messages += (double)counted->messages;
		events += counted->events[counter];
	}
	return messages > 0 ? events / messages : NAN;
}

unsigned int summary_kept(const struct group *group)
{
	unsigned int kept = 0;

	for (unsigned int r = 0; r < group->round_count; r++)
		kept += group->rounds[r].kept;
	return kept;
}
