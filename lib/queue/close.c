/* SPDX-License-Identifier: MIT */
/*
 * Where senders compare, the bit CLOSED in tail makes each later claim fail. A declared sender
 * stores tail without looking, and would store over the bit. So its ring is closed beside
 * tail, in a word of its own:
 *
 *	end    OPEN -> CLOSING -> CLOSED | position
 *
 * and tail stays the sender's, who is the only one to write it. What is claimed before
 * the position is sent, or passed over as ever; a claim beyond it has never been made.
 * Receivers are done when head is there. CLOSING says that it is to be decided:
 *
 *	the sender      tail = claimed; fence_light(); reads end
 *	whoever closes  end = CLOSING;  fence_heavy(); reads tail; end = CLOSED | tail by CAS
 *
 *	[close] of the two one is after the other's fence. Either tail, as it is read, has the
 *	claim, and so has the end; or the sender sees that the ring is closing, before it
 *	has touched a cell.
 *
 * A sender that sees CLOSING makes a CAS of its own, with its claim; one that sees an end
 * short of its claim puts tail back to there, with the bit CLOSED, and keeps its messages.
 * As a claim moves tail once, the end is before all of it or behind all of it.
 *
 * Nobody waits for whoever closes: a receiver that meets CLOSING does from the fence on what
 * that would have. Nor for the sender: a claim that counts, and is never filled, is passed
 * over as any other is (recovery.c); one that does not count is in nobody's way.
 *
 * Each decider reads CLOSING, passes a fence of its own and then reads tail: a sender that saw
 * OPEN has claimed before all of their fences. And a claim that is put back was never gone over:
 * before the ring is closed receivers go as far as a message, which counts, and then as far as the end.
 *
 * Until then no question about a declared sender is answered GONE, since this one fills its cells in
 * order: there is never a message behind one that it has not filled.
 *
 * This is for asymmetric fences. Where there is no membarrier, the sender's fence would cost what
 * its CAS does: there a declared sender claims as any other does.
 */
#include "queue/close.h"

#include "base/fence.h"

/* Let this be the end, unless there is one. Returns it. */
static uint64_t decide(struct ring *ring, uint64_t position)
{
	uint64_t end = CLOSING;
	/* [order] acq_rel: who sees the end sees the tail that it was taken from. */
	if (atomic_compare_exchange_strong_explicit(&ring->end, &end, CLOSED | (position & POSITION),
			memory_order_acq_rel, memory_order_acquire))
		return CLOSED | (position & POSITION);
	return end;
}

void close_begin(struct ring *ring)
{
	uint64_t end = OPEN;
	/* [order] acq_rel: as in decide(). */
	atomic_compare_exchange_strong_explicit(&ring->end, &end, CLOSING,
		memory_order_acq_rel, memory_order_acquire);
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
	return decide(ring, atomic_load_explicit(&ring->tail, memory_order_acquire));
}

bool close_counts(struct ring *ring, uint64_t claimed)
{
	uint64_t end = decide(ring, claimed);
	/* [order] release: as in claim(). */
	atomic_store_explicit(&ring->tail, end, memory_order_release);
	return end == (CLOSED | claimed); /* nobody has seen a later claim */
}
