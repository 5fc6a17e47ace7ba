/* SPDX-License-Identifier: MIT */
/*
 * Payloads and who allocates them, each in a process of its own: see payload/main.c, the program
 * that is run here. An allocator that comes in the place of malloc is preloaded there.
 *
 *	payload    the sender allocates, the receiver frees
 *	allocator  both is done by the same thread, without a queue
 *	alone      the same, with one payload at a time
 *
 * What the process used at most is of all of it: program, libraries, ring and payloads.
 * The window of the counters would take in more than what is measured: it stays shut.
 */
#include "arena.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 8, ANSWER_MAX = 128, WRONG = 1 };

static const char *program(void)
{
	static const char name[] = "payload/magring-arena-payload";
	static char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
	char *end;

	if (size < 0)
		err(2, "/proc/self/exe");
	path[size] = '\0';
	end = strrchr(path, '/');
	strcpy(end == NULL ? path : end + 1, name);
	return path;
}

/* This process's, but for what is preloaded. */
static char **environment_with(char *preload)
{
	char **all;
	size_t count = 0;
	size_t kept = 0;

	while (environ[count] != NULL)
		count++;
	all = calloc(count + 2, sizeof(*all));
	if (all == NULL)
		err(2, "payload");
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0)
			all[kept++] = environ[i];
	if (preload != NULL)
		all[kept] = preload;
	return all;
}

/* Run the program and read what it prints: how it ended, as waitpid() says. If it is quiet, so
 * is the linker, who would complain of what cannot be preloaded. */
static int run(const char *form, char *const *arguments, bool quiet, char *ret_answer)
{
	static const char prefix[] = "malloc:";
	posix_spawn_file_actions_t actions;
	char preload[128];
	char **environment;
	size_t size = 0;
	ssize_t got;
	pid_t child;
	int ends[2];
	int status;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", form + strlen(prefix));
	environment = environment_with(
		strncmp(form, prefix, strlen(prefix)) == 0 && strcmp(form, "malloc:libc.so") != 0
			? preload
			: NULL);
	if (pipe2(ends, O_CLOEXEC) != 0)
		err(2, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&child, program(), &actions, NULL, arguments, environment);
	if (errno != 0)
		err(2, "cannot start %s", program());
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	close(ends[1]);
	while ((got = read(ends[0], ret_answer + size, ANSWER_MAX - 1 - size)) > 0)
		size += (size_t)got;
	ret_answer[size] = '\0';
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(2, "waitpid");
	return status;
}

/* Asked once for each: the answer is that of the program. */
static bool is_there(const struct queue *allocator)
{
	static struct {
		const struct queue *allocator;
		bool there;
	} known[16];
	char *arguments[] = { (char *)program(), (char *)allocator->program_form, NULL };
	char answer[ANSWER_MAX];
	unsigned int i = 0;

	while (known[i].allocator != NULL && known[i].allocator != allocator)
		if (++i == sizeof(known) / sizeof(known[0]))
			errx(2, "more allocators than can be known");
	if (known[i].allocator == NULL) {
		known[i].allocator = allocator;
		known[i].there = run(allocator->program_form, arguments, true, answer) == 0;
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

/* False if what was received is wrong; the process has said so. */
static bool ask(const struct queue *queue, const struct setting *setting, char *const *arguments,
	char *ret_answer)
{
	int status = run(queue->program_form, arguments, false, ret_answer);

	if (WIFEXITED(status) && WEXITSTATUS(status) == WRONG)
		return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(2, "%s, %s: the process that measures it failed", queue->name, setting->name);
	return true;
}

static bool measure_alone(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	char numbers[2][32];
	char *arguments[ARGUMENTS_MAX] = { (char *)program(), (char *)queue->program_form,
		numbers[0], (char *)"alone", numbers[1] };
	char answer[ANSWER_MAX];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", setting->payload);
	snprintf(numbers[1], sizeof(numbers[1]), "%.9f", seconds);
	if (!ask(queue, setting, arguments, answer))
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
	char *arguments[ARGUMENTS_MAX] = { (char *)program(), (char *)queue->program_form };
	char answer[ANSWER_MAX];

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", setting->payload);
	snprintf(numbers[1], sizeof(numbers[1]), "%zu", setting->capacity);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", setting->senders);
	snprintf(numbers[3], sizeof(numbers[3]), "%u", setting->receivers);
	snprintf(numbers[4], sizeof(numbers[4]), "%.9f", seconds);
	for (unsigned int i = 0; i < 5; i++)
		arguments[2 + i] = numbers[i];
	if (!ask(queue, setting, arguments, answer))
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
