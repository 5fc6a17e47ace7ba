/* SPDX-License-Identifier: MIT */
/*
 * A file's records, each an id and a payload that are copied into a message, again and again;
 * see workloads/replay.c, which does it in a process of its own. --input says which file.
 *
 * The window of the counters would take in more than what is measured: it stays shut.
 */
#include "core/options.h"
#include "scenarios/child.h"

#include <err.h>
#include <stdio.h>
#include <unistd.h>

static const struct setting settings[] = {
	{ .name = "1x1", .senders = 1, .receivers = 1, .capacity = 4096, .batch = 1 },
	{ .name = "2x2", .senders = 2, .receivers = 2, .capacity = 4096, .batch = 1 },
	{ .name = "2x2, hashed", .senders = 2, .receivers = 2, .capacity = 4096, .batch = 1 },
};

static const char *hindrance(void)
{
	static char why[160];

	if (access(options_input, R_OK) == 0)
		return NULL;
	snprintf(why, sizeof(why), "%.100s cannot be read; --input names another file",
		options_input);
	return why;
}

static bool applies(const struct queue *queue, const struct setting *setting)
{
	(void)setting;
	return queue->records != NULL;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	char numbers[4][32];
	char *arguments[] = { CHILD, "replay", (char *)queue->name, (char *)options_input,
		setting == &settings[2] ? "all" : "ends", numbers[0], numbers[1], numbers[2],
		numbers[3], NULL };
	char answer[CHILD_ANSWER_MAX];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", setting->capacity);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", setting->senders);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", setting->receivers);
	snprintf(numbers[3], sizeof(numbers[3]), "%.9f", seconds);
	if (!child_ask(queue, setting, arguments, child_beside("libmagring-heap.so"), answer))
		return false;
	if (sscanf(answer, "%lf %lf %lf %lf %lf", &ret_values[0], &ret_values[1], &ret_values[2],
		    &ret_values[3], &ret_values[4]) != 5)
		errx(2, "%s, %s: no figures: %s", queue->name, setting->name, answer);
	ret_values[4] *= 1e-6;
	return true;
}

const struct scenario scenario_replay = {
	.name = "replay",
	.what = "a file's records, copied into messages that are received, looked at and freed",
	.values = {
		{"messages_per_second", "messages/s", true},
		{"cpu_ns_per_message", "ns", false},
		{"heap_bytes_per_message", "B", false},
		{"heap_calls_per_message", "", false},
		{"peak_rss_mb", "MB", false},
	},
	.value_count = 5,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.hindrance = hindrance,
	.applies = applies,
	.measure = measure,
};
