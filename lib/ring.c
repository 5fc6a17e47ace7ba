/* SPDX-License-Identifier: MIT */
/*
 * Dmitry Vyukov's bounded MPMC queue, with the message inside the cell.
 *
 * Positions count sends and receives from the beginning of time, modulo 2^63.
 * Position p uses the cell with index p % capacity, in lap p / capacity. A cell's
 * state says which lap it is in and whether it is free or full:
 *
 *	FREE(lap) -> FULL(lap) -> FREE(lap + 1) -> ...       state = 2 * lap + full
 *
 * so that cells of zeroes are an empty ring. A sender at position p waits for FREE
 * of p's lap, claims p by moving `tail` from p to p + 1, writes the message and
 * stores FULL. A receiver at position p waits for FULL of p's lap, claims p by
 * moving `head`, copies the message out and stores FREE of the next lap.
 *
 *	head <= tail <= head + capacity
 *	positions head ... tail - 1 are claimed by senders, not yet by receivers
 *	between its claim and its store, a cell belongs to the claiming thread alone
 *
 * A batch looks at the next k cells, claims those that are ready with one CAS,
 * and then fills or empties them in order. A ready cell stays ready until its
 * position is claimed, and a claim of p ... p + k - 1 succeeds only if nobody has
 * claimed p.
 *
 * Closing sets the top bit of tail. Every later claim by a sender fails, so tail
 * is final, and receivers are done when head has reached it.
 *
 * Full and empty are told from the positions: a cell that is not ready while the
 * positions say that it should be is in the hands of a thread between claim and
 * store. That is waited for a bounded while, as it is normally a few
 * nanoseconds; if the thread is suspended there, the answer is -EAGAIN all the
 * same. Capacity 1 would not do: FULL(lap) of one position would have to be told
 * from FREE of the next.
 */
#include "ring.h"

#include <ck_pr.h>
#include <errno.h>
#include <sys/mman.h>

#define CLOSED ((uint64_t)1 << 63)
#define POSITION (~CLOSED)

/* How many times a claimed cell that is not finished yet is looked at again. */
#define PATIENCE 64

static struct ring_cell *cell_at(const struct ring *ring, uint64_t position)
{
	return &ring->cells[position & ring->index_mask];
}

static uint64_t advance(uint64_t position, uint64_t count)
{
	return (position + count) & POSITION;
}

static uint64_t state_free(const struct ring *ring, uint64_t position)
{
	return (position & POSITION) >> ring->lap_shift << 1;
}

static uint64_t state_full(const struct ring *ring, uint64_t position)
{
	return state_free(ring, position) | 1;
}

static uint64_t state_free_next(const struct ring *ring, uint64_t position)
{
	return state_free(ring, advance(position, ring_capacity(ring)));
}

int ring_init(struct ring *ring, size_t capacity, uint64_t position)
{
	/* Fresh pages are zero and cost nothing before they are used. */
	void *cells = mmap(NULL, capacity * sizeof(struct ring_cell), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cells == MAP_FAILED)
		return -ENOMEM;
	ring->cells = cells;
	ring->index_mask = capacity - 1;
	ring->lap_shift = (unsigned int)__builtin_ctzll(capacity);
	ring->start = position;
	atomic_init(&ring->tail, position);
	atomic_init(&ring->head, position);
	if (position != 0)
		for (uint64_t i = 0; i < capacity; i++)
			atomic_init(&cell_at(ring, position + i)->state,
				state_free(ring, advance(position, i)));
	return 0;
}

void ring_fini(struct ring *ring)
{
	munmap(ring->cells, ring_capacity(ring) * sizeof(struct ring_cell));
}

static bool cell_is(const struct ring_cell *cell, uint64_t state)
{
	/* [publish] acquire: pairs with publish(); FULL, and the message is there.
	 * [recycle] acquire: pairs with recycle(); FREE, and the last message was
	 * copied out. */
	return atomic_load_explicit(&cell->state, memory_order_acquire) == state;
}

/* How many cells from position on, at most count, are free (full). Never more
 * than the capacity: the next lap's state is another one. */
static size_t count_free(const struct ring *ring,
	uint64_t position, size_t count)
{
	size_t n = 0;
	while (n < count && cell_is(cell_at(ring, position), state_free(ring, position))) {
		position = advance(position, 1);
		n++;
	}
	return n;
}

static size_t count_full(const struct ring *ring,
	uint64_t position, size_t count)
{
	size_t n = 0;
	while (n < count && cell_is(cell_at(ring, position), state_full(ring, position))) {
		position = advance(position, 1);
		n++;
	}
	return n;
}

/* Write the message into a claimed cell and let receivers have it. */
static inline void publish(struct ring_cell *cell, uint64_t full, const struct magring_message *message)
{
	cell->message = *message;
	/* [publish] release: the message is in the cell before the cell reads as full.
	 * Relaxed here, and a receiver could copy the last lap's bytes. */
	atomic_store_explicit(&cell->state, full, memory_order_release);
}

/* Copy the message out of a claimed cell and let senders have the cell. */
static inline void recycle(struct ring_cell *cell, uint64_t free, struct magring_message *ret_message)
{
	*ret_message = cell->message;
	/* [recycle] release: the message is copied out before the cell reads as free.
	 * Relaxed here, and a sender could overwrite what is being copied. */
	atomic_store_explicit(&cell->state, free, memory_order_release);
}

/* Move tail or head on by n, unless it is not at *position any more. What a cell
 * holds is ordered by its state. */
static inline bool claim(_Atomic(uint64_t) *end, uint64_t *position, size_t n)
{
	/* [order] release: whoever sees head here sees the tail that it followed. */
	return atomic_compare_exchange_strong_explicit(end, position, advance(*position, n),
		memory_order_release, memory_order_relaxed);
}

/* Make *position what `end` is now; false if it is that already. */
static bool moved_on(const _Atomic(uint64_t) *end, uint64_t *position)
{
	/* [order] acquire: the other end is read after this one. As both only grow,
	 * what they are apart then is a true answer for the moment of this read. */
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
	return ++*looks < PATIENCE;
}

int ring_push_batch(struct ring *ring, const struct magring_message *messages, size_t count)
{
	unsigned int looks = 0;
	/* Relaxed: as in claim(). */
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	for (;;) {
		if (position & CLOSED)
			return -EPIPE;
		size_t n = count_free(ring, position, count);
		if (n > 0) {
			if (!claim(&ring->tail, &position, n))
				continue;
			for (size_t i = 0; i < n; i++, position = advance(position, 1))
				publish(cell_at(ring, position), state_full(ring, position), &messages[i]);
			return (int)n;
		}
		if (moved_on(&ring->tail, &position))
			continue;
		uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
		if (advance(head, ring_capacity(ring)) == position || !bear_with(&looks))
			return -EAGAIN;
	}
}

int ring_pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count)
{
	unsigned int looks = 0;
	/* Relaxed: as in claim(). */
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

/*
 * Batches of one, in the common case a straight line of code. All that can be
 * computed before the claim is, because what follows a locked instruction waits
 * for it. A closed tail is in no lap, so its cell is never free.
 */
int ring_push(struct ring *ring, const struct magring_message *message)
{
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t free = position >> ring->lap_shift << 1;
	struct ring_cell *cell = cell_at(ring, position);
	if (__builtin_expect(cell_is(cell, free) && claim(&ring->tail, &position, 1), 1)) {
		publish(cell, free | 1, message);
		return 1;
	}
	return ring_push_batch(ring, message, 1);
}

int ring_pop(struct ring *ring, struct magring_message *ret_message)
{
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t free_next = state_free_next(ring, position);
	struct ring_cell *cell = cell_at(ring, position);
	if (__builtin_expect(cell_is(cell, state_full(ring, position)) &&
			claim(&ring->head, &position, 1), 1)) {
		recycle(cell, free_next, ret_message);
		return 1;
	}
	return ring_pop_batch(ring, ret_message, 1);
}

void ring_close(struct ring *ring)
{
	/* Relaxed: the bit is part of the word that every claim compares. */
	atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);
}

bool ring_may_push(const struct ring *ring)
{
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	do {
		if (position & CLOSED || cell_is(cell_at(ring, position), state_free(ring, position)))
			return true;
	} while (moved_on(&ring->tail, &position));
	return false;
}

bool ring_may_pop(const struct ring *ring)
{
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	do {
		if (cell_is(cell_at(ring, position), state_full(ring, position)) ||
				atomic_load_explicit(&ring->tail, memory_order_relaxed) == (position | CLOSED))
			return true;
	} while (moved_on(&ring->head, &position));
	return false;
}

struct ring_counts ring_counts(const struct ring *ring)
{
	/* [order] acquire: tail is read after head, so it is not behind it. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t sent = (tail - ring->start) & POSITION;
	uint64_t received = (head - ring->start) & POSITION;
	/* Head had come at least this far when tail was read. */
	if (sent - received > ring_capacity(ring))
		received = sent - ring_capacity(ring);
	return (struct ring_counts){ .sent = sent, .received = received, .closed = tail & CLOSED };
}
