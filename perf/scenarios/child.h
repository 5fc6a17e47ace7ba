/* SPDX-License-Identifier: MIT */
/* This program in a process of its own, to do one of workloads/commands.h; see child.c. */
#ifndef PERF_CHILD_H
#define PERF_CHILD_H

#include "core/perf.h"

/* arguments[0] of it. */
#define CHILD "magring-perf"

enum { CHILD_ANSWER_MAX = 192 };

/* Run it, with a library preloaded if that is not NULL, and read what it prints: how it ended, as
 * waitpid() says. If it is quiet, so is the linker, which complains of what it cannot preload. */
int child_run(char *const *arguments, const char *preload, bool quiet, char *ret_answer);

/* The same for a measurement. False if what was received is wrong; the process has said so. */
bool child_ask(const struct queue *queue, const struct setting *setting, char *const *arguments,
	const char *preload, char *ret_answer);

/* The path of a file beside this program. */
const char *child_beside(const char *name);

#endif
