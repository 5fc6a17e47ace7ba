/* SPDX-License-Identifier: MIT */
/*
 * Scanning for a ready cell, and how far tail may skip to reach it.
 *
 * The capacity is a promise (ring.c): from head on, at most `spare` positions
 * may be without a message. Before a skip a sender counts the skipped positions
 * from head to tail, which their recovery words show. It adds those from tail
 * to the first free cell, which it is about to skip. It acts only if the sum is
 * at most `spare`.
 *
 * Why the count still holds if the sender acts late: what is before tail is
 * resolved, and only what the sender has added can become lost by its skip. A
 * free cell can be lost after all, by a late decision. But the thread that
 * decides has counted that cell among those that it skips.
 *
 * A scan takes a while, and a thread that stays stopped costs a skip in each
 * lap. So one scan serves for several skips. It sets unsent_max: of what was
 * skipped by then and since, no more than everything can be left. `unsent`
 * grows before a skip and `skipped` after it, so a scan misses no skip between
 * the two.
 */
#include "queue/scan.h"

#include "queue/recovery.h"

uint64_t scan_ready(const struct ring *ring, uint64_t from, uint64_t end, enum side side)
{
	int64_t most = 2 * (int64_t)ring_cells(ring); /* more only if `from` is out of date */
	int64_t n = ahead(end, from) < most ? ahead(end, from) : most;
	for (; n > 0; n--, from = advance(from, 1))
		/* The owner of a quarantined cell may have stored its state
		 * late. If it returns the cell between these reads, the state
		 * changes, and the third read sees that. */
		if (count_ready(ring, from, 1, side) == 1 && !recovery_quarantined(ring, from) &&
			count_ready(ring, from, 1, side) == 1)
			return from;
	return end;
}

/* Whether an earlier scan allows a skip of n positions. */
static bool was_counted(const struct ring *ring, uint64_t n)
{
	/* Relaxed: what was skipped before tail came here was counted before
	 * tail moved, and tail was read with acquire. */
	return atomic_load_explicit(&ring->unsent, memory_order_relaxed) + n <=
		atomic_load_explicit(&ring->unsent_max, memory_order_relaxed);
}

/* A value that was right once stays right. A larger one serves for longer. */
static void set_counted(struct ring *ring, uint64_t unsent_max)
{
	if (unsent_max > atomic_load_explicit(&ring->unsent_max, memory_order_relaxed))
		atomic_store_explicit(&ring->unsent_max, unsent_max, memory_order_relaxed);
}

bool scan_room(struct ring *ring, uint64_t position, uint64_t *ret_until)
{
	uint64_t from = advance(position, 1);
	/* [order] acquire: as in moved_on(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	for (;;) {
		uint64_t end = next_lap(ring, head);
		uint64_t until = scan_ready(ring, from, end, SENDER);
		if (ahead(end, until) <= 0)
			return false;
		*ret_until = until;
		/* The first holds even if all positions from head to tail are
		 * skipped. */
		if (ahead(until, head) <= (int64_t)ring->spare ||
			was_counted(ring, (uint64_t)ahead(until, position)))
			return true;
		/* [order] acquire: what is counted here is before tail, which
		 * is read next. */
		uint64_t before = atomic_load_explicit(&ring->skipped, memory_order_acquire);
		if (atomic_load_explicit(&ring->tail, memory_order_relaxed) != position)
			return false;
		size_t skipped = at_most(recovery_skipped(ring, head, position), ring->spare);
		if (moved_on(&ring->head, &head))
			continue; /* some of these are behind it now */
		uint64_t most = advance(position, ring->spare - skipped);
		set_counted(ring, before + ring->spare - skipped);
		if (ahead(most, until) >= 0)
			return true;
		/* The count took a while. A nearer cell may be free by now. */
		*ret_until = scan_ready(ring, from, advance(most, 1), SENDER);
		return ahead(most, *ret_until) >= 0;
	}
}
