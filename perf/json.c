/* SPDX-License-Identifier: MIT */
/*
 * Everything that was measured, as JSON: the machine, the options, each round
 * with its probes, and the summary that the tables show. Units are in the names;
 * a figure that does not exist is null.
 */
#include "json.h"

#include "rounds.h"
#include "value.h"

#include <err.h>
#include <jansson.h>

static json_t *options_json(const struct results *results)
{
	const struct options *options = results->options;
	json_t *object = value_need(json_object());

	value_set_text(object, "input", results->input->path);
	value_set_text(object, "record", results->input->form);
	value_set_count(object, "records", results->input->count);
	value_set_count(object, "record_bytes", results->input->bytes);
	value_set_count(object, "largest_payload", results->input->max_payload);
	value_set_real(object, "seconds", options->seconds);
	value_set_count(object, "rounds", options->rounds);
	value_set_count(object, "seed", options->seed);
	value_set_count(object, "capacity_wanted", options->capacity);
	return object;
}

static json_t *probes_json(const struct probes *probes)
{
	json_t *object = value_need(json_object());

	value_set_real(object, "probe_before_ns", probes->before);
	value_set_real(object, "probe_after_ns", probes->after);
	value_set(object, "kept", json_boolean(probes->kept));
	value_set_real(object, "cpus_busy_for_others", probes->others);
	return object;
}

static void set_latency(json_t *object, const struct percentiles *latency)
{
	value_set_real(object, "latency_p50_ns", latency->p50);
	value_set_real(object, "latency_p99_ns", latency->p99);
	value_set_real(object, "latency_p99_9_ns", latency->p999);
	value_set_real(object, "latency_longest_ns", latency->max);
	value_set_count(object, "messages_timed", latency->count);
}

static json_t *sample_json(const struct group *group, const struct peer *peer,
	const struct sample *sample)
{
	json_t *object = value_need(json_object());

	value_set_real(object, "seconds", sample->seconds);
	value_set_count(object, "received", sample->messages);
	value_set_count(object, "received_bytes", sample->bytes);
	value_set_count(object, "sent", sample->sent);
	value_set_real(object, "cpu_seconds", sample->cpu_seconds);
	value_set_count(object, "heap_calls", sample->heap.calls);
	value_set_count(object, "heap_bytes", sample->heap.bytes);
	value_set_count(object, "messages_checked", sample->checked);
	if (peer->questions != NULL) {
		value_set_count(object, "questions_asked", sample->questions.asked);
		value_set_count(object, "cells_quarantined", sample->questions.quarantined);
	}
	if (group->workload->kind == WORKLOAD_TIMED)
		set_latency(object, &sample->latency);
	return object;
}

/* What only channels are asked for. */
static void set_channel(json_t *object, const struct row *row)
{
	value_set_real(object, "heap_bytes_per_message", row->heap_bytes);
	value_set_real(object, "heap_calls_per_message", row->heap_calls);
	value_set_real(object, "peak_mb", row->peak_mb);
	value_set_real(object, "memory_efficiency", row->efficiency);
}

static json_t *row_json(const struct group *group, const struct peer *peer, const struct row *row)
{
	bool channel = group->contest->part == PART_CHANNELS;
	json_t *object = value_need(json_object());

	value_set_real(object, "messages_per_second", row->messages);
	value_set_real(object, "bytes_per_second", row->bytes);
	value_set_real(object, channel ? "ratio_to_baseline" : "ratio_to_plain_ring", row->ratio);
	value_set_real(object, "cpu_ns_per_message", row->cpu_ns);
	if (channel)
		set_channel(object, row);
	if (peer->questions != NULL) {
		value_set_real(object, "questions_asked_per_million", row->asked);
		value_set_real(object, "cells_quarantined_per_million", row->quarantined);
	}
	if (group->workload->kind == WORKLOAD_TIMED) {
		set_latency(object, &row->latency);
		value_set_real(object, "latency_p99_ratio_to_plain_ring", row->p99_ratio);
		value_set_real(object, "latency_p99_9_ratio_to_plain_ring", row->p999_ratio);
	}
	value_set_real(object, "spread", row->spread);
	return object;
}

static json_t *group_json(const struct results *results, const struct group *group,
	const struct row *rows)
{
	const struct contest *contest = group->contest;
	json_t *object = value_need(json_object());
	json_t *rounds = value_need(json_array());
	json_t *peers = value_need(json_object());

	for (unsigned int p = 0; p < contest->peer_count; p++)
		value_set(peers, contest->peers[p]->name,
			row_json(group, contest->peers[p], &rows[p]));
	for (unsigned int r = 0; r < group->round_count; r++) {
		json_t *round = probes_json(&group->rounds[r].probes);

		for (unsigned int p = 0; p < contest->peer_count; p++)
			value_set(round, contest->peers[p]->name,
				sample_json(group, contest->peers[p],
					&group->rounds[r].samples[p]));
		value_append(rounds, round);
	}
	value_set_text(object, "contest", contest->name);
	value_set_text(object, "cpus",
		contest->cpus == CPUS_ALL           ? "all"
			: contest->cpus == CPUS_TWO ? "two"
						    : "one a side");
	value_set_text(object, "workload", group->workload->name);
	value_set_count(object, "senders", group->shape.senders);
	value_set_count(object, "receivers", group->shape.receivers);
	value_set_count(object, "capacity", group_capacity(results, group));
	value_set(object, "peers", peers);
	value_set(object, "rounds", rounds);
	return object;
}

static json_t *comparison_json(const struct results *results, unsigned int c,
	const struct pair *pair)
{
	json_t *object = value_need(json_object());
	json_t *rounds = value_need(json_array());

	for (unsigned int r = 0; r < results->rounds; r++) {
		const struct micro_round *measured = &results->micro_rounds[r];
		json_t *round = probes_json(&measured->probes);

		value_set_real(round, "ns", measured->samples[c].ours);
		value_set_real(round, "other_ns", measured->samples[c].theirs);
		value_append(rounds, round);
	}
	value_set_text(object, "what", comparisons[c].what);
	value_set_text(object, "other", comparisons[c].theirs->name);
	value_set_real(object, "ns", pair->ours);
	value_set_real(object, "other_ns", pair->theirs);
	value_set_real(object, "ratio", pair->ratio);
	value_set(object, "rounds", rounds);
	return object;
}

static json_t *fill_json(const struct fill *fill)
{
	json_t *object = value_need(json_object());

	value_set_count(object, "payload_size", fill->payload_size);
	value_set_real(object, "messages", fill->messages);
	value_set_real(object, "limit_mb", fill->limit_mb);
	value_set_real(object, "efficiency", fill->efficiency);
	value_set_real(object, "efficiency_by_resident_memory", fill->resident);
	return object;
}

static json_t *bar_json(const struct bar *bar)
{
	json_t *object = value_need(json_object());

	value_set_text(object, "what", bar->what);
	value_set_text(object, "wanted_is", bar->at_least ? "at least" : "at most");
	value_set_real(object, "wanted", bar->wanted);
	value_set_real(object, "measured", bar->measured);
	value_set_text(object, "unit", bar->unit);
	value_set(object, "met", json_boolean(bar_met(bar)));
	return object;
}

void json_write(const char *path, const struct results *results, const struct summary *summary,
	const struct machine *machine)
{
	json_t *all = value_need(json_object());
	json_t *groups = value_need(json_array());
	json_t *pairs = value_need(json_array());
	json_t *bars = value_need(json_array());

	for (unsigned int g = 0; g < results->group_count; g++)
		value_append(groups, group_json(results, &results->groups[g], summary->rows[g]));
	for (unsigned int c = 0; results->micro_rounds != NULL && c < comparison_count; c++)
		value_append(pairs, comparison_json(results, c, &summary->pairs[c]));
	for (unsigned int i = 0; i < summary->bar_count; i++)
		value_append(bars, bar_json(&summary->bars[i]));
	value_set(all, "machine", value_of_machine(machine));
	value_set(all, "options", options_json(results));
	value_set_real(all, "placement_ns", results->placement);
	value_set_count(all, "rounds_left_out", results->rounds_left_out);
	value_set_real(all, "cpus_busy_for_others", results->others);
	value_set_real(all, "run_seconds", results->seconds);
	value_set_real(all, "messages_checked", summary->checked);
	value_set(all, "groups", groups);
	value_set(all, "one_thread", pairs);
	value_set(all, "full_pool",
		results->options->parts[PART_CHANNELS] ? fill_json(&results->fill) : json_null());
	value_set(all, "bars", bars);
	if (json_dump_file(all, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0)
		err(2, "%s", path);
	json_decref(all);
}
