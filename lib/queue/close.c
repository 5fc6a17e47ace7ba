/* SPDX-License-Identifier: MIT */
/*
 * Closing a ring whose sender claims without a CAS.
 *
 * Where senders claim by CAS, the bit CLOSED in tail makes each later claim
 * fail. An exclusive sender stores tail without a comparison, and would
 * overwrite the bit. So its ring has the end in a word beside tail:
 *
 *	end    OPEN -> CLOSING -> CLOSED | position
 *
 * Only the sender writes tail. A claim before the end is sent, or skipped as
 * ever. A claim beyond the end counts as never made. Receivers are done when
 * head is at the end. While `end` is CLOSING, it is to be decided:
 *
 *	sender    tail = claimed; fence_light(); read end
 *	closer    end = CLOSING; fence_heavy(); read tail; by CAS end = tail
 *
 *	[close] One of the two is after the other's fence. Either the closer
 *	reads a tail that has the claim, and the end has it too. Or the sender
 *	sees that the ring is closing before it has touched a cell.
 *
 * A sender that sees CLOSING proposes its claim as the end, by CAS. If the end
 * falls short of its claim, it puts tail back there, with the bit CLOSED, and
 * keeps its messages. A claim moves tail once, so the end is before all of it
 * or behind all of it.
 *
 * No thread waits for the closer: a receiver that finds CLOSING does the
 * closer's work from the fence on. No thread waits for the sender either. Its
 * claim that counts and is never filled is skipped (recovery.c). Its claim
 * that does not count is in no thread's way.
 *
 * Why a claim that is put back was never skipped: each decider reads CLOSING,
 * passes its own fence and then reads tail. A sender that saw OPEN has claimed
 * before all of these fences. Until the end is decided, receivers go only as
 * far as a message, whose claim counts. After that they go as far as the end.
 *
 * Until the end is decided no challenge to the exclusive sender ends SKIPPED.
 * This sender fills its cells in order, so no message lies behind a cell that
 * it has not filled.
 *
 * All this needs asymmetric fences. Without membarrier the sender's fence would
 * cost as much as a CAS, and there an exclusive sender claims by CAS.
 */
#include "queue/close.h"

#include "base/fence.h"

/* Let this be the end unless there is one already. Returns the end. */
static uint64_t decide_end(struct ring *ring, uint64_t position)
{
	uint64_t end = CLOSING;
	/* [order] acq_rel: with the end comes the tail that it was taken
	 * from. */
	if (atomic_compare_exchange_strong_explicit(&ring->end, &end,
		    CLOSED | (position & POSITION), memory_order_acq_rel, memory_order_acquire))
		return CLOSED | (position & POSITION);
	return end;
}

void close_begin(struct ring *ring)
{
	uint64_t end = OPEN;
	/* [order] acq_rel: as in decide_end(). */
	atomic_compare_exchange_strong_explicit(&ring->end, &end, CLOSING, memory_order_acq_rel,
		memory_order_acquire);
	close_end(ring);
}

uint64_t close_end(struct ring *ring)
{
	/* [order] acquire: as in closing(). */
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_acquire);
	if (end != CLOSING)
		return end;
	/* [close] heavy side: CLOSING is there before tail is read. */
	fence_heavy();
	/* [order] acquire: as in moved_on(). */
	return decide_end(ring, atomic_load_explicit(&ring->tail, memory_order_acquire));
}

bool close_counts(struct ring *ring, uint64_t claimed)
{
	uint64_t end = decide_end(ring, claimed);
	/* [order] release: as in claim_shared(). */
	atomic_store_explicit(&ring->tail, end, memory_order_release);
	return end == (CLOSED | claimed); /* no thread has seen a later claim */
}
