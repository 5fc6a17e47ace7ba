/* SPDX-License-Identifier: MIT */
/*
 * Everything that was measured, as JSON: the machine, the options, each round
 * with its probes, and the summary that the tables show. Units are in the names;
 * a figure that does not exist is null.
 *
 * Values are set one by one, not with json_pack(), which no compiler checks.
 */
#include "json.h"

#include "rounds.h"

#include <err.h>
#include <jansson.h>
#include <math.h>

static json_t *need(json_t *value)
{
	if (value == NULL)
		errx(2, "cannot make JSON");
	return value;
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		errx(2, "cannot make JSON of \"%s\"", key);
}

static void set_real(json_t *object, const char *key, double value)
{
	set(object, key, isfinite(value) ? json_real(value) : json_null());
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
	set(object, key, json_integer((json_int_t)value));
}

/* A text that is not UTF-8, such as a file's odd name, is null. */
static void set_text(json_t *object, const char *key, const char *value)
{
	json_t *text = json_string(value);

	set(object, key, text == NULL ? json_null() : text);
}

static json_t *machine_json(const struct machine *machine)
{
	json_t *object = need(json_object());

	set_text(object, "date", machine->date);
	set_text(object, "cpu", machine->cpu);
	set_text(object, "kernel", machine->kernel);
	set_text(object, "system", machine->system);
	set_text(object, "libc", machine->libc);
	set_text(object, "compiler", machine->compiler);
	set_text(object, "governor", machine->governor);
	set_text(object, "hypervisor", machine->hypervisor);
	set_count(object, "cpus_online", machine->cpus);
	set_count(object, "cpus_allowed", machine->allowed);
	set_real(object, "memory_mb", machine->memory_mb);
	return object;
}

static json_t *options_json(const struct results *results)
{
	const struct options *options = results->options;
	json_t *object = need(json_object());

	set_text(object, "input", results->input->path);
	set_text(object, "record", results->input->form);
	set_count(object, "records", results->input->count);
	set_count(object, "record_bytes", results->input->bytes);
	set_count(object, "largest_payload", results->input->max_payload);
	set_real(object, "seconds", options->seconds);
	set_count(object, "rounds", options->rounds);
	set_count(object, "seed", options->seed);
	set_count(object, "capacity_wanted", options->capacity);
	return object;
}

static json_t *probes_json(const struct probes *probes)
{
	json_t *object = need(json_object());

	set_real(object, "probe_before_ns", probes->before);
	set_real(object, "probe_after_ns", probes->after);
	set(object, "kept", json_boolean(probes->kept));
	set_real(object, "cpus_busy_for_others", probes->others);
	return object;
}

static void set_latency(json_t *object, const struct percentiles *latency)
{
	set_real(object, "latency_p50_ns", latency->p50);
	set_real(object, "latency_p99_ns", latency->p99);
	set_real(object, "latency_p99_9_ns", latency->p999);
	set_real(object, "latency_longest_ns", latency->max);
	set_count(object, "messages_timed", latency->count);
}

static json_t *sample_json(const struct group *group, const struct peer *peer,
	const struct sample *sample)
{
	json_t *object = need(json_object());

	set_real(object, "seconds", sample->seconds);
	set_count(object, "received", sample->messages);
	set_count(object, "received_bytes", sample->bytes);
	set_count(object, "sent", sample->sent);
	set_real(object, "cpu_seconds", sample->cpu_seconds);
	set_count(object, "heap_calls", sample->heap.calls);
	set_count(object, "heap_bytes", sample->heap.bytes);
	set_count(object, "messages_checked", sample->checked);
	if (peer->questions != NULL) {
		set_count(object, "questions_asked", sample->questions.asked);
		set_count(object, "cells_quarantined", sample->questions.quarantined);
	}
	if (group->workload->kind == WORKLOAD_TIMED)
		set_latency(object, &sample->latency);
	return object;
}

/* What only channels are asked for. */
static void set_channel(json_t *object, const struct row *row)
{
	set_real(object, "heap_bytes_per_message", row->heap_bytes);
	set_real(object, "heap_calls_per_message", row->heap_calls);
	set_real(object, "peak_mb", row->peak_mb);
	set_real(object, "memory_efficiency", row->efficiency);
}

static json_t *row_json(const struct group *group, const struct peer *peer, const struct row *row)
{
	bool channel = group->contest->part == PART_CHANNELS;
	json_t *object = need(json_object());

	set_real(object, "messages_per_second", row->messages);
	set_real(object, "bytes_per_second", row->bytes);
	set_real(object, channel ? "ratio_to_baseline" : "ratio_to_plain_ring", row->ratio);
	set_real(object, "cpu_ns_per_message", row->cpu_ns);
	if (channel)
		set_channel(object, row);
	if (peer->questions != NULL) {
		set_real(object, "questions_asked_per_million", row->asked);
		set_real(object, "cells_quarantined_per_million", row->quarantined);
	}
	if (group->workload->kind == WORKLOAD_TIMED) {
		set_latency(object, &row->latency);
		set_real(object, "latency_p99_ratio_to_plain_ring", row->p99_ratio);
		set_real(object, "latency_p99_9_ratio_to_plain_ring", row->p999_ratio);
	}
	set_real(object, "spread", row->spread);
	return object;
}

static json_t *group_json(const struct results *results, const struct group *group,
	const struct row *rows)
{
	const struct contest *contest = group->contest;
	json_t *object = need(json_object());
	json_t *rounds = need(json_array());
	json_t *peers = need(json_object());

	for (unsigned int p = 0; p < contest->peer_count; p++)
		set(peers, contest->peers[p]->name,
			row_json(group, contest->peers[p], &rows[p]));
	for (unsigned int r = 0; r < group->round_count; r++) {
		json_t *round = probes_json(&group->rounds[r].probes);

		for (unsigned int p = 0; p < contest->peer_count; p++)
			set(round, contest->peers[p]->name,
				sample_json(group, contest->peers[p],
					&group->rounds[r].samples[p]));
		json_array_append_new(rounds, round);
	}
	set_text(object, "contest", contest->name);
	set_text(object, "cpus", contest->cpus == CPUS_ALL ? "all"
		: contest->cpus == CPUS_TWO ? "two" : "one a side");
	set_text(object, "workload", group->workload->name);
	set_count(object, "senders", group->shape.senders);
	set_count(object, "receivers", group->shape.receivers);
	set_count(object, "capacity", group_capacity(results, group));
	set(object, "peers", peers);
	set(object, "rounds", rounds);
	return object;
}

static json_t *comparison_json(const struct results *results, unsigned int c,
	const struct pair *pair)
{
	json_t *object = need(json_object());
	json_t *rounds = need(json_array());

	for (unsigned int r = 0; r < results->rounds; r++) {
		const struct micro_round *measured = &results->micro_rounds[r];
		json_t *round = probes_json(&measured->probes);

		set_real(round, "ns", measured->samples[c].ours);
		set_real(round, "other_ns", measured->samples[c].theirs);
		json_array_append_new(rounds, round);
	}
	set_text(object, "what", comparisons[c].what);
	set_text(object, "other", comparisons[c].theirs->name);
	set_real(object, "ns", pair->ours);
	set_real(object, "other_ns", pair->theirs);
	set_real(object, "ratio", pair->ratio);
	set(object, "rounds", rounds);
	return object;
}

static json_t *fill_json(const struct fill *fill)
{
	json_t *object = need(json_object());

	set_count(object, "payload_size", fill->payload_size);
	set_real(object, "messages", fill->messages);
	set_real(object, "limit_mb", fill->limit_mb);
	set_real(object, "efficiency", fill->efficiency);
	set_real(object, "efficiency_by_resident_memory", fill->resident);
	return object;
}

static json_t *bar_json(const struct bar *bar)
{
	json_t *object = need(json_object());

	set_text(object, "what", bar->what);
	set_text(object, "wanted_is", bar->at_least ? "at least" : "at most");
	set_real(object, "wanted", bar->wanted);
	set_real(object, "measured", bar->measured);
	set_text(object, "unit", bar->unit);
	set(object, "met", json_boolean(bar_met(bar)));
	return object;
}

void json_write(const char *path, const struct results *results,
	const struct summary *summary, const struct machine *machine)
{
	json_t *all = need(json_object());
	json_t *groups = need(json_array());
	json_t *pairs = need(json_array());
	json_t *bars = need(json_array());

	for (unsigned int g = 0; g < results->group_count; g++)
		json_array_append_new(
			groups, group_json(results, &results->groups[g], summary->rows[g]));
	for (unsigned int c = 0; results->micro_rounds != NULL && c < comparison_count; c++)
		json_array_append_new(pairs, comparison_json(results, c, &summary->pairs[c]));
	for (unsigned int i = 0; i < summary->bar_count; i++)
		json_array_append_new(bars, bar_json(&summary->bars[i]));
	set(all, "machine", machine_json(machine));
	set(all, "options", options_json(results));
	set_real(all, "placement_ns", results->placement);
	set_count(all, "rounds_left_out", results->rounds_left_out);
	set_real(all, "cpus_busy_for_others", results->others);
	set_real(all, "run_seconds", results->seconds);
	set_real(all, "messages_checked", summary->checked);
	set(all, "groups", groups);
	set(all, "one_thread", pairs);
	set(all, "full_pool", results->options->parts[PART_CHANNELS]
		? fill_json(&results->fill) : json_null());
	set(all, "bars", bars);
	if (json_dump_file(all, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0)
		err(2, "%s", path);
	json_decref(all);
}
