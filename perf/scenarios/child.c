/* SPDX-License-Identifier: MIT */
/* This program in a process of its own. */
#include "scenarios/child.h"

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

static const char self[] = "/proc/self/exe";

const char *child_beside(const char *name)
{
	static char path[PATH_MAX];
	ssize_t size = readlink(self, path, sizeof(path) - strlen(name) - 1);

	if (size < 0)
		err(2, "%s", self);
	path[size] = '\0';
	strcpy(strrchr(path, '/') + 1, name);
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
		err(2, "environment");
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0)
			all[kept++] = environ[i];
	if (preload != NULL)
		all[kept] = preload;
	return all;
}

int child_run(char *const *arguments, const char *preload, bool quiet, char *ret_answer)
{
	posix_spawn_file_actions_t actions;
	char setting[PATH_MAX + 16];
	char **environment;
	size_t size = 0;
	ssize_t got;
	pid_t child;
	int ends[2];
	int status;

	snprintf(setting, sizeof(setting), "LD_PRELOAD=%s", preload == NULL ? "" : preload);
	environment = environment_with(preload == NULL ? NULL : setting);
	if (pipe2(ends, O_CLOEXEC) != 0)
		err(2, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&child, self, &actions, NULL, arguments, environment);
	if (errno != 0)
		err(2, "cannot start %s", self);
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	close(ends[1]);
	while ((got = read(ends[0], ret_answer + size, CHILD_ANSWER_MAX - 1 - size)) > 0)
		size += (size_t)got;
	ret_answer[size] = '\0';
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(2, "waitpid");
	return status;
}

bool child_ask(const struct queue *queue, const struct setting *setting, char *const *arguments,
	const char *preload, char *ret_answer)
{
	int status = child_run(arguments, preload, false, ret_answer);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(2, "%s, %s: the process that measures it failed", queue->name, setting->name);
	return true;
}
