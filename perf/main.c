/* SPDX-License-Identifier: MIT */
/*
 * magring-perf: the library at its main job, next to a baseline.
 *
 * Reading order: options.c (what to do), input.c and workload.c (what is sent and how a
 * receiver proves it), peers/ (who sends it), contests.c (who is compared with whom),
 * measure.c (one measurement), latency.c (how long messages took),
 * memory.c and micro.c (two more kinds), probe.c (how far apart the CPUs are),
 * rounds.c (the order of it all), placement.c, summary.c and bars.c (what it
 * amounts to), report.c and json.c (how it is told). heap.c counts allocations.
 */
#include "json.h"
#include "options.h"
#include "placement.h"
#include "report.h"
#include "rounds.h"
#include "summary.h"

static struct results results;
static struct summary summary;

static void add_group(const struct contest *contest, const struct workload *workload,
	struct shape shape)
{
	results.groups[results.group_count++] = (struct group){
		.contest = contest,
		.workload = workload,
		.shape = shape,
		.round_count = results.rounds * contest->times,
	};
}

static void add_groups(const struct options *options, const struct workload *workloads)
{
	static const struct contest *const latency[LATENCY_GROUPS] = {
		&contest_latency_mixed,
		&contest_latency_apart,
	};
	const struct shapes *channels = &options->shapes;
	const struct shapes *rings = &options->ring_shapes;

	for (unsigned int w = 0; options->parts[PART_CHANNELS] && w < CHANNEL_WORKLOADS; w++)
		for (unsigned int s = 0; s < channels->count; s++)
			add_group(&contest_channels, &workloads[w], channels->list[s]);
	for (unsigned int s = 0; options->parts[PART_RINGS] && s < rings->count; s++) {
		add_group(&contest_rings, &workloads[WORKLOAD_SEED], rings->list[s]);
		add_group(&contest_rings_batch, &workloads[WORKLOAD_SEED], rings->list[s]);
	}
	for (unsigned int i = 0; options->parts[PART_LATENCY] && i < LATENCY_GROUPS; i++)
		add_group(latency[i], &workloads[WORKLOAD_TIMED], (struct shape){ 8, 8 });
}

static void run_all(const struct options *options)
{
	struct machine machine;

	rounds_run(&results);
	placement_decide(&results);
	summary_make(&summary, &results);
	machine_read(&machine);
	report_print(&results, &summary, &machine);
	if (options->json != NULL)
		json_write(options->json, &results, &summary, &machine);
	rounds_free(&results);
}

int main(int argc, char **argv)
{
	struct workload workloads[WORKLOADS];
	struct options options;
	struct input input;

	options_read(&options, argc, argv);
	input_load(&input, options.input);
	for (unsigned int w = 0; w < WORKLOADS; w++)
		workload_init(&workloads[w], (enum workload_kind)w, &input);
	if (options.canary) {
		input_damage(&input);
		for (unsigned int w = 0; w < WORKLOADS; w++)
			workloads[w].damaged = workload_seeds((enum workload_kind)w);
	}
	results = (struct results){
		.options = &options,
		.input = &input,
		.rounds = options.rounds,
	};
	add_groups(&options, workloads);
	if (options.only == MEMORY_NONE)
		run_all(&options);
	else
		rounds_answer(&results);
	for (unsigned int w = 0; w < WORKLOADS; w++)
		workload_fini(&workloads[w]);
	input_unload(&input);
	return 0;
}
