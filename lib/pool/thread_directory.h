/* SPDX-License-Identifier: MIT */
/*
 * thread_directory: which cache the calling thread has in which pool.
 *
 * A slot is found by the pool's key: its number in the lowest bits, times the
 * bytes of a slot, and above them its serial, which no other pool ever has. No
 * key is 0.
 */
#ifndef MAGRING_THREAD_DIRECTORY_H
#define MAGRING_THREAD_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread_local.h"
#include "magring.h"

struct cache;

struct thread_slot {
	uint64_t key; /* 0: unused */
	struct cache *cache;
};

/* A power of two of slots. The lookup takes bytes, which saves it a shift. */
struct thread_directory {
	struct thread_slot *slots;
	uint64_t mask; /* the offset of the last slot, in bytes */
};
extern THREAD_LOCAL struct thread_directory thread_directory __attribute__((visibility("hidden")));

static inline uint64_t pool_key(unsigned int number, uint64_t serial)
{
	return (serial * MAGRING_POOLS_MAX + number) * sizeof(struct thread_slot);
}

static inline unsigned int pool_key_number(uint64_t key)
{
	return (unsigned int)(key / sizeof(struct thread_slot) % MAGRING_POOLS_MAX);
}

/* Whether this is a key of a pool with that serial. */
static inline bool pool_key_has(uint64_t key, uint64_t serial)
{
	return pool_key(pool_key_number(key), serial) == key;
}

/* The slot for this key, which may be another pool's. */
static inline struct thread_slot *thread_slot_of(uint64_t key)
{
	void *slot = (char *)thread_directory.slots + (key & thread_directory.mask);
	return slot;
}

static inline size_t thread_slots(void)
{
	return thread_directory.mask / sizeof(struct thread_slot) + 1;
}

/*
 * Have a slot for the pool with this key that is no other live pool's. False:
 * there is no memory for it.
 */
bool thread_directory_reach(uint64_t key);
/* Note the cache. The slot was reached. */
void thread_directory_set(uint64_t key, struct cache *cache);
/* Forget all caches. Nothing is left that the end of the thread leaks. */
void thread_directory_clear(void);

#endif
