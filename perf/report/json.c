/* SPDX-License-Identifier: MIT */
/*
 * Everything that was measured, as JSON, for perf/report and perf/compare: each round of each
 * queue with the conditions that it was measured under, and what the rounds amount to. Units are
 * in the names; a figure that does not exist is null.
 */
#include "report/json.h"

#include "core/summary.h"
#include "report/value.h"
#include "report/verdict.h"
#include "core/worker.h"

#include <err.h>
#include <math.h>

static json_t *options_json(const struct results *results)
{
	const struct options *options = results->options;
	json_t *object = value_need(json_object());

	value_set_count(object, "rounds", options->rounds);
	value_set_real(object, "seconds", results->measured_seconds);
	value_set_count(object, "seed", options->seed);
	value_set(object, "calibrate", json_boolean(options->calibrate));
	return object;
}

static json_t *interval_json(struct interval interval)
{
	json_t *object = value_need(json_object());

	value_set_real(object, "median", interval.median);
	value_set_real(object, "low", interval.low);
	value_set_real(object, "high", interval.high);
	return object;
}

static json_t *limits_json(const struct results *results)
{
	json_t *object = value_need(json_object());

	value_set_real(object, "core_to_core_ns",
		results->placement > 0 ? results->placement : NAN);
	for (enum limit l = 0; l < LIMITS; l++)
		value_set_real(object, limit_values[l].name,
			results->limit_count > 0 ? summary_limit(results, l).median : NAN);
	return object;
}

static json_t *queues_json(const struct results *results)
{
	json_t *array = value_need(json_array());

	for (unsigned int q = 0; q < results->queue_count; q++) {
		json_t *object = value_need(json_object());

		value_set_text(object, "name", results->queues[q]->name);
		value_set_text(object, "origin", results->queues[q]->origin);
		value_set_text(object, "carries", results->queues[q]->carries);
		value_append(array, object);
	}
	return array;
}

static json_t *round_json(const struct scenario *scenario, const struct round *round,
	const struct sample *sample)
{
	json_t *object = value_need(json_object());
	json_t *values = value_need(json_object());

	for (unsigned int v = 0; v < scenario->value_count; v++)
		value_set_real(values, scenario->values[v].name, sample->values[v]);
	value_set(object, "kept", json_boolean(round->kept));
	value_set_real(object, "probe_before_ns", round->probes.before);
	value_set_real(object, "probe_after_ns", round->probes.after);
	value_set_real(object, "cpus_busy_for_others", round->others);
	value_set_real(object, "steal_ms", sample->conditions.steal_ms);
	value_set_count(object, "context_switches", sample->conditions.context_switches);
	value_set(object, "values", values);
	return object;
}

/* Null if nothing was counted. */
static json_t *counters_json(const struct group *group, unsigned int queue)
{
	json_t *object = value_need(json_object());
	bool any = false;

	for (unsigned int c = 0; c < COUNTERS; c++) {
		double events = summary_events(group, queue, c);

		any = any || isfinite(events);
		value_set_real(object, counter_names[c], events);
	}
	if (any)
		return object;
	json_decref(object);
	return json_null();
}

static json_t *queue_json(const struct results *results, const struct group *group,
	unsigned int queue)
{
	json_t *object = value_need(json_object());
	json_t *summary = value_need(json_object());
	json_t *rounds = value_need(json_array());

	for (unsigned int v = 0; v < group->scenario->value_count; v++)
		value_set(summary, group->scenario->values[v].name,
			interval_json(summary_value(group, queue, v)));
	for (unsigned int r = 0; r < group->round_count; r++)
		value_append(rounds,
			round_json(group->scenario, &group->rounds[r],
				&group->rounds[r].samples[queue]));
	value_set_text(object, "name", group->queues[queue]->name);
	if (group->waits != NULL)
		value_set_text(object, "wait", group->waits[queue]->name);
	value_set(object, "summary", summary);
	value_set(object, "ratio", interval_json(summary_ratio(results, group, queue)));
	value_set(object, "counters", counters_json(group, queue));
	value_set(object, "rounds", rounds);
	return object;
}

static json_t *setting_json(const struct results *results, const struct group *group)
{
	const struct setting *setting = group->setting;
	json_t *object = value_need(json_object());
	json_t *array = value_need(json_array());

	for (unsigned int q = 0; q < group->queue_count; q++)
		value_append(array, queue_json(results, group, q));
	value_set_text(object, "name", setting->name);
	value_set_count(object, "senders", setting->senders);
	value_set_count(object, "receivers", setting->receivers);
	value_set_count(object, "capacity", setting->capacity);
	value_set_count(object, "batch", setting->batch);
	value_set_count(object, "payload", setting->payload);
	value_set_real(object, "rate", setting->rate);
	value_set_count(object, "processors", setting->processors);
	value_set_count(object, "busy", setting->busy);
	value_set(object, "queues", array);
	return object;
}

static json_t *scenario_json(const struct results *results, const struct scenario *scenario)
{
	json_t *object = value_need(json_object());
	json_t *values = value_need(json_array());
	json_t *settings = value_need(json_array());

	for (unsigned int v = 0; v < scenario->value_count; v++) {
		json_t *value = value_need(json_object());

		value_set_text(value, "name", scenario->values[v].name);
		value_set_text(value, "unit", scenario->values[v].unit);
		value_set(value, "more_is_better",
			json_boolean(scenario->values[v].more_is_better));
		value_append(values, value);
	}
	for (unsigned int g = 0; g < results->group_count; g++)
		if (results->groups[g].scenario == scenario)
			value_append(settings, setting_json(results, &results->groups[g]));
	value_set_text(object, "name", scenario->name);
	value_set_text(object, "what", scenario->what);
	value_set(object, "values", values);
	value_set(object, "settings", settings);
	return object;
}

/* The groups of a scenario follow one another. */
static json_t *scenarios_json(const struct results *results)
{
	json_t *array = value_need(json_array());

	for (unsigned int g = 0; g < results->group_count; g++)
		if (g == 0 || results->groups[g].scenario != results->groups[g - 1].scenario)
			value_append(array, scenario_json(results, results->groups[g].scenario));
	return array;
}

static json_t *left_out_json(const struct options *options)
{
	json_t *array = value_need(json_array());

	for (const struct scenario *const *scenario = scenarios; *scenario != NULL; scenario++) {
		const char *why = scenario_hindrance(*scenario);
		json_t *object;

		if (why == NULL || !options_match(options->scenarios, (*scenario)->name))
			continue;
		object = value_need(json_object());
		value_set_text(object, "name", (*scenario)->name);
		value_set_text(object, "why", why);
		value_append(array, object);
	}
	return array;
}

void json_write(const char *path, const struct results *results, const struct machine *machine)
{
	json_t *all = value_need(json_object());

	value_set(all, "machine", value_of_machine(machine));
	value_set(all, "options", options_json(results));
	value_set(all, "limits", limits_json(results));
	value_set_real(all, "run_seconds", results->seconds);
	value_set_count(all, "rounds_redone", results->rounds_redone);
	value_set_count(all, "rounds_left_out", results->rounds_left_out);
	value_set_real(all, "cpus_busy_for_others", results->others);
	value_set_real(all, "steal_share", results->steal_share);
	value_set_text(all, "disturbed_by", verdict_disturbance(results));
	value_set(all, "queues", queues_json(results));
	value_set(all, "scenarios", scenarios_json(results));
	value_set(all, "left_out", left_out_json(results->options));
	if (json_dump_file(all, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0)
		err(2, "%s", path);
	json_decref(all);
}
