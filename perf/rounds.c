/* SPDX-License-Identifier: MIT */
/*
 * The order of everything.
 *
 *	memory   each group of channels and each peer once, in processes of their own
 *	rounds   in each: every group in random order, and in each of those every peer
 *	         of its contest in random order between two probes; then the comparisons
 *
 * Peers that are compared with each other are thus always measured within a
 * second or so of each other, and none has a fixed place. The order depends on
 * the option --seed alone.
 */
#include "rounds.h"

#include "cpus.h"
#include "order.h"
#include "probe.h"
#include "progress.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

size_t group_capacity(const struct results *results, const struct group *group)
{
	return group->contest->capacity != 0
		? group->contest->capacity
		: workload_capacity(group->workload, results->options->capacity);
}

static bool has_memory(const struct group *group)
{
	return group->contest->part == PART_CHANNELS;
}

static struct measurement measurement_of(const struct results *results, const struct group *group,
	unsigned int peer)
{
	const struct contest *contest = group->contest;

	return (struct measurement){
		.peer = contest->peers[peer],
		.workload = group->workload,
		.shape = group->shape,
		.capacity = group_capacity(results, group),
		.cpus = contest->cpus,
		.seconds = results->options->seconds * contest->share,
	};
}

/* How long a round of a group takes, or its memory; comparisons are quick. */
static unsigned int weight(const struct group *group)
{
	const struct contest *contest = group->contest;

	return (unsigned int)(10 * contest->times * contest->share * contest->peer_count);
}

static void show(const struct results *results, const char *stage, const struct group *group,
	unsigned int done)
{
	unsigned int all = 0;
	char detail[96];

	for (unsigned int g = 0; g < results->group_count; g++)
		all += weight(&results->groups[g]) *
			(results->rounds + has_memory(&results->groups[g]));
	snprintf(detail, sizeof(detail), "%s, %s, %ux%u", group->contest->name,
		group->workload->name, group->shape.senders, group->shape.receivers);
	progress_show(stage, detail, done, all);
}

/* Returns its weight. */
static unsigned int run_memory(struct results *results)
{
	char **arguments = results->options->arguments;
	unsigned int done = 0;

	for (unsigned int g = 0; g < results->group_count; g++) {
		struct group *group = &results->groups[g];

		if (!has_memory(group))
			continue;
		show(results, "memory", group, done);
		for (unsigned int p = 0; p < group->contest->peer_count; p++)
			group->memory[p] = memory_of(arguments, (int)(g * PEERS_MAX + p));
		done += weight(group);
	}
	if (results->options->parts[PART_CHANNELS])
		results->fill = memory_of_full_pool(arguments);
	return done;
}

void rounds_answer(const struct results *results)
{
	unsigned int which = (unsigned int)results->options->only;
	struct measurement measurement;

	if (which == MEMORY_FILL) {
		memory_answer_full_pool();
		return;
	}
	if (which / PEERS_MAX >= results->group_count ||
		which % PEERS_MAX >= results->groups[which / PEERS_MAX].contest->peer_count ||
		!has_memory(&results->groups[which / PEERS_MAX]))
		errx(2, "--only %u: there is no such measurement", which);
	measurement =
		measurement_of(results, &results->groups[which / PEERS_MAX], which % PEERS_MAX);
	memory_answer(&measurement);
}

static void run_group(struct results *results, struct group *group, struct round *round,
	uint64_t *random)
{
	unsigned int order[PEERS_MAX];
	struct cpus_others others = cpus_others_start();

	order_shuffle(order, group->contest->peer_count, random);
	round->probes.before = probe_cores();
	for (unsigned int i = 0; i < group->contest->peer_count; i++) {
		struct measurement measurement = measurement_of(results, group, order[i]);

		round->samples[order[i]] = measure(&measurement);
	}
	round->probes.after = probe_cores();
	round->probes.others = cpus_others_stop(&others);
}

static void run_comparisons(struct micro_round *round)
{
	struct cpus_others others = cpus_others_start();

	round->probes.before = probe_cores();
	for (unsigned int i = 0; i < comparison_count; i++)
		round->samples[i] = comparison_measure(&comparisons[i]);
	round->probes.after = probe_cores();
	round->probes.others = cpus_others_stop(&others);
}

static void *need(void *memory)
{
	if (memory == NULL)
		err(2, "rounds");
	return memory;
}

void rounds_run(struct results *results)
{
	uint64_t random = results->options->seed;
	double start = cpus_now();
	struct cpus_others others;
	unsigned int done;

	done = run_memory(results);
	others = cpus_others_start();
	for (unsigned int g = 0; g < results->group_count; g++)
		results->groups[g].rounds =
			need(calloc(results->groups[g].round_count, sizeof(struct round)));
	if (results->options->parts[PART_CHANNELS])
		results->micro_rounds = need(calloc(results->rounds, sizeof(struct micro_round)));
	for (unsigned int r = 0; r < results->rounds; r++) {
		unsigned int order[GROUPS_MAX];
		char stage[48];

		snprintf(stage, sizeof(stage), "round %u of %u", r + 1, results->rounds);
		order_shuffle(order, results->group_count, &random);
		for (unsigned int i = 0; i < results->group_count; i++) {
			struct group *group = &results->groups[order[i]];

			show(results, stage, group, done);
			for (unsigned int t = 0; t < group->contest->times; t++)
				run_group(results, group,
					&group->rounds[r * group->contest->times + t], &random);
			done += weight(group);
		}
		if (results->micro_rounds != NULL)
			run_comparisons(&results->micro_rounds[r]);
	}
	progress_end();
	results->others = cpus_others_stop(&others);
	results->seconds = cpus_now() - start;
}

void rounds_free(struct results *results)
{
	for (unsigned int g = 0; g < results->group_count; g++)
		free(results->groups[g].rounds);
	free(results->micro_rounds);
}
