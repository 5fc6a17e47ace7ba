/* SPDX-License-Identifier: MIT */
/*
 * depot: the free slabs of a pool that no thread caches.
 *
 * depot.c passes whole magazines. carve.h takes and puts single slabs, and
 * carves new ones. cooling.h holds back magazines of large slabs.
 */
#ifndef MAGRING_DEPOT_H
#define MAGRING_DEPOT_H

#include "pool/chunk.h"
#include "tuning.h"

/*
 * A magazine of so many rounds has four cache lines. Large classes use fewer.
 */
#define MAGAZINE_ROUNDS 60

struct magazine {
	ck_stack_entry_t link; /* while in a depot */
	uint32_t count;        /* rounds in it, while in a depot */
	uint32_t reserved;
	uint32_t round[MAGAZINE_ROUNDS];
};
_Static_assert(sizeof(struct magazine) == 256, "a magazine is four cache lines");
_Static_assert(offsetof(struct magazine, link) == 0, "a link is its magazine");

/* On a line of its own: a CAS on one stack does not disturb the next. */
struct depot_stack {
	_Alignas(64) ck_stack_t stack; /* ck_stack's double-word CAS wants 16 bytes */
};

struct depot_class {
	struct depot_stack filled;   /* magazines with at least one round */
	struct depot_stack overflow; /* slabs that found no magazine */
	size_t slab_size;
	size_t chunk;              /* slabs of one chunk, at most */
	size_t batch;              /* chunks carved at a time, at most */
	_Atomic(uint64_t) carved;  /* slabs */
	_Atomic(uint64_t) trimmed; /* slabs that were given up; one writer at a time */
	uint64_t header;           /* of messages with such a slab, but for their sizes */
	uint32_t rounds;           /* of a full magazine */
	uint32_t places;           /* that a magazine takes up as it cools; 0: it does not */
};

/* Places for cooling magazines, as a ring: see cooling.c. */
struct cooling {
	uint32_t places;                     /* in use: the cache and the budget decide */
	_Alignas(64) _Atomic(uint64_t) next; /* the oldest place, modulo places */
	_Alignas(64) _Atomic(uint64_t) place[COOLING_PLACES];
};

struct depot {
	struct depot_stack empty; /* magazines without rounds, for every class */
	struct region slabs;
	struct region metadata; /* magazines, records of chunks */
	struct chunks chunks;
	struct cooling cooling;
	struct region kinds; /* by round: MESSAGE_SLAB + class where a slab begins, else 0 */
	unsigned int classes;
	const char *name; /* the pool's, for tracepoints; or NULL */
	struct depot_class class[SLAB_CLASSES_MAX];
};

int depot_init(struct depot *depot, size_t memory_limit, unsigned int classes);
void depot_fini(struct depot *depot);

/* An empty magazine, or NULL when the memory for magazines is used up. */
struct magazine *depot_take_empty(struct depot *depot);

/* Hand over a magazine, filled or empty as its count says. */
void depot_put(struct depot *depot, unsigned int class_index, struct magazine *magazine);
/*
 * The same for a magazine that is perhaps neither full nor empty: the one on
 * top of the stack is filled up from it first. Otherwise threads that end would
 * leave ever more magazines of a few rounds.
 */
void depot_put_part(struct depot *depot, unsigned int class_index, struct magazine *magazine);

static inline void *depot_slab(const struct depot *depot, uint32_t round)
{
	return depot->slabs.base + round * SLAB_UNIT;
}

/*
 * What begins at an address that is perhaps wrong, and whether that is a slab
 * of this kind. An address between two units divides to a number that is beyond
 * all rounds: what is left goes to the highest bits.
 */
static inline uint64_t depot_round_of(const struct depot *depot, uint64_t address)
{
	uint64_t offset = address - (uintptr_t)depot->slabs.base;
	return offset / SLAB_UNIT | offset << (64 - __builtin_ctz(SLAB_UNIT));
}

static inline bool depot_has(const struct depot *depot, uint64_t round, size_t kind)
{
	/* Relaxed: a slab's kind was accessible before its message was made. */
	return round < atomic_load_explicit(&depot->kinds.writable, memory_order_relaxed) &&
		depot->kinds.base[round] == kind;
}

static inline uint32_t depot_round(const struct depot *depot, const void *slab)
{
	return (uint32_t)(((uintptr_t)slab - (uintptr_t)depot->slabs.base) / SLAB_UNIT);
}

#endif
