/* SPDX-License-Identifier: MIT */
/*
 * A ring as a whole: made and unmade, closed, and asked about by those who neither send nor
 * receive. What senders and receivers do is in ring.c.
 */
#include <errno.h>
#include <sys/mman.h>

#include "closing.h"
#include "ready.h"

int ring_init(struct ring *ring, size_t capacity, uint64_t position, unsigned int flags)
{
	/* Fresh pages are zero and cost nothing before they are used. */
	size_t bytes = capacity * (sizeof(struct ring_cell) + sizeof(uint64_t));
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	if (!fence_asymmetric)
		flags &= ~RING_ALONE_SENDER; /* see closing.c */
	*ring = (struct ring){
		.cells = memory,
		.verdicts = (void *)((struct ring_cell *)memory + capacity),
		.index_mask = capacity - 1,
		.lap_shift = (unsigned int)__builtin_ctzll(capacity),
		.start = position,
		.flags = flags,
		.doubts = !fence_asymmetric,
		.tail = position,
		.head = position,
	};
	ring_choose_calls(ring);
	for (uint64_t i = 0; position != 0 && i < capacity; i++) {
		uint64_t at = advance(position, i);
		atomic_init(&cell_at(ring, at)->state, state_free(ring, at));
		verdict_init(ring, at);
	}
	return 0;
}

void ring_fini(struct ring *ring)
{
	munmap(ring->cells, ring_capacity(ring) * (sizeof(struct ring_cell) + sizeof(uint64_t)));
}

void ring_close(struct ring *ring)
{
	if (ring->flags & RING_ALONE_SENDER) {
		closing_begin(ring);
		return;
	}
	/* Relaxed: the bit is part of the word that every claim compares. */
	atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);
}

uint64_t ready_find(const struct ring *ring, uint64_t from, uint64_t end, bool full)
{
	int64_t most = 2 * (int64_t)ring_capacity(ring); /* more only if `from` is out of date */
	for (int64_t n = ahead(end, from) < most ? ahead(end, from) : most; n > 0; n--, from = advance(from, 1))
		/* The owner of a quarantined cell may have stored its late state; it may
		 * give it back between these reads, and then the state is another one. */
		if (count_ready(ring, from, 1, full) == 1 && !verdict_quarantined(ring, from) &&
				count_ready(ring, from, 1, full) == 1)
			return from;
	return end;
}

bool ring_may_push(const struct ring *ring)
{
	/* [order] acquire: as in moved_on(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_acquire);
	do {
		uint64_t next = advance(position, 1), end = room_end(ring);
		if (position & CLOSED || closing(ring) || ready_find(ring, position, next, false) != next ||
				ahead(end, ready_find(ring, next, end, false)) > 0)
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

struct ring_counts ring_counts(const struct ring *ring)
{
	/* [order] acquire: an end is read after what it went over without a message, which
	 * is counted after the step: so a count is late, but never below zero. */
	uint64_t unreceived = atomic_load_explicit(&ring->unreceived, memory_order_acquire);
	uint64_t unsent = atomic_load_explicit(&ring->unsent, memory_order_acquire);
	/* [order] acquire: tail is read after head, so it is not behind it. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t end = atomic_load_explicit(&ring->end, memory_order_relaxed);
	uint64_t tail = end & CLOSED ? end : atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t sent = ((tail - ring->start) & POSITION) - unsent;
	uint64_t received = ((head - ring->start) & POSITION) - unreceived;
	if ((tail & POSITION) == head || received > sent)
		received = sent;
	if (sent - received > ring_capacity(ring))
		received = sent - ring_capacity(ring);
	return (struct ring_counts){
		.sent = sent,
		.received = received,
		.questions = atomic_load_explicit(&ring->questions, memory_order_relaxed),
		.quarantined = atomic_load_explicit(&ring->quarantined, memory_order_relaxed),
		.closed = tail & CLOSED || end != OPEN,
	};
}
