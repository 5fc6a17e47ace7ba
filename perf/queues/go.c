/* SPDX-License-Identifier: MIT */
/*
 * The Go program that was profiled, and the forms that its profile asked for, as entries beside
 * the queues. The program says what it measured in a line of JSON, and with its status whether
 * it received what it sent.
 */
#include "queues/go.h"

#include "core/perf.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define PROGRAM(form, title, what) \
	const struct queue queue_go_##form = { \
		.name = title, \
		.origin = "go " PEER_GO, \
		.carries = what, \
		.flags = QUEUE_PROGRAM, \
		.batch_max = 1, \
		.program_form = #form, \
	}

PROGRAM(profiled, "Go MemoryQueue, as profiled", "boxed copies of id (16 bytes) and payload (32)");
PROGRAM(buffers, "Go, buffer pool", "id copied, payload in a pool's buffer");
PROGRAM(objects, "Go, object pool", "id copied, message and payload of a pool");
PROGRAM(typed, "Go, typed channel", "copies of id and payload, no box");
PROGRAM(inline, "Go, typed channel, inline", "id and payload in the message itself");

static bool spawn(char *const *arguments, pid_t *ret_pid, int *ret_output)
{
	posix_spawn_file_actions_t actions;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	errno = posix_spawn(ret_pid, arguments[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*ret_output = ends[0];
	if (errno == 0)
		return true;
	close(ends[0]);
	return false;
}

static bool read_sample(json_t *said, struct go_sample *ret_sample)
{
	json_int_t messages;
	json_int_t peak;
	json_error_t error;
	bool right = json_unpack_ex(said, &error, 0, "{s:I, s:F, s:F, s:F, s:I}", "messages",
			     &messages, "seconds", &ret_sample->seconds, "bytes_per_message",
			     &ret_sample->heap_bytes_per_message, "mallocs_per_message",
			     &ret_sample->allocations_per_message, "peak_rss_bytes", &peak) == 0;

	if (!right)
		return false;
	ret_sample->messages = (uint64_t)messages;
	ret_sample->peak_rss_bytes = (double)peak;
	return messages > 0 && ret_sample->seconds > 0;
}

bool go_measure(const char *form, unsigned int senders, unsigned int receivers, size_t capacity,
	bool backlog, double seconds, struct go_sample *ret_sample)
{
	char form_is[64];
	char senders_are[64];
	char receivers_are[64];
	char capacity_is[64];
	char seconds_are[64];
	char backlog_is[64];
	char *const arguments[] = { GO_PROGRAM, form_is, senders_are, receivers_are, capacity_is,
		seconds_are, backlog_is, NULL };
	int status = 0;
	bool right;
	json_t *said;
	int output;
	pid_t pid;

	snprintf(form_is, sizeof(form_is), "-form=%s", form);
	snprintf(senders_are, sizeof(senders_are), "-senders=%u", senders);
	snprintf(receivers_are, sizeof(receivers_are), "-receivers=%u", receivers);
	snprintf(capacity_is, sizeof(capacity_is), "-capacity=%zu", capacity);
	snprintf(seconds_are, sizeof(seconds_are), "-seconds=%.9f", seconds);
	snprintf(backlog_is, sizeof(backlog_is), "-backlog=%s", backlog ? "true" : "false");
	if (!spawn(arguments, &pid, &output)) {
		warn("%s", arguments[0]);
		return false;
	}
	said = json_loadfd(output, 0, NULL);
	close(output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	right = status == 0 && said != NULL && read_sample(said, ret_sample);
	json_decref(said);
	if (!right)
		warnx("%s, %s: status %d, or not the line that was expected", arguments[0], form_is,
			status);
	return right;
}

bool program_throughput(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_messages_per_second)
{
	struct go_sample sample;

	if (!go_measure(queue->program_form, setting->senders, setting->receivers,
		    setting->capacity, false, seconds, &sample))
		return false;
	*ret_messages_per_second = (double)sample.messages / sample.seconds;
	return true;
}
