/* SPDX-License-Identifier: MIT */
#ifndef PERF_CANARY_H
#define PERF_CANARY_H

#include "core/perf.h"

/* What it does to messages: damage, lose, repeat or swap. NULL: there is no such error. It is
 * otherwise like that queue, of which it is the only such copy at a time. */
const struct queue *canary_of(const struct queue *queue, const char *error);

#endif
