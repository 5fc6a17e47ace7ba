/* SPDX-License-Identifier: MIT */
/*
 * Which groups there are: every scenario in every setting, with every queue that bears it, as
 * far as the options want them. A queue that cannot be created here, for want of memory or of
 * something that its library needs, is told once and left out.
 */
#include "core/canary.h"
#include "core/engine.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
	if (memory == NULL)
		err(2, "plan");
	return memory;
}

static void *grown(void *array, size_t count, size_t size)
{
	return need(reallocarray(array, count + 1, size));
}

/* The queues that the options want, and all are wanted once. */
static void choose_queues(struct results *results, const struct options *options)
{
	for (const struct queue *const *queue = queues; *queue != NULL; queue++) {
		const struct queue *wanted = *queue;

		if (!options_match(options->queues, wanted->name))
			continue;
		if (options->canary != NULL && results->queue_count == 0)
			wanted = canary_of(wanted, options->canary);
		if (wanted == NULL)
			errx(2, "--canary=%s: no such error; --help lists them", options->canary);
		results->queues =
			grown(results->queues, results->queue_count, sizeof(*results->queues));
		results->queues[results->queue_count++] = wanted;
		if (*queue == queues[0])
			results->first = wanted;
	}
}

static bool can_create(const struct queue *queue, const struct setting *setting)
{
	void *made;

	if (queue->create == NULL)
		return true;
	errno = 0;
	made = queue->create(setting->capacity, setting->senders, setting->receivers);
	if (made == NULL)
		return false;
	queue->destroy(made);
	return true;
}

static void add_group(struct results *results, const struct scenario *scenario,
	const struct setting *setting, bool *told)
{
	struct group group = { .scenario = scenario, .setting = setting };

	group.queues = need(calloc(results->queue_count, sizeof(*group.queues)));
	for (unsigned int q = 0; q < results->queue_count; q++) {
		const struct queue *queue = results->queues[q];

		if (!scenario->applies(queue, setting))
			continue;
		if (can_create(queue, setting)) {
			group.queues[group.queue_count++] = queue;
		} else if (!told[q]) {
			warnx("%s is left out of %s, %s: %s", queue->name, scenario->name,
				setting->name,
				errno != 0 ? strerror(errno) : "it cannot be created");
			told[q] = true;
		}
	}
	if (group.queue_count == 0) {
		free(group.queues);
		return;
	}
	results->groups = grown(results->groups, results->group_count, sizeof(group));
	results->groups[results->group_count++] = group;
}

/* Whether a setting is among the few that a short look takes: the first ones and the last. */
static bool is_of_few(const struct options *options, unsigned int index, unsigned int count)
{
	return options->few == 0 || index + 1 < options->few || index + 1 == count;
}

void engine_plan(struct results *results, const struct options *options)
{
	bool *told;

	*results = (struct results){ .options = options, .measured_seconds = options->seconds };
	choose_queues(results, options);
	told = need(calloc(results->queue_count + 1, sizeof(*told)));
	for (const struct scenario *const *scenario = scenarios; *scenario != NULL; scenario++) {
		unsigned int count = (*scenario)->setting_count;

		if (!options_match(options->scenarios, (*scenario)->name) ||
			scenario_hindrance(*scenario) != NULL)
			continue;
		for (unsigned int s = 0; s < count; s++)
			if (options_match(options->settings, (*scenario)->settings[s].name) &&
				is_of_few(options, s, count))
				add_group(results, *scenario, &(*scenario)->settings[s], told);
	}
	free(told);
	if (results->group_count == 0)
		errx(2, "nothing is to be measured; --list tells what there is");
}

void engine_free(struct results *results)
{
	for (unsigned int g = 0; g < results->group_count; g++) {
		for (unsigned int r = 0; r < results->groups[g].round_count; r++)
			free(results->groups[g].rounds[r].samples);
		free(results->groups[g].rounds);
		free(results->groups[g].waits);
		free(results->groups[g].queues);
	}
	free(results->groups);
	free(results->queues);
	free(results->limits);
}
