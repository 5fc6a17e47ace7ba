/* SPDX-License-Identifier: MIT */
/*
 * perf counts, or samples, in windows only:
 *
 *	mkfifo ctl ack
 *	perf stat --delay=-1 --control=fifo:ctl,ack magring-perf --perf-control=ctl,ack
 *
 * (perf record has the same options.) Without the acknowledgement a window may have begun
 * before perf noticed.
 */
#include "core/control.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static int commands = -1;
static int answers = -1;

/* For reading and writing: neither waits for somebody at the other end. */
static int open_fifo(const char *path)
{
	int file = open(path, O_RDWR | O_CLOEXEC);

	if (file < 0)
		err(2, "--perf-control %s", path);
	return file;
}

void control_open(const char *fifos)
{
	char *paths = strdup(fifos);
	char *rest = paths;
	const char *path;

	if (paths == NULL)
		err(2, "--perf-control");
	path = strsep(&rest, ",");
	commands = open_fifo(path);
	if (rest != NULL)
		answers = open_fifo(rest);
	free(paths);
}

static void wait_for_answer(void)
{
	struct pollfd poll_for = { .fd = answers, .events = POLLIN };
	char answer[16];

	if (poll(&poll_for, 1, PATIENCE_MS) <= 0)
		errx(2, "--perf-control: perf does not answer");
	if (read(answers, answer, sizeof(answer)) < 3 || memcmp(answer, "ack", 3) != 0)
		errx(2, "--perf-control: perf answers something else");
}

void control_turn(bool on)
{
	const char *command = on ? "enable\n" : "disable\n";

	if (commands < 0)
		return;
	if (write(commands, command, strlen(command)) != (ssize_t)strlen(command))
		err(2, "--perf-control");
	if (answers >= 0)
		wait_for_answer();
}
