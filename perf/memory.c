/* SPDX-License-Identifier: MIT */
/*
 * Memory, measured in processes of their own.
 *
 * The peak of a process cannot be taken back, so this program starts itself once
 * for each measurement of memory, with its own arguments and --only, and reads the
 * answer from a pipe. The peak is then that of a whole process that did nothing
 * else: harness, libraries and input included, with a channel that was full at
 * least once.
 */
#include "memory.h"

#include "status.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <magring.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start this program again with --only and read what it sends back. */
static void ask(char *const *arguments, int which, void *result, size_t result_size)
{
	posix_spawn_file_actions_t actions;
	char *new_arguments[64] = { NULL };
	char option[32];
	size_t count = 0;
	ssize_t got;
	pid_t child;
	int ends[2];
	int status;

	for (; arguments[count] != NULL; count++) {
		if (count == sizeof(new_arguments) / sizeof(new_arguments[0]) - 2)
			errx(2, "too many arguments");
		new_arguments[count] = arguments[count];
	}
	snprintf(option, sizeof(option), "--only=%d", which);
	new_arguments[count] = option;
	if (pipe2(ends, O_CLOEXEC) != 0)
		err(2, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	errno = posix_spawn(&child, "/proc/self/exe", &actions, NULL, new_arguments, environ);
	if (errno != 0)
		err(2, "cannot start a process");
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	got = read(ends[0], result, result_size);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		exit(1); /* a wrong result; it has said so */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || got != (ssize_t)result_size)
		errx(2, "a process that measured memory failed");
}

static void answer(const void *result, size_t result_size)
{
	if (write(STDOUT_FILENO, result, result_size) != (ssize_t)result_size)
		err(2, "cannot answer");
}

struct memory memory_of(char *const *arguments, int which)
{
	struct memory memory;

	ask(arguments, which, &memory, sizeof(memory));
	return memory;
}

struct fill memory_of_full_pool(char *const *arguments)
{
	struct fill fill;

	ask(arguments, MEMORY_FILL, &fill, sizeof(fill));
	return fill;
}

void memory_answer(const struct measurement *measurement)
{
	struct measurement with_backlog = *measurement;
	struct memory memory;

	with_backlog.backlog = true;
	memory.sample = measure(&with_backlog);
	memory.peak_mb = status_bytes("VmHWM") / 1e6;
	answer(&memory, sizeof(memory));
}

void memory_answer_full_pool(void)
{
	struct magring_pool_options options = {
		.size = sizeof(options),
		.memory_limit = (size_t)64 << 20,
	};
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct fill fill = { .payload_size = 1000 };
	struct magring_message *messages;
	struct magring_pool *pool;
	size_t most = options.memory_limit / fill.payload_size;
	size_t count = 0;
	double before;
	int error = 0;

	messages = malloc((most + 1) * sizeof(*messages));
	if (messages == NULL || magring_pool_create(&pool, &options) != 0)
		errx(2, "cannot create a pool");
	memset(messages, 1, (most + 1) * sizeof(*messages));
	before = status_bytes("RssAnon") + status_bytes("RssShmem");
	while (count <= most && error == 0) {
		error = magring_message_alloc(pool, &messages[count], "12345678", 8,
			fill.payload_size, 0);
		if (error == 0)
			memset(magring_message_payload(&messages[count++], NULL), 'x',
				fill.payload_size);
	}
	if (error != -ENOBUFS || magring_pool_get_stats(pool, &stats) != 0)
		errx(2, "a pool did not fill up");
	fill.messages = (double)count;
	fill.limit_mb = (double)options.memory_limit / 1e6;
	fill.efficiency = stats.efficiency;
	fill.resident = (double)(count * fill.payload_size) /
		(status_bytes("RssAnon") + status_bytes("RssShmem") - before);
	while (count > 0)
		magring_message_free(&messages[--count]);
	if (magring_pool_destroy(pool) != 0)
		errx(2, "cannot destroy a pool");
	free(messages);
	answer(&fill, sizeof(fill));
}
