/* SPDX-License-Identifier: MIT */
/*
 * A thread seen from outside.
 *
 * The files of /proc stay open: a scenario asks often. A thread that gives its CPU to others
 * (sched_yield) does not sleep; that switch counts as involuntary.
 */
#include "scenarios/task.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

static int open_file(const char *name)
{
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)gettid(), name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		err(2, "%s", path);
	return file;
}

void task_open(struct task *task)
{
	*task = (struct task){ open_file("stat"), open_file("status") };
}

void task_close(const struct task *task)
{
	close(task->stat);
	close(task->status);
}

static void read_text(int file, char *ret_text)
{
	ssize_t size = pread(file, ret_text, TEXT_MAX - 1, 0);

	if (size <= 0)
		err(2, "/proc/self/task");
	ret_text[size] = '\0';
}

bool task_sleeps(const struct task *task)
{
	char text[TEXT_MAX];
	const char *end;

	read_text(task->stat, text);
	end = strrchr(text, ')'); /* of the name, which may hold anything */
	return end != NULL && end[1] == ' ' && end[2] == 'S';
}

uint64_t task_sleep_count(const struct task *task)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char text[TEXT_MAX];
	const char *line;

	read_text(task->status, text);
	line = strstr(text, key);
	if (line == NULL)
		errx(2, "/proc/self/task: no voluntary_ctxt_switches");
	return strtoull(line + strlen(key), NULL, 10);
}
