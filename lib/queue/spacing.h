/* SPDX-License-Identifier: MIT */
/*
 * apart: when a thread that comes close to the other side of a ring keeps away. See spacing.c.
 */
#ifndef MAGRING_APART_H
#define MAGRING_APART_H

#include "queue/ring.h"
#include "tuning.h"

/* At each so manyth position there is a look. */

/* What a thread has learnt; all zero: nothing yet. */
struct spacing {
	unsigned int skips;    /* how many looks it leaves out after one that did not pay */
	unsigned int skip;     /* how many of these are left */
	unsigned int in_a_row; /* a sender: how many looks have found it close */
	uint64_t position;     /* the last of them */
};

/* Whether a receiver (a sender) should keep away now. */
bool spacing_is_due(struct spacing *apart, const struct ring *ring, bool full);
/* It has. */
void spacing_learn(struct spacing *apart, const struct ring *ring, bool full);
/* All of that for the calling thread, which comes back some ten microseconds later at the most. */
void spacing_keep(const struct ring *ring, bool full);

#endif
