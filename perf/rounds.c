/* SPDX-License-Identifier: MIT */
/*
 * The order of everything.
 *
 *	memory   each group and peer once, in processes of their own
 *	rounds   in each: every group in random order, and in each of those every peer
 *	         in random order between two probes; then the comparisons
 *
 * Peers that are compared with each other are thus always measured within a
 * second or so of each other, and none has a fixed place. The order depends on
 * the option --seed alone.
 */
#include "rounds.h"

#include "cpus.h"
#include "probe.h"
#include "progress.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
	uint64_t bits = *state += 0x9e3779b97f4a7c15;

	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
	return bits ^ (bits >> 31);
}

static void shuffle(unsigned int *order, unsigned int count, uint64_t *random)
{
	for (unsigned int i = 0; i < count; i++)
		order[i] = i;
	for (unsigned int i = count; i > 1; i--) {
		unsigned int other = (unsigned int)(random_next(random) % i);
		unsigned int kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
}

static struct measurement measurement_of(const struct results *results,
	const struct group *group, unsigned int peer)
{
	return (struct measurement){
		.peer = results->peers[peer],
		.workload = group->workload,
		.shape = group->shape,
		.capacity = workload_capacity(group->workload, results->options->capacity),
		.seconds = results->options->seconds,
	};
}

static void show(const struct results *results, const char *stage, const struct group *group,
	unsigned int done)
{
	/* A round of each group weighs as much as its memory; comparisons are quick. */
	unsigned int all = results->group_count * (results->rounds + 1);
	char detail[96];

	snprintf(detail, sizeof(detail), "%s, %ux%u", group->workload->name,
		group->shape.senders, group->shape.receivers);
	progress_show(stage, detail, done, all);
}

static void run_memory(struct results *results)
{
	char **arguments = results->options->arguments;

	for (unsigned int g = 0; g < results->group_count; g++) {
		show(results, "memory", &results->groups[g], g);
		for (unsigned int p = 0; p < results->peer_count; p++)
			results->groups[g].memory[p] =
				memory_of(arguments, (int)(g * results->peer_count + p));
	}
	results->fill = memory_of_full_pool(arguments);
}

void rounds_answer(const struct results *results)
{
	unsigned int which = (unsigned int)results->options->only;
	struct measurement measurement;

	if (which == MEMORY_FILL) {
		memory_answer_full_pool();
		return;
	}
	if (which >= results->group_count * results->peer_count)
		errx(2, "--only %u: there is no such measurement", which);
	measurement = measurement_of(results, &results->groups[which / results->peer_count],
		which % results->peer_count);
	memory_answer(&measurement);
}

/* CPUs that others keep busy, as a stopwatch. */
struct others {
	double start;
	double all;
	double ours;
};

static struct others others_start(void)
{
	return (struct others){cpus_now(), cpus_used_by_all(), cpus_used()};
}

static double others_stop(const struct others *since)
{
	double all = cpus_used_by_all() - since->all;
	double ours = cpus_used() - since->ours;

	return all > ours ? (all - ours) / (cpus_now() - since->start) : 0;
}

static void run_group(struct results *results, struct group *group, struct round *round,
	uint64_t *random)
{
	unsigned int order[PEERS_MAX];
	struct others others = others_start();

	shuffle(order, results->peer_count, random);
	round->probes.before = probe_cores();
	for (unsigned int i = 0; i < results->peer_count; i++) {
		struct measurement measurement = measurement_of(results, group, order[i]);

		round->samples[order[i]] = measure(&measurement);
	}
	round->probes.after = probe_cores();
	round->probes.others = others_stop(&others);
}

static void run_comparisons(struct micro_round *round)
{
	struct others others = others_start();

	round->probes.before = probe_cores();
	for (unsigned int i = 0; i < comparison_count; i++)
		round->samples[i] = comparison_measure(&comparisons[i]);
	round->probes.after = probe_cores();
	round->probes.others = others_stop(&others);
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
	struct others others;

	run_memory(results);
	others = others_start();
	for (unsigned int g = 0; g < results->group_count; g++)
		results->groups[g].rounds = need(calloc(results->rounds, sizeof(struct round)));
	results->micro_rounds = need(calloc(results->rounds, sizeof(struct micro_round)));
	for (unsigned int r = 0; r < results->rounds; r++) {
		unsigned int order[GROUPS_MAX];
		char stage[48];

		snprintf(stage, sizeof(stage), "round %u of %u", r + 1, results->rounds);
		shuffle(order, results->group_count, &random);
		for (unsigned int i = 0; i < results->group_count; i++) {
			struct group *group = &results->groups[order[i]];

			show(results, stage, group, results->group_count * (r + 1) + i);
			run_group(results, group, &group->rounds[r], &random);
		}
		run_comparisons(&results->micro_rounds[r]);
	}
	progress_end();
	results->others = others_stop(&others);
	results->seconds = cpus_now() - start;
}

void rounds_free(struct results *results)
{
	for (unsigned int g = 0; g < results->group_count; g++)
		free(results->groups[g].rounds);
	free(results->micro_rounds);
}
