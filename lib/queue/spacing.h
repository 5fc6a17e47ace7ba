/* SPDX-License-Identifier: MIT */
/*
 * spacing: keep some cells between senders and receivers.
 *
 * A thread that finds at a check that it is close to the other side backs off
 * for a moment. See spacing.c.
 */
#ifndef MAGRING_SPACING_H
#define MAGRING_SPACING_H

#include "queue/ring.h"
#include "tuning.h"

/* What a thread has learnt. All zero: nothing yet. */
struct spacing {
	unsigned int skips;    /* checks to leave out after one that did not pay */
	unsigned int skip;     /* how many of these are left */
	unsigned int in_a_row; /* a sender: checks in a row that found it close */
	uint64_t position;     /* of the last of these */
};

/* Whether a thread of this side should back off now. */
bool spacing_is_due(struct spacing *spacing, const struct ring *ring, enum side side);

/* It has backed off: find out whether that paid. */
void spacing_learn(struct spacing *spacing, const struct ring *ring, enum side side);

/* All of that for the calling thread. Takes SPACING_NS at the most. */
void spacing_keep(const struct ring *ring, enum side side);

#endif
