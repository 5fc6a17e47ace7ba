/* SPDX-License-Identifier: MIT */
/*
 * magazine: two magazines and the counters of one class, in a thread's cache.
 */
#ifndef MAGRING_MAGAZINE_H
#define MAGRING_MAGAZINE_H

#include "pool/depot.h"

/*
 * Counters of one class. One thread writes them at a time, any thread reads. A
 * message is often freed by another thread than the one that allocated it. So
 * only the sum of allocated - freed over all caches is what messages hold.
 */
struct magazine_counts {
	_Atomic(uint64_t) allocated; /* slabs */
	_Atomic(uint64_t) freed;
	_Atomic(uint64_t) allocated_bytes; /* as asked for */
	_Atomic(uint64_t) freed_bytes;
	_Atomic(uint64_t) exchanges; /* magazines taken from or given to the depot */
};

/*
 * 0 <= loaded_rounds <= loaded_capacity, and so for previous. Without a
 * magazine the capacity, and so the rounds, are 0: the fast paths need no test
 * for NULL. What this thread frees lies above the cold rounds.
 *
 * One slab may be hot, and lies beside them: see magazine.c.
 */
enum { HOT_NONE = 1 }; /* no slab is hot */

struct magazine_pair {
	_Alignas(128) struct magazine *loaded;
	struct magazine *previous;
	uint32_t loaded_rounds;
	uint32_t loaded_capacity;
	uint32_t previous_rounds;
	uint32_t previous_capacity;
	uint32_t cold_rounds; /* of the loaded one: as the depot gave them */
	uint64_t header;      /* depot_class.header, once there was a round */
	uint64_t hot;         /* the address of a slab, or HOT_NONE; 0: no header yet */
	struct magazine_counts counts;
};

static inline void count_add(_Atomic(uint64_t) *counter, uint64_t amount)
{
	/*
	 * No atomic read-modify-write: the owner is the only writer.
	 *
	 * [account] release: a thread that sees the count sees what led to it,
	 * such as the allocation before a free.
	 *
	 * gcc makes three instructions of it, so on x86 it is written as the
	 * one that clang makes. Stores are in order there, and volatile
	 * statements are for the compiler.
	 */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
	!defined(COUNT_IN_C)
	__asm__ volatile("addq %1, %0" : "+m"(*(uint64_t *)counter) : "er"(amount) : "cc");
#else
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
		memory_order_release);
#endif
}

/*
 * Get a round, or room for one, into a loaded magazine that has none. Exchange
 * magazines with the depot where that is needed. The caller is between
 * cache_enter() and cache_leave().
 *
 * Returns: false if there is none to be had.
 */
bool magazine_refill(struct magazine_pair *pair, struct depot *depot, unsigned int class_index);
bool magazine_drain(struct magazine_pair *pair, struct depot *depot, unsigned int class_index);

/* Out of a loaded magazine that has a round. */
static inline uint32_t magazine_take(struct magazine_pair *pair)
{
	return pair->loaded->round[--pair->loaded_rounds];
}

/* The hot slab, if there is one. */
static inline bool magazine_take_hot(struct magazine_pair *pair, const struct depot *depot,
	uint32_t *ret_round)
{
	if (pair->hot <= HOT_NONE)
		return false;
	*ret_round = depot_round(depot, (const void *)(uintptr_t)pair->hot);
	pair->hot = HOT_NONE;
	return true;
}

/* Into a loaded magazine that has room. */
static inline void magazine_put(struct magazine_pair *pair, uint32_t round)
{
	pair->loaded->round[pair->loaded_rounds++] = round;
}

/*
 * Whether the round that comes after the one just taken is cold: its slab is
 * likely in the cache of another core. That is so if both came from the depot,
 * where other threads put them.
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

/*
 * Hand both magazines to the depot. The caller is between cache_enter() and
 * cache_leave(), or has revoked the cache.
 *
 * Returns: the number of slabs.
 */
size_t magazine_flush(struct magazine_pair *pair, struct depot *depot, unsigned int class_index);

#endif
