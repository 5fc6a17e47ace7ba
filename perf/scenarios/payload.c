/* SPDX-License-Identifier: MIT */
/*
 * Payloads and who allocates them, each in a process of its own: see
 * workloads/payload/main.c. An allocator that comes in the place of malloc is preloaded there.
 *
 *	payload    the sender allocates, the receiver frees
 *	allocator  both is done by the same thread, without a queue
 *	alone      the same, with one payload at a time
 *	full       how much of its memory a full pool hands out
 *
 * What the process used at most is of all of it: program, libraries, ring and payloads.
 * The window of the counters would take in more than what is measured: it stays shut.
 */
#include "scenarios/child.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

/* The library that comes in the place of glibc's malloc, or NULL. */
static const char *preload_of(const char *form)
{
	static const char prefix[] = "malloc:";
	bool preloads =
		strncmp(form, prefix, strlen(prefix)) == 0 && strcmp(form, "malloc:libc.so") != 0;

	return preloads ? form + strlen(prefix) : NULL;
}

/* Asked once for each: the answer is that of the program. */
static bool is_there(const struct queue *allocator)
{
	static struct {
		const struct queue *allocator;
		bool there;
	} known[16];
	char *arguments[] = { CHILD, "payload", (char *)allocator->program_form, NULL };
	char answer[CHILD_ANSWER_MAX];
	unsigned int i = 0;

	while (known[i].allocator != NULL && known[i].allocator != allocator)
		if (++i == sizeof(known) / sizeof(known[0]))
			errx(2, "more allocators than can be known");
	if (known[i].allocator == NULL) {
		known[i].allocator = allocator;
		known[i].there = child_run(arguments, preload_of(allocator->program_form), true,
					 answer) == 0;
		if (!known[i].there)
			warnx("%s is not to be had here (%s): left out", allocator->name,
				allocator->origin);
	}
	return known[i].there;
}

static bool applies(const struct queue *queue, const struct setting *setting)
{
	(void)setting;
	return (queue->flags & QUEUE_ALLOCATOR) != 0 && is_there(queue);
}

static bool measure_alone(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	char numbers[2][32];
	char *arguments[] = { CHILD, "payload", (char *)queue->program_form, numbers[0], "alone",
		numbers[1], NULL };
	char answer[CHILD_ANSWER_MAX];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", setting->payload);
	snprintf(numbers[1], sizeof(numbers[1]), "%.9f", seconds);
	if (!child_ask(queue, setting, arguments, preload_of(queue->program_form), answer))
		return false;
	if (sscanf(answer, "%lf %lf %lf", &ret_values[0], &ret_values[1], &ret_values[2]) != 3)
		errx(2, "%s, %s: no figures: %s", queue->name, setting->name, answer);
	ret_values[2] *= 1e-6;
	return true;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	char numbers[5][32];
	char *arguments[] = { CHILD, "payload", (char *)queue->program_form, numbers[0], numbers[1],
		numbers[2], numbers[3], numbers[4], NULL };
	char answer[CHILD_ANSWER_MAX];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", setting->payload);
	snprintf(numbers[1], sizeof(numbers[1]), "%zu", setting->capacity);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", setting->senders);
	snprintf(numbers[3], sizeof(numbers[3]), "%u", setting->receivers);
	snprintf(numbers[4], sizeof(numbers[4]), "%.9f", seconds);
	if (!child_ask(queue, setting, arguments, preload_of(queue->program_form), answer))
		return false;
	if (sscanf(answer, "%lf %lf", &ret_values[0], &ret_values[1]) != 2)
		errx(2, "%s, %s: no figures: %s", queue->name, setting->name, answer);
	ret_values[1] *= 1e-6;
	return true;
}

static const struct setting one_way[] = {
	{ "32 bytes, 1x1", 1, 1, 1024, 1, 32, 0, 0, 0 },
	{ "256 bytes, 1x1", 1, 1, 1024, 1, 256, 0, 0, 0 },
	{ "4 KiB, 1x1", 1, 1, 1024, 1, 4096, 0, 0, 0 },
	{ "64 KiB, 1x1", 1, 1, 64, 1, 65536, 0, 0, 0 },
	{ "32 bytes, 2x2", 2, 2, 1024, 1, 32, 0, 0, 0 },
	{ "256 bytes, 2x2", 2, 2, 1024, 1, 256, 0, 0, 0 },
	{ "4 KiB, 2x2", 2, 2, 1024, 1, 4096, 0, 0, 0 },
	{ "64 KiB, 2x2", 2, 2, 64, 1, 65536, 0, 0, 0 },
	{ "100 bytes, 1x1", 1, 1, 1024, 1, 100, 0, 0, 0 },
	{ "1000 bytes, 1x1", 1, 1, 1024, 1, 1000, 0, 0, 0 },
	{ "4000 bytes, 1x1", 1, 1, 1024, 1, 4000, 0, 0, 0 },
	{ "100 bytes, 4x4", 4, 4, 1024, 1, 100, 0, 0, 0 },
	{ "1000 bytes, 4x4", 4, 4, 1024, 1, 1000, 0, 0, 0 },
	{ "4000 bytes, 4x4", 4, 4, 1024, 1, 4000, 0, 0, 0 },
};

static const struct setting same_thread[] = {
	{ "32 bytes, 1 thread", 1, 0, 64, 1, 32, 0, 0, 0 },
	{ "256 bytes, 1 thread", 1, 0, 64, 1, 256, 0, 0, 0 },
	{ "4 KiB, 1 thread", 1, 0, 64, 1, 4096, 0, 0, 0 },
	{ "64 KiB, 1 thread", 1, 0, 64, 1, 65536, 0, 0, 0 },
	{ "256 bytes, 2 threads", 2, 0, 64, 1, 256, 0, 0, 0 },
	{ "4 KiB, 2 threads", 2, 0, 64, 1, 4096, 0, 0, 0 },
};

static const struct setting one_at_a_time[] = {
	{ "64 bytes, alone", 1, 0, 1, 1, 64, 0, 0, 0 },
	{ "100 bytes, alone", 1, 0, 1, 1, 100, 0, 0, 0 },
	{ "256 bytes, alone", 1, 0, 1, 1, 256, 0, 0, 0 },
	{ "1 KiB, alone", 1, 0, 1, 1, 1024, 0, 0, 0 },
	{ "4 KiB, alone", 1, 0, 1, 1, 4096, 0, 0, 0 },
	{ "16 KiB, alone", 1, 0, 1, 1, 16384, 0, 0, 0 },
	{ "64 KiB, alone", 1, 0, 1, 1, 65536, 0, 0, 0 },
};

#define VALUES \
	{ \
		{ "messages_per_second", "1/s", true }, \
		{ \
			"peak_rss_mb", "MB", false \
		} \
	}

const struct scenario scenario_payload = {
	.name = "payload",
	.what = "payloads that the sender allocates and writes, and the receiver reads and frees",
	.values = VALUES,
	.value_count = 2,
	.settings = one_way,
	.setting_count = sizeof(one_way) / sizeof(one_way[0]),
	.applies = applies,
	.measure = measure,
};

const struct scenario scenario_allocator = {
	.name = "allocator",
	.what = "payloads that the thread which allocated them frees, 64 allocations later",
	.values = VALUES,
	.value_count = 2,
	.settings = same_thread,
	.setting_count = sizeof(same_thread) / sizeof(same_thread[0]),
	.applies = applies,
	.measure = measure,
};

const struct scenario scenario_alone = {
	.name = "alone",
	.what = "a payload is allocated, written and freed by one thread, one at a time",
	.values = { { "ns_first_bytes_written", "ns", false },
		{ "ns_all_bytes_written", "ns", false }, { "peak_rss_mb", "MB", false } },
	.value_count = 3,
	.settings = one_at_a_time,
	.setting_count = sizeof(one_at_a_time) / sizeof(one_at_a_time[0]),
	.applies = applies,
	.measure = measure_alone,
};

static const struct setting full[] = {
	{ "1000 bytes", 1, 0, 1, 1, 1000, 0, 0, 0 },
};

static bool is_pool(const struct queue *queue, const struct setting *setting)
{
	(void)setting;
	return (queue->flags & QUEUE_ALLOCATOR) != 0 && strcmp(queue->program_form, "magring") == 0;
}

static bool measure_full(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	char *arguments[] = { CHILD, "payload", (char *)queue->program_form, "full", NULL };
	char answer[CHILD_ANSWER_MAX];

	(void)seconds;
	if (!child_ask(queue, setting, arguments, NULL, answer))
		return false;
	if (sscanf(answer, "%lf %lf", &ret_values[0], &ret_values[1]) != 2)
		errx(2, "%s, %s: no figures: %s", queue->name, setting->name, answer);
	return true;
}

const struct scenario scenario_full = {
	.name = "full pool",
	.what = "payloads in a pool that refuses one more, in ratio to its memory",
	.values = { { "efficiency", "share", true }, { "resident_share", "share", true } },
	.value_count = 2,
	.settings = full,
	.setting_count = 1,
	.applies = is_pool,
	.measure = measure_full,
};
