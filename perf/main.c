/* SPDX-License-Identifier: MIT */
/*
 * magring-perf: the library at its main job, next to a baseline.
 *
 * Reading order: options.c (what to do), input.c and workload.c (what is sent and how a
 * receiver proves it), peers/ (who sends it), measure.c (one measurement),
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

static const struct peer *const peers[] = {
	&peer_baseline,
	&peer_magring,
	&peer_magring_batch,
};

static struct results results;
static struct summary summary;

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
	workload_init(&workloads[0], WORKLOAD_SEED, &input);
	workload_init(&workloads[1], WORKLOAD_REPLAY, &input);
	workload_init(&workloads[2], WORKLOAD_HASHED, &input);
	if (options.canary) {
		input_damage(&input);
		workloads[0].damaged = true;
	}
	results = (struct results){
		.options = &options,
		.input = &input,
		.peers = peers,
		.peer_count = sizeof(peers) / sizeof(peers[0]),
		.rounds = options.rounds,
	};
	for (unsigned int w = 0; w < WORKLOADS; w++)
		for (unsigned int s = 0; s < options.shape_count; s++)
			results.groups[results.group_count++] = (struct group){
				.workload = &workloads[w],
				.shape = options.shapes[s],
			};
	if (options.only == MEMORY_NONE)
		run_all(&options);
	else
		rounds_answer(&results);
	for (unsigned int w = 0; w < WORKLOADS; w++)
		workload_fini(&workloads[w]);
	input_unload(&input);
	return 0;
}
