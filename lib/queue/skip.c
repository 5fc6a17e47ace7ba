/* SPDX-License-Identifier: MIT */
/*
 * Skipping: an end moves on over positions that will never have a message.
 *
 * recovery_challenge() says how many positions can be skipped; recovery.c tells
 * all that comes before and after. A skip is a claim like any other, except
 * that the thread does not touch the cells. A thread acts on old knowledge only
 * in vain: its claim fails if the end has moved.
 */
#include "queue/skip.h"

#include "base/thread_local.h"
#include "queue/claim.h"
#include "queue/recovery.h"

/* Of a thread, for all rings. */
static THREAD_LOCAL bool head_skipped;

bool ring_take_skipped(void)
{
	bool skipped = head_skipped;
	head_skipped = false;
	return skipped;
}

/* Skip n positions. They are counted first, so that ring_counts() never returns
 * too much. */
static bool skip(struct ring *ring, uint64_t *position, size_t n, enum side side)
{
	_Atomic(uint64_t) *counter = side == SENDER ? &ring->unsent : &ring->unreceived;
	/* Relaxed: the claim that follows releases it. */
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
	if (claim(ring, position, n, side, is_exclusive(ring, side))) {
		*position = advance(*position, n);
		if (side == RECEIVER)
			head_skipped = true;
		else
			/* [order] release: a thread that reads this count sees
			 * that tail has moved. */
			atomic_fetch_add_explicit(&ring->skipped, n, memory_order_release);
		return true;
	}
	atomic_fetch_sub_explicit(counter, n, memory_order_relaxed);
	return false;
}

void skip_stopped(struct ring *ring, uint64_t position, uint64_t until, enum side side)
{
	while (ahead(until, position) > 0) {
		size_t n = at_most((size_t)ahead(until, position), ring->claim_max);
		size_t skipped = recovery_challenge(ring, position, n, side);
		/* After the skip the caller's own position is behind the end.
		 * It is a skipped position, where no claim can succeed. */
		if (skipped == 0 || !skip(ring, &position, skipped, side) || skipped < n)
			return;
	}
}
