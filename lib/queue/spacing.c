/* SPDX-License-Identifier: MIT */
/*
 * Keep some cells between senders and receivers.
 *
 * A receiver that runs two or three cells behind a sender never finds the ring
 * empty, so it never backs off. Every message then waits for one cache-line
 * transfer in each direction, and that keeps the two together. The same is true
 * of a sender behind receivers in a ring that is nearly full. When the sides
 * are farther from each other many transfers are under way at once.
 *
 * So a thread checks the gap at each SPACING_EVERYth position. If the other
 * side is not more than SPACING_GAP cells ahead it backs off for SPACING_NS,
 * although it could go on:
 *
 *	it paid   2 * SPACING_GAP cells are ready then, so at least SPACING_GAP
 *	          have come meanwhile
 *	else      the other side has no more to do, waits for answers, or does
 *	          not run: the thread leaves out one check, and after each
 *	          further back-off in vain 3, 7, ... up to SPACING_SKIPS_MAX
 *
 * A gap that does not pay therefore costs about a nanosecond a message, and
 * delays one message in eight thousand.
 *
 * A sender backs off only when SPACING_IN_A_ROW checks, all of this thread,
 * found it close. With more threads than processors senders are often near to a
 * full ring because no receiver runs. They then have better things to do than
 * to back off. Rings below SPACING_CELLS_MIN hold too little for a gap.
 *
 * All of this is a matter of speed. Nothing is read but positions of this side
 * and states of cells, and nothing is written.
 */
#include "queue/spacing.h"

#include "base/pause.h"
#include "base/thread_local.h"
#include "queue/ring_layout.h"
#include "tuning.h"

bool spacing_is_due(struct spacing *spacing, const struct ring *ring, enum side side)
{
	if (ring_cells(ring) < SPACING_CELLS_MIN)
		return false;
	/* First, as a check fetches a cache line that the other side has. */
	if (spacing->skip > 0) {
		spacing->skip--;
		return false;
	}
	if (ring_ready(ring, SPACING_GAP, side))
		return false;
	if (side == RECEIVER)
		return true;
	uint64_t before = spacing->position;
	spacing->position = ring_position(ring, side);
	bool in_a_row = ahead(spacing->position, before) == SPACING_EVERY;
	spacing->in_a_row = in_a_row ? spacing->in_a_row + 1 : 1;
	return spacing->in_a_row >= SPACING_IN_A_ROW;
}

void spacing_learn(struct spacing *spacing, const struct ring *ring, enum side side)
{
	if (ring_ready(ring, (size_t)2 * SPACING_GAP, side))
		spacing->skips = 0;
	else if (spacing->skips < SPACING_SKIPS_MAX)
		spacing->skips = 2 * spacing->skips + 1;
	spacing->skip = spacing->skips;
}

void spacing_keep(const struct ring *ring, enum side side)
{
	static THREAD_LOCAL struct spacing spacing;
	if (!spacing_is_due(&spacing, ring, side))
		return;
	pause_for(SPACING_NS);
	spacing_learn(&spacing, ring, side);
}
