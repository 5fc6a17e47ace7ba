/* SPDX-License-Identifier: MIT */
/*
 * depot: the free slabs of a pool that no thread caches.
 */
#ifndef MAGRING_DEPOT_H
#define MAGRING_DEPOT_H

#include "pool/chunk.h"
#include "tuning.h"

/* 256 bytes: four cache lines. Rounds per magazine are fewer in large classes. */
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
	struct depot_stack filled; /* magazines with at least one round */
	struct depot_stack overflow;  /* slabs that found no magazine, linked through themselves */
	size_t slab_size;
	size_t chunk;              /* slabs carved at a time */
	_Atomic(uint64_t) trimmed; /* slabs that are none any more; one writer at a time */
	uint32_t rounds;           /* how many rounds a full magazine has */
	uint32_t places;           /* of the shelf that it takes there; 0: it does not rest */
};

/*
 * A ring of places for filled magazines, with a place for each so many bytes of their slabs: see
 * depot_cool(). What is in a place tells the magazine and its class; 0 is nothing.
 */

struct cooling {
	uint32_t places;                     /* that are in use, as the cache and the budget are large */
	_Alignas(64) _Atomic(uint64_t) next; /* place, modulo places */
	_Alignas(64) _Atomic(uint64_t) place[COOLING_PLACES];
};

struct depot {
	struct depot_stack empty; /* magazines without rounds, for every class */
	struct region slabs;
	struct region metadata;   /* magazines, caches, records of chunks */
	struct chunks chunks;
	struct cooling cooling;
	unsigned int classes;
	struct depot_class class[SLAB_CLASSES_MAX];
};

int depot_init(struct depot *depot, size_t memory_limit, unsigned int classes);
void depot_fini(struct depot *depot);

/*
 * A magazine with at least one free slab of the class, or NULL. *ret_carved is how
 * many slabs were carved to that end.
 */
struct magazine *depot_take_filled(struct depot *depot, unsigned int class_index,
	size_t *ret_carved);
/* An empty magazine, or NULL when the memory for magazines is used up. */
struct magazine *depot_take_empty(struct depot *depot);

/* Hand a magazine over, filled or empty as its count says. One that is neither full
 * nor empty goes to depot_put_part(), which fills the topmost one up from it:
 * otherwise threads that end would leave ever more magazines of a few rounds. */
void depot_put(struct depot *depot, unsigned int class_index, struct magazine *magazine);
void depot_put_part(struct depot *depot, unsigned int class_index, struct magazine *magazine);

/*
 * The same for a magazine of slabs that other threads have allocated: a large slab is handed on
 * when it has left the cache of the core that freed it.
 */
void depot_cool(struct depot *depot, unsigned int class_index, struct magazine *magazine);
/* A magazine that rests, the one that has for longest, or NULL. */
struct magazine *depot_take_cooled(struct depot *depot, unsigned int class_index);

/* One slab, without a cache: for threads that have none or may not touch theirs. */
bool depot_take_round(struct depot *depot, unsigned int class_index, uint32_t *ret_round,
	size_t *ret_carved);
void depot_put_round(struct depot *depot, unsigned int class_index, uint32_t round);

static inline void *depot_slab(const struct depot *depot, uint32_t round)
{
	return depot->slabs.base + round * SLAB_UNIT;
}

static inline uint32_t depot_round(const struct depot *depot, const void *slab)
{
	return (uint32_t)(((uintptr_t)slab - (uintptr_t)depot->slabs.base) / SLAB_UNIT);
}

#endif
