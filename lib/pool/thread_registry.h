/* SPDX-License-Identifier: MIT */
/*
 * thread_registry: the caches of one pool.
 *
 * A cache is a record with an index. Memory of a record stays mapped until the
 * pool goes, so a thread that has met it may look at it at any time.
 */
#ifndef MAGRING_THREAD_REGISTRY_H
#define MAGRING_THREAD_REGISTRY_H

#include "pool/thread_cache.h"
#include "tuning.h"

/* Groups have 8, 8, 16, 32 ... records, and a word of a bitmap has 64 bits. */
enum { THREAD_GROUP_FIRST = 8, THREAD_GROUPS = 12, THREAD_WORDS = THREAD_CACHES_MAX / 64 };

struct thread_registry {
	uint64_t serial;   /* of this pool, never used again */
	uint64_t key;      /* its serial and its number */
	size_t cache_size; /* bytes of a record, whole pages */
	size_t colour;     /* where the cache begins in it: see thread_registry.c */
	unsigned int most; /* caches that there may be, <= THREAD_CACHES_MAX */

	_Atomic(unsigned int) attached; /* caches that a thread has */
	_Atomic(unsigned int) words;    /* of the bitmaps that were ever used */
	_Atomic(size_t) bytes;          /* of records that are present */
	_Atomic(unsigned char *) group[THREAD_GROUPS];
	/*
	 * A bit for each record. Taken: it has an owner. Used: it may hold
	 * slabs, or have counted. Present: it may have memory.
	 */
	_Atomic(uint64_t) taken[THREAD_WORDS];
	_Atomic(uint64_t) used[THREAD_WORDS];
	_Atomic(uint64_t) present[THREAD_WORDS];
};

/* Returns: 0, -ENOMEM. */
int thread_registry_init(struct thread_registry *registry, unsigned int classes);
void thread_registry_fini(struct thread_registry *registry);
/* The pool has got its number. */
void thread_registry_number(struct thread_registry *registry, unsigned int number);

static inline struct cache *thread_cache_at_hand(const struct thread_registry *registry)
{
	return thread_cache_of(registry->key);
}

/*
 * The next cache that is used, from *index on, or NULL. *index is then behind
 * it. A walk meets each that is used throughout.
 */
struct cache *thread_next_cache(struct thread_registry *registry, unsigned int *index);

/*
 * Take a free cache, the one with the lowest index. NULL when there are as many
 * as may be, or the system refuses. For thread_attach(), which has it given
 * back.
 */
struct cache *thread_take_cache(struct thread_registry *registry);
/*
 * Take the next record that is free and has its bit in `bits`, from *index on,
 * or NULL. *index is then behind it. The caller owns it, but is not counted as
 * a thread that has a cache.
 */
struct cache *thread_claim_free(struct thread_registry *registry, _Atomic(uint64_t) *bits,
	unsigned int *index);
void thread_unclaim(struct thread_registry *registry, unsigned int index);
/* The caller's cache is free for other threads. */
void thread_release_cache(struct thread_registry *registry, struct cache *cache);
/*
 * It holds no slabs, and all its counters are zero. The caller owns it, and no
 * thread sums up.
 */
void thread_unuse_cache(struct thread_registry *registry, struct cache *cache);
/* Whether the caller's record is used. */
bool thread_is_used(struct thread_registry *registry, unsigned int index);
/*
 * Whether the record may have memory: its owner changes that. A thread that
 * finds it present after it has revoked it knows of what came before.
 */
bool thread_is_present(struct thread_registry *registry, unsigned int index);
void thread_note_present(struct thread_registry *registry, unsigned int index);
void thread_note_absent(struct thread_registry *registry, unsigned int index);

#endif
