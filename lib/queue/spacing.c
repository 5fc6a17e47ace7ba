/* SPDX-License-Identifier: MIT */
/*
 * A receiver that is a few cells behind a sender never finds the ring empty, so it never looks
 * away; each of the two waits for lines from the other, and that keeps them together. The same is
 * true of a sender behind receivers in a ring that is nearly full. Lines travel side by side, many
 * times as fast, between sides that are far apart. So whoever finds, at each SPACING_EVERYth
 * position, that it is not SPACING_GAP cells behind keeps away for SPACING_PAUSES, though there is something for it.
 *
 *	paid   if 2 * SPACING_GAP cells are ready then: SPACING_GAP at least have come meanwhile
 *	else   the other side has no more to do, waits for answers, or is not running: the thread
 *	       leaves out one look, then 3, 7, ... SPACING_SKIPS_MAX after each that did not pay
 *
 * What does not pay therefore costs about a nanosecond a message, and delays one message in eight thousand.
 *
 * Senders keep away only when SPACING_IN_A_ROW looks, of the same thread, found them close: with more
 * threads than processors they are often near to a full ring as nobody is there to empty it, and
 * then have better things to do. Small rings hold too little for it. It is all a matter of speed:
 * nothing is read but states, and nothing written.
 */
#include "queue/spacing.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <ck_pr.h>

#include "queue/ring_layout.h"


bool spacing_is_due(struct spacing *apart, const struct ring *ring, bool full)
{
	if (ring_cells(ring) < SPACING_CELLS_MIN)
		return false;
	/* First, as a look fetches a line that the other side has. */
	if (apart->skip > 0) {
		apart->skip--;
		return false;
	}
	if (ring_ready(ring, SPACING_GAP, full))
		return false;
	if (full)
		return true;
	uint64_t before = apart->position;
	apart->position = ring_position(ring, full);
	apart->in_a_row = ahead(apart->position, before) == SPACING_EVERY ? apart->in_a_row + 1 : 1;
	return apart->in_a_row >= SPACING_IN_A_ROW;
}

void spacing_learn(struct spacing *apart, const struct ring *ring, bool full)
{
	if (ring_ready(ring, (size_t)2 * SPACING_GAP, full))
		apart->skips = 0;
	else if (apart->skips < SPACING_SKIPS_MAX)
		apart->skips = 2 * apart->skips + 1;
	apart->skip = apart->skips;
}

void spacing_keep(const struct ring *ring, bool full)
{
	static THREAD_LOCAL struct spacing apart;
	if (!spacing_is_due(&apart, ring, full))
		return;
	for (unsigned int i = 0; i < SPACING_PAUSES; i++)
		ck_pr_stall();
	spacing_learn(&apart, ring, full);
}
