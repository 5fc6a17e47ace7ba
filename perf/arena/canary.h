/* SPDX-License-Identifier: MIT */
#ifndef ARENA_CANARY_H
#define ARENA_CANARY_H

#include "arena.h"

/* What it does to messages: damage, lose, repeat or swap. NULL: there is no such error. It is
 * otherwise like that queue, of which it is the only such copy at a time. */
const struct queue *canary_of(const struct queue *queue, const char *error);

#endif
