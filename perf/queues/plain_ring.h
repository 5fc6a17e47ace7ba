/* SPDX-License-Identifier: MIT */
/*
 * plain_ring: the ring of the library's first version, a plain Vyukov ring with the
 * message inside the cell: what lib/queue/ring.c is measured against. A thread stopped
 * between claim and store stops those that come after it.
 */
#ifndef PERF_PLAIN_RING_H
#define PERF_PLAIN_RING_H

#include <magring.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One cache line. */
struct plain_cell {
	_Alignas(64) _Atomic(uint64_t) state;
	struct magring_message message;
};
_Static_assert(sizeof(struct plain_cell) == 64, "a cell is one cache line");

struct plain_ring {
	/* Constant. */
	struct plain_cell *cells;
	uint64_t index_mask;    /* capacity - 1 */
	unsigned int lap_shift; /* log2(capacity) */

	/* 128 bytes apart: processors fetch lines in pairs. */
	_Alignas(128) _Atomic(uint64_t) tail; /* position of the next send; top bit: closed */
	_Alignas(128) _Atomic(uint64_t) head; /* position of the next receive */
};

/* Capacity is a power of two, at least 2. */
int plain_init(struct plain_ring *ring, size_t capacity);
void plain_fini(struct plain_ring *ring);

/* As in lib/queue/ring.h, but that -EAGAIN may be a false answer. */
int plain_push(struct plain_ring *ring, const struct magring_message *message);
int plain_push_batch(struct plain_ring *ring, const struct magring_message *messages, size_t count);
int plain_pop(struct plain_ring *ring, struct magring_message *ret_message);
int plain_pop_batch(struct plain_ring *ring, struct magring_message *ret_messages, size_t count);
void plain_close(struct plain_ring *ring);

#endif
