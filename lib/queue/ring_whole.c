/* SPDX-License-Identifier: MIT */
/*
 * A ring as a whole: made and unmade, closed, and asked about by those who neither send nor
 * receive. What senders and receivers do is in ring.c.
 */
#include <errno.h>
#include <sys/mman.h>

#include "queue/close.h"
#include "queue/scan.h"

int ring_init(struct ring *ring, size_t cells, size_t spare, uint64_t position, unsigned int flags)
{
	/* Fresh pages are zero and cost nothing before they are used. */
	size_t bytes = cells * (sizeof(struct ring_cell) + sizeof(uint64_t));
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	if (!fence_asymmetric)
		flags &= ~RING_EXCLUSIVE_SENDER; /* see close.c */
	*ring = (struct ring){
		.cells = memory,
		.recovery = (void *)((struct ring_cell *)memory + cells),
		.index_mask = cells - 1,
		.lap_shift = (unsigned int)__builtin_ctzll(cells),
		.start = position,
		.spare = spare,
		/* Two threads that stop with so many each hold half of the
		 * cells. */
		.claim_max = cells < 4 ? 1 : at_most(cells / 4, RING_CLAIM_MAX),
		.unsent_max = spare,
		.flags = flags,
		.challenges = !fence_asymmetric,
		.tail = position,
		.head = position,
	};
	ring_choose_calls(ring);
	for (uint64_t i = 0; position != 0 && i < cells; i++) {
		uint64_t at = advance(position, i);
		atomic_init(&cell_at(ring, at)->state, state_free(ring, at));
		recovery_init(ring, at);
	}
	return 0;
}

void ring_fini(struct ring *ring)
{
	munmap(ring->cells, ring_cells(ring) * (sizeof(struct ring_cell) + sizeof(uint64_t)));
}

void ring_close(struct ring *ring)
{
	if (ring->flags & RING_EXCLUSIVE_SENDER) {
		close_begin(ring);
		return;
	}
	/* Relaxed: the bit is part of the word that every claim compares. */
	atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);
}

uint64_t ready_find(const struct ring *ring, uint64_t from, uint64_t end, bool full)
{
	int64_t most = 2 * (int64_t)ring_cells(ring); /* more only if `from` is out of date */
	for (int64_t n = ahead(end, from) < most ? ahead(end, from) : most; n > 0; n--, from = advance(from, 1))
		/* The owner of a quarantined cell may have stored its late state; it may
		 * give it back between these reads, and then the state is another one. */
		if (count_ready(ring, from, 1, full) == 1 && !recovery_quarantined(ring, from) &&
				count_ready(ring, from, 1, full) == 1)
			return from;
	return end;
}

/*
 * Counting takes a while, and a thread that is stopped for long costs each lap
 * a skip. So one count serves for some: of what was skipped then, and since, no
 * more than all can be left. `unsent` is counted before a skip and `skipped`
 * after it, so that of those between the two none is overlooked.
 */
static bool was_counted(const struct ring *ring, uint64_t n)
{
	/* Relaxed: what was skipped before tail came here was counted before
	 * tail moved, and tail was read with acquire. */
	return atomic_load_explicit(&ring->unsent, memory_order_relaxed) + n <=
		atomic_load_explicit(&ring->unsent_max, memory_order_relaxed);
}

/* Any value that was right stays so; a larger one serves for longer. */
static void set_counted(struct ring *ring, uint64_t unsent_max)
{
	if (unsent_max > atomic_load_explicit(&ring->unsent_max, memory_order_relaxed))
		atomic_store_explicit(&ring->unsent_max, unsent_max, memory_order_relaxed);
}

bool ready_find_room(struct ring *ring, uint64_t position, uint64_t *ret_until)
{
	uint64_t from = advance(position, 1);
	/* [order] acquire: as in moved_on(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	for (;;) {
		uint64_t end = next_lap(ring, head);
		uint64_t until = ready_find(ring, from, end, false);
		if (ahead(end, until) <= 0)
			return false;
		*ret_until = until;
		/* Even if nothing but skipped positions were between head
		 * and tail. */
		if (ahead(until, head) <= (int64_t)ring->spare || was_counted(ring, (uint64_t)ahead(until, position)))
			return true;
		/* [order] acquire: what is counted here is before tail, as
		 * it is read next. */
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
		/* As that took a while, a nearer cell may be free by now. */
		*ret_until = ready_find(ring, from, advance(most, 1), false);
		return ahead(most, *ret_until) >= 0;
	}
}

bool ring_may_push(const struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_acquire);
	do {
		uint64_t next = advance(position, 1), until;
		if (position & CLOSED || closing(ring) || ready_find(ring, position, next, false) != next ||
				ready_find_room((struct ring *)ring, position, &until)) /* notes its count */
			return true;
	} while (moved_on(&ring->tail, &position));
	return false;
}

bool ring_may_pop(const struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_acquire);
	do {
		uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (tail & CLOSED || closing(ring) || ready_find(ring, position, tail, true) != tail)
			return true;
	} while (moved_on(&ring->head, &position));
	return false;
}

bool ring_ready(const struct ring *ring, size_t distance, bool full)
{
	return count_ready(ring, advance(ring_position(ring, full), distance), 1, full) == 1;
}

/* What was told before, if that is more: while a thread is in the middle of a
 * skip, what follows from the counters is too low, even below zero. */
static uint64_t tell(_Atomic(uint64_t) *told, int64_t now)
{
	/* [order] acquire: what it was told from is not newer than what is read
	 * next. */
	uint64_t before = atomic_load_explicit(told, memory_order_acquire);
	while ((int64_t)before < now)
		/* [order] acq_rel: the same, for those that are told this. */
		if (atomic_compare_exchange_weak_explicit(told, &before, (uint64_t)now,
				memory_order_acq_rel, memory_order_acquire))
			return (uint64_t)now;
	return before;
}

/* How many messages have gone past an end, at least. */
static int64_t passed(const struct ring *ring, uint64_t end, const _Atomic(uint64_t) *skipped)
{
	/* Relaxed: skips are counted before the end moves, and the end was
	 * read with acquire. */
	return (int64_t)(((end - ring->start) & POSITION) - atomic_load_explicit(skipped, memory_order_relaxed));
}

static int64_t count_received(const struct ring *ring, uint64_t head, uint64_t returned)
{
	return passed(ring, head, &ring->unreceived) + (int64_t)returned;
}

struct ring_counts ring_counts(struct ring *ring)
{
	uint64_t returned, received;
	/* [order] acquire: with head comes what it has skipped, and tail is
	 * not behind it. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	do {
		returned = atomic_load_explicit(&ring->returned, memory_order_relaxed);
		/* What returned counts as received, though a skip may be
		 * counted already. */
		int64_t now = count_received(ring, head, returned);
		received = tell(&ring->told_received, now > (int64_t)returned ? now : (int64_t)returned);
		/* Another caller may have told what has returned since. */
	} while (atomic_load_explicit(&ring->returned, memory_order_relaxed) != returned);
	/* [order] acquire: with tail comes what it has skipped, and what was
	 * closed before. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	/* [order] acquire: a declared sender's claim that is there before
	 * CLOSING counts; of later ones the end tells, and before that
	 * nobody. */
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_acquire);
	int64_t sent = end == CLOSING ? 0 : passed(ring, end & CLOSED ? end : tail, &ring->unsent);
	return (struct ring_counts){
		.sent = tell(&ring->told_sent, sent > (int64_t)received ? sent : (int64_t)received),
		.received = received,
		.returned = returned,
		.challenged = atomic_load_explicit(&ring->challenged, memory_order_relaxed),
		.quarantined = atomic_load_explicit(&ring->quarantined, memory_order_relaxed),
		.closed = tail & CLOSED || end != OPEN,
	};
}

size_t ring_size(const struct ring *ring)
{
	/* [order] acquire: as in ring_counts(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	int64_t size;
	do {
		uint64_t returned = atomic_load_explicit(&ring->returned, memory_order_relaxed);
		/* [order] acquire: as in ring_counts(), and head is read
		 * again after it. */
		uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		uint64_t end = atomic_load_explicit(&ring->end, memory_order_relaxed);
		tail = end & CLOSED ? end : tail;
		/* What returned is counted late, but between equal ends is nothing. */
		size = (tail & POSITION) == head ? 0 :
			passed(ring, tail, &ring->unsent) - count_received(ring, head, returned);
	} while (moved_on(&ring->head, &head));
	return at_most(size > 0 ? (size_t)size : 0, ring_cells(ring));
}
