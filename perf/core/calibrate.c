/* SPDX-License-Identifier: MIT */
/*
 * Which wait is best for a queue in a setting: each that the scenario allows is tried twice, for a
 * short time, and the one with the best first value stays for all rounds. A queue that has
 * but one is not tried.
 */
#include "core/calibrate.h"

#include "core/watchdog.h"
#include "core/waits.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of each wait the better of so many tries counts: a disturbed one is slow, and none is fast by
 * chance. */
enum { PASSES = 2 };

static double try_wait(const struct group *group, const struct queue *queue,
	const struct wait *wait, double seconds)
{
	double values[VALUES_MAX];
	char what[128];

	snprintf(what, sizeof(what), "%.40s, %.40s, %.40s", group->scenario->name,
		group->setting->name, queue->name);
	for (unsigned int v = 0; v < VALUES_MAX; v++)
		values[v] = NAN;
	worker_wait = wait;
	watchdog_set(what, seconds);
	if (!group->scenario->measure(queue, group->setting, seconds, values)) {
		fprintf(stderr, "magring-perf: %s, waits by %s: WRONG\n", what, wait->name);
		exit(1);
	}
	watchdog_unset();
	return group->scenario->values[0].more_is_better ? values[0] : -values[0];
}

static const struct wait *best_of(const struct group *group, const struct queue *queue,
	double seconds)
{
	const struct wait *allowed[16];
	const struct wait *best = NULL;
	unsigned int count = 0;
	double most = NAN;

	for (const struct wait *wait = waits; wait->name != NULL; wait++)
		if (group->scenario->allows(queue, wait))
			allowed[count++] = wait;
	if (count == 0)
		return worker_wait;
	if (count == 1)
		return allowed[0];
	for (unsigned int i = 0; i < PASSES * count; i++) {
		const struct wait *wait = allowed[i % count];
		double value = try_wait(group, queue, wait, seconds);

		if (best == NULL || value > most || isnan(most)) {
			best = wait;
			most = value;
		}
	}
	return best;
}

void calibrate(struct group *group, double seconds)
{
	const struct wait *usual = worker_wait;

	if (group->scenario->allows == NULL)
		return;
	group->waits = calloc(group->queue_count, sizeof(struct wait *));
	if (group->waits == NULL)
		err(2, "calibrate");
	for (unsigned int q = 0; q < group->queue_count; q++) {
		worker_wait = usual;
		group->waits[q] = best_of(group, group->queues[q], seconds);
	}
	worker_wait = usual;
}

void calibrate_use(const struct group *group, unsigned int queue)
{
	static const struct wait *usual;

	if (usual == NULL)
		usual = worker_wait;
	worker_wait = group->waits == NULL ? usual : group->waits[queue];
}
