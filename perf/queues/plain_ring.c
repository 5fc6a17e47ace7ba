/* SPDX-License-Identifier: MIT */
/*
 * Dmitry Vyukov's bounded MPMC queue, with the message inside the cell.
 *
 *	state of a cell    FREE(lap) -> FULL(lap) -> FREE(lap + 1) -> ...
 *	                   = 2 * lap + full
 *
 * A sender at position p waits for FREE of p's lap, claims p by moving `tail`,
 * writes the message and stores FULL; a receiver mirrors it with `head`. A batch
 * claims the ready ones of the next cells with one CAS. Closing sets the top bit of tail.
 *
 * Full and empty are told from the positions. A cell that is not ready while the
 * positions say that it should be is in the hands of a thread between claim and
 * store: that is waited for a bounded while, and then the answer is -EAGAIN all the
 * same. This is kept as it was, so that a comparison stays one with a fixed thing.
 */
#include "queues/plain_ring.h"

#include <ck_pr.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#define CLOSED ((uint64_t)1 << 63)
#define POSITION (~CLOSED)

/* How many times a claimed cell that is not finished yet is looked at again. */
#define PLAIN_PATIENCE 64

static size_t capacity_of(const struct plain_ring *ring)
{
	return (size_t)ring->index_mask + 1;
}

static struct plain_cell *cell_at(const struct plain_ring *ring, uint64_t position)
{
	return &ring->cells[position & ring->index_mask];
}

static uint64_t advance(uint64_t position, uint64_t count)
{
	return (position + count) & POSITION;
}

static uint64_t state_free(const struct plain_ring *ring, uint64_t position)
{
	return (position & POSITION) >> ring->lap_shift << 1;
}

static uint64_t state_full(const struct plain_ring *ring, uint64_t position)
{
	return state_free(ring, position) | 1;
}

static uint64_t state_free_next(const struct plain_ring *ring, uint64_t position)
{
	return state_free(ring, advance(position, capacity_of(ring)));
}

int plain_init(struct plain_ring *ring, size_t capacity)
{
	/* Zeroes are an empty ring. */
	void *cells = mmap(NULL, capacity * sizeof(struct plain_cell), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cells == MAP_FAILED)
		return -ENOMEM;
	ring->cells = cells;
	ring->index_mask = capacity - 1;
	ring->lap_shift = (unsigned int)__builtin_ctzll(capacity);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->head, 0);
	return 0;
}

void plain_fini(struct plain_ring *ring)
{
	munmap(ring->cells, capacity_of(ring) * sizeof(struct plain_cell));
}

/* Acquire: pairs with publish() and recycle(). */
static bool cell_is(const struct plain_cell *cell, uint64_t state)
{
	return atomic_load_explicit(&cell->state, memory_order_acquire) == state;
}

/* How many cells from position on, at most count, are free (full). */
static size_t count_free(const struct plain_ring *ring, uint64_t position, size_t count)
{
	size_t n = 0;
	while (n < count && cell_is(cell_at(ring, position), state_free(ring, position))) {
		position = advance(position, 1);
		n++;
	}
	return n;
}

static size_t count_full(const struct plain_ring *ring, uint64_t position, size_t count)
{
	size_t n = 0;
	while (n < count && cell_is(cell_at(ring, position), state_full(ring, position))) {
		position = advance(position, 1);
		n++;
	}
	return n;
}

/* Release: the message is in the cell before the cell reads as full. */
static inline void publish(struct plain_cell *cell, uint64_t full,
	const struct magring_message *message)
{
	cell->message = *message;
	atomic_store_explicit(&cell->state, full, memory_order_release);
}

/* Release: the message is copied out before the cell reads as free. */
static inline void recycle(struct plain_cell *cell, uint64_t free,
	struct magring_message *ret_message)
{
	*ret_message = cell->message;
	atomic_store_explicit(&cell->state, free, memory_order_release);
}

/* Release: whoever sees head here sees the tail that it followed. */
static inline bool claim(_Atomic(uint64_t) *end, uint64_t *position, size_t n)
{
	return atomic_compare_exchange_strong_explicit(end, position, advance(*position, n),
		memory_order_release, memory_order_relaxed);
}

/* Acquire: the other end is read after this one. */
static bool moved_on(const _Atomic(uint64_t) *end, uint64_t *position)
{
	uint64_t now = atomic_load_explicit(end, memory_order_acquire);
	if (now == *position)
		return false;
	*position = now;
	return true;
}

/* Another thread has claimed the cell and not finished. False: out of patience. */
static bool bear_with(unsigned int *looks)
{
	ck_pr_stall();
	return ++*looks < PLAIN_PATIENCE;
}

int plain_push_batch(struct plain_ring *ring, const struct magring_message *messages, size_t count)
{
	unsigned int looks = 0;
	/* Relaxed: the cells' states order what they hold. */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	for (;;) {
		if (position & CLOSED)
			return -EPIPE;
		size_t n = count_free(ring, position, count);
		if (n > 0) {
			if (!claim(&ring->tail, &position, n))
				continue;
			for (size_t i = 0; i < n; i++, position = advance(position, 1))
				publish(cell_at(ring, position), state_full(ring, position),
					&messages[i]);
			return (int)n;
		}
		if (moved_on(&ring->tail, &position))
			continue;
		uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
		if (advance(head, capacity_of(ring)) == position || !bear_with(&looks))
			return -EAGAIN;
	}
}

int plain_pop_batch(struct plain_ring *ring, struct magring_message *ret_messages, size_t count)
{
	unsigned int looks = 0;
	/* Relaxed: as above. */
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	for (;;) {
		size_t n = count_full(ring, position, count);
		if (n > 0) {
			if (!claim(&ring->head, &position, n))
				continue;
			for (size_t i = 0; i < n; i++, position = advance(position, 1))
				recycle(cell_at(ring, position), state_free_next(ring, position),
					&ret_messages[i]);
			return (int)n;
		}
		if (moved_on(&ring->head, &position))
			continue;
		uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
		if ((tail & POSITION) == position)
			return tail & CLOSED ? -EPIPE : -EAGAIN;
		if (!bear_with(&looks))
			return -EAGAIN;
	}
}

/* Batches of one, in the common case a straight line of code. */
int plain_push(struct plain_ring *ring, const struct magring_message *message)
{
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t free = position >> ring->lap_shift << 1;
	struct plain_cell *cell = cell_at(ring, position);
	if (__builtin_expect(cell_is(cell, free) && claim(&ring->tail, &position, 1), 1)) {
		publish(cell, free | 1, message);
		return 1;
	}
	return plain_push_batch(ring, message, 1);
}

int plain_pop(struct plain_ring *ring, struct magring_message *ret_message)
{
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t free_next = state_free_next(ring, position);
	struct plain_cell *cell = cell_at(ring, position);
	if (__builtin_expect(cell_is(cell, state_full(ring, position)) &&
			    claim(&ring->head, &position, 1),
		    1)) {
		recycle(cell, free_next, ret_message);
		return 1;
	}
	return plain_pop_batch(ring, ret_message, 1);
}

void plain_close(struct plain_ring *ring)
{
	/* Relaxed: the bit is part of the word that every claim compares. */
	atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);
}
