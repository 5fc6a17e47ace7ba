/* SPDX-License-Identifier: MIT */
/*
 * The heap of the profiled Go program, in each of its forms. This library is not beside them: it
 * has no heap to count; of what memory it takes, magring-perf reports.
 */
#include "core/perf.h"
#include "queues/go.h"

enum { BACKLOG = 1 << 19 };

static const struct setting settings[] = {
	{ .name = "1x1", .senders = 1, .receivers = 1, .capacity = 1024, .batch = 1 },
	{ .name = "4x4", .senders = 4, .receivers = 4, .capacity = 1024, .batch = 1 },
	/* Receivers begin when the queue is full: the peak. */
	{ .name = "4x4, a backlog of 512 Ki messages",
		.senders = 4,
		.receivers = 4,
		.capacity = BACKLOG,
		.batch = 1 },
};

static bool applies(const struct queue *queue, const struct setting *setting)
{
	(void)setting;
	return queue->flags & QUEUE_PROGRAM;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct go_sample sample;

	if (!go_measure(queue->program_form, setting->senders, setting->receivers,
		    setting->capacity, setting->capacity == BACKLOG, seconds, &sample))
		return false;
	ret_values[0] = sample.heap_bytes_per_message;
	ret_values[1] = sample.allocations_per_message;
	ret_values[2] = sample.peak_rss_bytes / 1e6;
	ret_values[3] = (double)sample.messages / sample.seconds;
	return true;
}

const struct scenario scenario_go = {
	.name = "go",
	.what = "What the profiled Go program asks of its heap for a message, in each of its forms",
	.values = {
		{"heap_bytes_per_message", "B", false},
		{"allocations_per_message", "", false},
		{"peak_rss_mb", "MB", false},
		{"messages_per_second", "1/s", true},
	},
	.value_count = 4,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(*settings),
	.applies = applies,
	.measure = measure,
};
