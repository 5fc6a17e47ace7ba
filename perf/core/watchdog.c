/* SPDX-License-Identifier: MIT */
/*
 * A measurement that does not end, because a queue has lost a message or stands still, ends the
 * program: with alarm(2), which works whatever the threads are doing.
 */
#include "core/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A machine that is busy with other things takes its time. */
enum { PATIENCE = 100, FACTOR = 20 };

static char text[256];

static void bark(int number)
{
	ssize_t written = write(STDERR_FILENO, text, strlen(text));

	(void)number;
	(void)written;
	_exit(2);
}

void watchdog_set(const char *what, double seconds)
{
	struct sigaction action = { .sa_handler = bark };
	unsigned int limit = PATIENCE + FACTOR * (unsigned int)(seconds + 1);

	snprintf(text, sizeof(text), "\nmagring-perf: %.150s: not done after %u s, it hangs\n",
		what, limit);
	sigaction(SIGALRM, &action, NULL);
	alarm(limit);
}

void watchdog_unset(void)
{
	alarm(0);
}
