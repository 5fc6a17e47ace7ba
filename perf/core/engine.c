/* SPDX-License-Identifier: MIT */
/*
 * The order of everything.
 *
 *	round   the limits, then every group in random order
 *	group   a probe of how far apart the CPUs are, its queues in random order, a probe
 *
 * Queues that are compared with each other are thus measured within a few seconds of each
 * other, and none has a fixed place. The order depends on the option --seed alone.
 *
 * When all rounds are made, those count in which the CPUs were as far apart as in most
 * (perf/bunch.c). Groups that have fewer of those than --rounds go on, for at most as many
 * rounds again, or until the time is up. With --apart the probe before a group is repeated until
 * the CPUs are as far apart as was asked for, and no round counts in which they were nearer.
 */
#include "core/engine.h"

#include "core/calibrate.h"
#include "core/control.h"
#include "core/cpus.h"
#include "core/median.h"
#include "core/order.h"
#include "core/probe.h"
#include "core/progress.h"
#include "core/summary.h"
#include "core/watchdog.h"
#include "core/worker.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double least_seconds = 0.02;

/* For how many probes to wait for CPUs that are further apart: a quarter of an hour at least. The pauses between
 * them are short, as a hypervisor tends to leave idle CPUs on one core. */
#define PAUSE 0.001
enum { MOST_PROBES = 1000000 };

/* One measurement takes its warm-up and its threads besides, at a guess. */
static const double share_around = 0.3;

/* What the measurement that is going on counts in its window. */
static struct counted counted;
static bool window_counts; /* not while waits are tried */

/* How far the run is, in measurements of a queue. */
struct course {
	double begin; /* of the run */
	double start; /* of the rounds */
	unsigned int done;
	unsigned int all;
	char stage[48];
};

void window_open(void)
{
	if (!window_counts)
		return;
	control_turn(true);
	counters_start();
}

void window_close(uint64_t messages)
{
	if (!window_counts)
		return;
	counters_stop(&counted);
	control_turn(false);
	counted.messages = messages;
}

static void *need(void *memory)
{
	if (memory == NULL)
		err(2, "engine");
	return memory;
}

static double time_left(const struct course *course, double seconds)
{
	double left = course->all - course->done;

	if (course->done == 0)
		return left * seconds * (1 + share_around);
	return left * (cpus_now() - course->start) / course->done;
}

static void show(const struct results *results, const struct course *course,
	const struct group *group)
{
	double left = time_left(course, results->measured_seconds);
	char detail[96];

	snprintf(detail, sizeof(detail), "%.30s, %.30s; %u:%02u left", group->scenario->name,
		group->setting->name, (unsigned int)left / 60, (unsigned int)left % 60);
	progress_show(course->stage, detail, course->done, course->all);
}

static void run_queue(const struct results *results, const struct group *group,
	const struct queue *queue, struct sample *ret_sample)
{
	struct conditions start = conditions_now();
	char what[128];

	snprintf(what, sizeof(what), "%.40s, %.40s, %.40s", group->scenario->name,
		group->setting->name, queue->name);
	for (unsigned int v = 0; v < VALUES_MAX; v++)
		ret_sample->values[v] = NAN;
	counted = (struct counted){ 0 };
	watchdog_set(what, results->measured_seconds);
	if (!group->scenario->measure(queue, group->setting, results->measured_seconds,
		    ret_sample->values)) {
		fprintf(stderr, "magring-perf: %s: WRONG\n", what);
		exit(1);
	}
	watchdog_unset();
	ret_sample->counted = counted;
	ret_sample->conditions = conditions_since(&start);
}

static bool far_enough(const struct options *options, struct bounds probes)
{
	return probes.before >= options->apart && probes.after >= options->apart;
}

/* The probe before a round. */
static double probe_when_apart(const struct options *options)
{
	double ns = probe_cores();

	for (unsigned int probes = 0; ns < options->apart && probes < MOST_PROBES; probes++) {
		pause_for(PAUSE);
		ns = probe_cores();
	}
	return ns;
}

static void run_group(struct results *results, struct group *group, uint64_t *random)
{
	unsigned int *order = need(calloc(group->queue_count, sizeof(*order)));
	struct cpus_others others = cpus_others_start();
	struct round round = {
		.samples = need(calloc(group->queue_count, sizeof(*round.samples))),
	};

	order_shuffle(order, group->queue_count, random);
	round.probes.before = probe_when_apart(results->options);
	for (unsigned int i = 0; i < group->queue_count; i++) {
		calibrate_use(group, order[i]);
		run_queue(results, group, group->queues[order[i]], &round.samples[order[i]]);
	}
	round.probes.after = probe_cores();
	round.others = cpus_others_stop(&others);
	group->rounds =
		need(reallocarray(group->rounds, group->round_count + 1, sizeof(*group->rounds)));
	group->rounds[group->round_count++] = round;
	free(order);
}

static void run_limits(struct results *results)
{
	struct limit_round *round;

	results->limits = need(
		reallocarray(results->limits, results->limit_count + 1, sizeof(*results->limits)));
	round = &results->limits[results->limit_count++];
	round->probes.before = probe_when_apart(results->options);
	watchdog_set("limits", results->measured_seconds);
	if (!limit_measure(results->measured_seconds, round->values))
		exit(1);
	round->probes.after = probe_cores();
	watchdog_unset();
}

/* The median of the probes of the rounds that are kept. */
static double placement_of(const struct bounds *bounds, size_t count, double middle)
{
	double *values = need(calloc(2 * count, sizeof(*values)));
	size_t kept = 0;
	double ns;

	for (size_t i = 0; i < count; i++) {
		if (bunch_has(middle, bounds[i])) {
			values[kept++] = bounds[i].before;
			values[kept++] = bounds[i].after;
		}
	}
	ns = median(values, kept);
	free(values);
	return ns;
}

/* Whether a round counts. */
static bool keeps(const struct options *options, double middle, struct bounds probes)
{
	return far_enough(options, probes) && bunch_has(middle, probes);
}

static void judge(struct results *results)
{
	struct bounds *bounds;
	size_t count = 0;
	double middle;

	results->rounds_in_all = 0;
	results->rounds_left_out = 0;
	results->rounds_redone = 0;
	for (unsigned int g = 0; g < results->group_count; g++)
		results->rounds_in_all += results->groups[g].round_count;
	bounds = need(calloc(results->rounds_in_all, sizeof(*bounds)));
	for (unsigned int g = 0; g < results->group_count; g++)
		for (unsigned int r = 0; r < results->groups[g].round_count; r++)
			if (far_enough(results->options, results->groups[g].rounds[r].probes))
				bounds[count++] = results->groups[g].rounds[r].probes;
	middle = bunch_middle(bounds, count);
	results->placement = middle == 0 ? 0 : placement_of(bounds, count, middle);
	for (unsigned int g = 0; g < results->group_count; g++) {
		struct group *group = &results->groups[g];

		for (unsigned int r = 0; r < group->round_count; r++) {
			group->rounds[r].kept =
				keeps(results->options, middle, group->rounds[r].probes);
			results->rounds_left_out += !group->rounds[r].kept;
		}
		if (group->round_count > results->options->rounds)
			results->rounds_redone += group->round_count - results->options->rounds;
	}
	for (unsigned int r = 0; r < results->limit_count; r++)
		results->limits[r].kept =
			keeps(results->options, middle, results->limits[r].probes);
	free(bounds);
}

static unsigned int weight_of_all(const struct results *results)
{
	unsigned int weight = 0;

	for (unsigned int g = 0; g < results->group_count; g++)
		weight += results->groups[g].queue_count;
	return weight;
}

/* How long measurements of the next round may be, so that the run is over in time: as the last one
 * tells how long everything else takes, warming up and threads that end. */
static void fit(struct results *results, const struct course *course, unsigned int rounds_done,
	double last_round)
{
	const struct options *options = results->options;
	double count = weight_of_all(results) + (options->limits ? LIMITS : 0);
	double around = rounds_done == 0 ? share_around * results->measured_seconds
					 : fmax(0, last_round / count - results->measured_seconds);
	double left = course->begin + 60 * options->minutes - cpus_now();
	double each = left / (options->rounds - rounds_done) / count - around;

	if (options->minutes > 0)
		results->measured_seconds =
			fmin(options->seconds, fmax(each, fmin(least_seconds, options->seconds)));
}

static bool time_is_up(const struct results *results, const struct course *course)
{
	return results->options->minutes > 0 &&
		cpus_now() - course->begin > 60 * results->options->minutes;
}

/* One round of all groups that have too few. */
static void run_round(struct results *results, struct course *course, uint64_t *random)
{
	unsigned int *order = need(calloc(results->group_count, sizeof(*order)));

	if (results->options->limits)
		run_limits(results);
	order_shuffle(order, results->group_count, random);
	for (unsigned int i = 0; i < results->group_count; i++) {
		struct group *group = &results->groups[order[i]];

		if (summary_kept(group) >= results->options->rounds)
			continue;
		if (course->done >= weight_of_all(results) && time_is_up(results, course))
			break;
		show(results, course, group);
		run_group(results, group, random);
		course->done += group->queue_count;
	}
	free(order);
}

/* How many measurements another round would be. */
static unsigned int weight_missing(const struct results *results)
{
	unsigned int weight = 0;

	for (unsigned int g = 0; g < results->group_count; g++)
		if (summary_kept(&results->groups[g]) < results->options->rounds)
			weight += results->groups[g].queue_count;
	return weight;
}

/* Find each queue's best wait. */
static void calibrate_all(struct results *results)
{
	double seconds = fmax(0.005, fmin(0.01, results->options->seconds / 5));

	for (unsigned int g = 0; g < results->group_count; g++) {
		struct group *group = &results->groups[g];
		char detail[96];

		snprintf(detail, sizeof(detail), "%.30s, %.30s", group->scenario->name,
			group->setting->name);
		progress_show("waits", detail, g, results->group_count);
		calibrate(group, seconds);
	}
}

void engine_run(struct results *results)
{
	unsigned int rounds = results->options->rounds;
	struct cpus_others others = cpus_others_start();
	struct course course = { .begin = cpus_now() };
	uint64_t random = results->options->seed;
	double stolen = cpus_stolen();
	double last_round = 0;

	if (results->options->calibrate)
		calibrate_all(results);
	window_counts = true;
	course.start = cpus_now();
	course.all = weight_of_all(results) * rounds;
	for (unsigned int r = 0; r < rounds && (r == 0 || !time_is_up(results, &course)); r++) {
		double begin = cpus_now();
		double left;

		fit(results, &course, r, last_round);
		left = time_left(&course, results->measured_seconds);
		snprintf(course.stage, sizeof(course.stage), "round %u of %u", r + 1, rounds);
		if (!isatty(STDERR_FILENO))
			snprintf(course.stage, sizeof(course.stage),
				"round %u of %u, about %.0f s left", r + 1, rounds, left);
		run_round(results, &course, &random);
		last_round = cpus_now() - begin;
	}
	judge(results);
	for (unsigned int r = 0; r < rounds && !time_is_up(results, &course); r++) {
		unsigned int weight = weight_missing(results);

		if (weight == 0)
			break;
		course.all = course.done + weight;
		snprintf(course.stage, sizeof(course.stage), "extra round %u", r + 1);
		run_round(results, &course, &random);
		judge(results);
	}
	progress_end();
	results->others = cpus_others_stop(&others);
	results->seconds = cpus_now() - course.begin;
	results->steal_share = (cpus_stolen() - stolen) / (results->seconds * cpus_allowed());
}
