/* SPDX-License-Identifier: MIT */
/*
 * A ring as a whole: init, fini and close, whether it is full or empty, and
 * what has gone through it. ring.c has push and pop.
 */
#include <errno.h>

#include "base/aligned.h"
#include "base/fence.h"
#include "base/mapping.h"
#include "queue/close.h"
#include "queue/recovery.h"
#include "queue/ring.h"
#include "queue/scan.h"
#include "tuning.h"

/* Cells, and a recovery word for each. */
static size_t content_bytes(size_t cells)
{
	return cells * (sizeof(struct ring_cell) + sizeof(uint64_t));
}

/*
 * The memory of a small ring comes from the heap: a mapping takes whole pages,
 * and a process has few of them. That of a large ring costs nothing before it
 * is used.
 */
static bool is_mapped(size_t cells)
{
	return content_bytes(cells) > RING_HEAP_MAX;
}

static void *take_memory(size_t cells, void **ret_memory)
{
	if (is_mapped(cells))
		return *ret_memory = mapping_create(content_bytes(cells));
	return aligned_malloc(_Alignof(struct ring_cell), content_bytes(cells), ret_memory);
}

int ring_init(struct ring *ring, size_t cells, size_t spare, uint64_t position, unsigned int flags)
{
	void *memory, *content = take_memory(cells, &memory);
	if (content == NULL)
		return -ENOMEM;
	if (!fence_asymmetric)
		flags &= ~RING_EXCLUSIVE_SENDER; /* see close.c */
	*ring = (struct ring){
		.memory = memory,
		.cells = content,
		.recovery = (void *)((struct ring_cell *)content + cells),
		.index_mask = cells - 1,
		.lap_shift = (unsigned int)__builtin_ctzll(cells),
		.start = position,
		.spare = spare,
		/* Two threads that stop with this many hold half of the
		 * cells. */
		.claim_max = cells < 4 ? 1 : at_most(cells / 4, RING_CLAIM_MAX),
		.unsent_max = spare,
		.flags = flags,
		.challenges = !fence_asymmetric,
		.tail = position,
		.head = position,
	};
	ring_choose_calls(ring);
	/* New mappings are zero, and so are these for position 0. */
	for (uint64_t i = 0; (position != 0 || !is_mapped(cells)) && i < cells; i++) {
		uint64_t at = advance(position, i);
		atomic_init(&cell_at(ring, at)->state, state_free(ring, at));
		recovery_init(ring, at);
	}
	return 0;
}

void ring_fini(struct ring *ring)
{
	if (is_mapped(ring_cells(ring)))
		mapping_destroy(ring->memory, content_bytes(ring_cells(ring)));
	else
		free(ring->memory);
}

size_t ring_bytes(const struct ring *ring)
{
	size_t bytes = content_bytes(ring_cells(ring));
	return is_mapped(ring_cells(ring)) ? bytes
					   : aligned_block_bytes(_Alignof(struct ring_cell), bytes);
}

void ring_close(struct ring *ring)
{
	if (is_exclusive(ring, SENDER)) {
		close_begin(ring);
		return;
	}
	/* Relaxed: the bit is in the word that every claim compares. */
	atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);
}

bool ring_may_push(struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_acquire);
	do {
		uint64_t next = advance(position, 1), until;
		if (position & CLOSED || closing(ring) ||
			scan_ready(ring, position, next, SENDER) != next ||
			scan_room(ring, position, &until))
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
		if (tail & CLOSED || closing(ring) ||
			scan_ready(ring, position, tail, RECEIVER) != tail)
			return true;
	} while (moved_on(&ring->head, &position));
	return false;
}

bool ring_ready(const struct ring *ring, size_t distance, enum side side)
{
	return count_ready(ring, advance(ring_position(ring, side), distance), 1, side) == 1;
}

/* The count now, or what was told before if that is more. While a thread is in
 * the middle of a skip, the counters give too little, even less than zero. */
static uint64_t tell(_Atomic(uint64_t) *told, int64_t now)
{
	/* [order] acquire: this count comes from values no newer than those
	 * that are read next. */
	uint64_t before = atomic_load_explicit(told, memory_order_acquire);
	while ((int64_t)before < now)
		/* [order] acq_rel: the same, for later readers of this. */
		if (atomic_compare_exchange_weak_explicit(told, &before, (uint64_t)now,
			    memory_order_acq_rel, memory_order_acquire))
			return (uint64_t)now;
	return before;
}

/* How many messages have passed an end, at least. */
static int64_t passed(const struct ring *ring, uint64_t end, const _Atomic(uint64_t) *skipped)
{
	/* Relaxed: skips are counted before the end moves, and the end was
	 * read with acquire. */
	return (int64_t)(((end - ring->start) & POSITION) -
		atomic_load_explicit(skipped, memory_order_relaxed));
}

static int64_t count_received(const struct ring *ring, uint64_t head, uint64_t returned)
{
	return passed(ring, head, &ring->unreceived) + (int64_t)returned;
}

struct ring_counts ring_counts(struct ring *ring)
{
	uint64_t returned, received;
	/* [order] acquire: with head come its skips, and a tail not behind
	 * it. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	do {
		returned = atomic_load_explicit(&ring->returned, memory_order_relaxed);
		/* What returned counts as received. But its position may
		 * already be counted as skipped. */
		int64_t now = count_received(ring, head, returned);
		received = tell(&ring->told_received,
			now > (int64_t)returned ? now : (int64_t)returned);
		/* Another caller may have told what has returned since. */
	} while (atomic_load_explicit(&ring->returned, memory_order_relaxed) != returned);
	/* [order] acquire: with tail come its skips, and an earlier close. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	/* [order] acquire: an exclusive sender's claim before CLOSING counts.
	 * The end tells of later claims, and until then they are unknown. */
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
		/* [order] acquire: as in ring_counts(). Head is read again
		 * after this. */
		uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		uint64_t end = atomic_load_explicit(&ring->end, memory_order_relaxed);
		tail = end & CLOSED ? end : tail;
		/* What returned is counted late. But between equal ends is no
		 * message. */
		size = passed(ring, tail, &ring->unsent) - count_received(ring, head, returned);
		if ((tail & POSITION) == head)
			size = 0;
	} while (moved_on(&ring->head, &head));
	return at_most(size > 0 ? (size_t)size : 0, ring_cells(ring));
}
