/* SPDX-License-Identifier: MIT */
/*
 * A receiver that is a few cells behind a sender never finds the ring empty, so it never looks
 * away; each of the two waits for lines from the other, and that keeps them together. The same is
 * true of a sender behind receivers in a ring that is nearly full. Lines travel side by side, many
 * times as fast, between sides that are far apart. So whoever finds, at each SPACING_EVERYth
 * position, that it is not CLOSE cells behind keeps away for PAUSES, though there is something for it.
 *
 *	paid   if 2 * CLOSE cells are ready then: CLOSE at least have come meanwhile
 *	else   the other side has no more to do, waits for answers, or is not running: the thread
 *	       leaves out one look, then 3, 7, ... SKIPS_MAX after each that did not pay
 *
 * What does not pay therefore costs about a nanosecond a message, and delays one message in eight thousand.
 *
 * Senders keep away only when IN_A_ROW looks, of the same thread, found them close: with more
 * threads than processors they are often near to a full ring as nobody is there to empty it, and
 * then have better things to do. Small rings hold too little for it. It is all a matter of speed:
 * nothing is read but states, and nothing written.
 */
#include "queue/spacing.h"

#include <ck_pr.h>

#include "queue/ring_layout.h"

#define CLOSE 128
#define CELLS_MIN ((size_t)8 * CLOSE)
#define PAUSES 384
#define SKIPS_MAX 255
#define IN_A_ROW 8

bool spacing_is_due(struct spacing *apart, const struct ring *ring, bool full)
{
	if (ring_cells(ring) < CELLS_MIN)
		return false;
	/* First, as a look fetches a line that the other side has. */
	if (apart->skip > 0) {
		apart->skip--;
		return false;
	}
	if (ring_ready(ring, CLOSE, full))
		return false;
	if (full)
		return true;
	uint64_t before = apart->position;
	apart->position = ring_position(ring, full);
	apart->in_a_row = ahead(apart->position, before) == SPACING_EVERY ? apart->in_a_row + 1 : 1;
	return apart->in_a_row >= IN_A_ROW;
}

void spacing_learn(struct spacing *apart, const struct ring *ring, bool full)
{
	if (ring_ready(ring, (size_t)2 * CLOSE, full))
		apart->skips = 0;
	else if (apart->skips < SKIPS_MAX)
		apart->skips = 2 * apart->skips + 1;
	apart->skip = apart->skips;
}

void spacing_keep(const struct ring *ring, bool full)
{
	static _Thread_local struct spacing apart __attribute__((tls_model("initial-exec")));
	if (!spacing_is_due(&apart, ring, full))
		return;
	for (unsigned int i = 0; i < PAUSES; i++)
		ck_pr_stall();
	spacing_learn(&apart, ring, full);
}
