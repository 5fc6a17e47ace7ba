/* SPDX-License-Identifier: MIT */
/*
 * magazine: one thread's cache of free slabs, and alloc and free through it.
 */
#ifndef MAGRING_MAGAZINE_H
#define MAGRING_MAGAZINE_H

#include "pool/depot.h"

/*
 * Counters of one class. One thread writes them at a time, anybody reads.
 * allocated - freed over all caches is what messages hold: a message is often
 * freed by another thread than the one that allocated it.
 */
struct magazine_counts {
	_Atomic(uint64_t) allocated;       /* slabs */
	_Atomic(uint64_t) freed;
	_Atomic(uint64_t) allocated_bytes; /* as asked for */
	_Atomic(uint64_t) freed_bytes;
	_Atomic(uint64_t) exchanges;       /* magazines taken from or given to the depot */
	_Atomic(uint64_t) carved;          /* slabs */
};

/*
 * Per class: 0 <= loaded_rounds <= capacity, and so for previous. Without a
 * magazine the capacity, and so the rounds, are 0: the fast paths need no
 * test for NULL. What is freed here lies above the cold rounds.
 */
struct magazine_pair {
	_Alignas(128) struct magazine *loaded;
	struct magazine *previous;
	uint32_t loaded_rounds;
	uint32_t loaded_capacity;
	uint32_t previous_rounds;
	uint32_t previous_capacity;
	uint32_t cold_rounds; /* of the loaded one: those that are as the depot gave them */
	struct magazine_counts counts;
};

struct cache {
	struct cache *next;        /* in the pool's registry; never changes */
	_Atomic(uint64_t) owner;   /* the thread it is attached to, 0: none */
	_Atomic(uint64_t) revoked; /* the thread that empties it, 0: none */
	_Atomic(uint32_t) busy;    /* its owner is between cache_enter and cache_leave */
	uint64_t seen_traffic;     /* by the last trim: see thread_empty_idle() */
	int64_t seen_ns;           /* when that was first so */
	struct magazine_pair class[];
};

static inline void count_add(_Atomic(uint64_t) *counter, uint64_t amount)
{
	/* No read-modify-write: the owner is the only writer.
	 * [account] release: what led to this count, the allocation before a free
	 * among it, is visible to whoever sees the count. */
	atomic_store_explicit(counter,
		atomic_load_explicit(counter, memory_order_relaxed) + amount, memory_order_release);
}

/* Get a round (room for one) into a loaded magazine that has none, exchanging
 * magazines with the depot where needed. False: there is none to be had. The
 * caller is inside the cache (cache_enter). */
bool magazine_refill(struct magazine_pair *pair, struct depot *depot, unsigned int class_index);
bool magazine_drain(struct magazine_pair *pair, struct depot *depot, unsigned int class_index);

/* Out of a loaded magazine that has a round, into one that has room. */
static inline uint32_t magazine_take(struct magazine_pair *pair)
{
	return pair->loaded->round[--pair->loaded_rounds];
}

static inline void magazine_put(struct magazine_pair *pair, uint32_t round)
{
	pair->loaded->round[pair->loaded_rounds++] = round;
}

/*
 * Whether, after a take, the round that comes next is of a slab that is likely in another
 * thread's cache: both are from the depot, so others have freed them (or nobody had them yet).
 */
static inline bool magazine_next_cold(struct magazine_pair *pair, uint32_t *ret_round)
{
	uint32_t rounds = pair->loaded_rounds;
	if (__builtin_expect(rounds >= pair->cold_rounds, 1))
		return false;
	pair->cold_rounds = rounds;
	if (rounds == 0)
		return false;
	*ret_round = pair->loaded->round[rounds - 1];
	return true;
}

/* Hand the magazines of one class to the depot; returns how many slabs. The
 * caller is inside the cache, or has revoked it. */
size_t magazine_flush(struct cache *cache, struct depot *depot, unsigned int class_index);

#endif
