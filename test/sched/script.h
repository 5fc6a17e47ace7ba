/* SPDX-License-Identifier: MIT */
/*
 * script: the decisions of a run, as text or to be replayed.
 */
#ifndef MAGRING_SCHED_SCRIPT_H
#define MAGRING_SCHED_SCRIPT_H

#include "engine.h"

/* The decisions of the last run are the script. */
void script_keep(void);
void script_print(void);
/* False: the text has something else than decisions. */
bool script_read(const char *text);
/* Leave out pieces of the script, as long as the run fails. */
void script_shrink(const struct plan *plan);

#endif
