/* SPDX-License-Identifier: MIT */
/*
 * pool: what a pool consists of, for the files that work on it.
 *
 * A pool is a depot of free slabs, a registry of its threads' caches, and
 * counters. Threads that wait for a slab have an eventcount per size class.
 * observe/pool_lifecycle.c makes and destroys pools.
 */
#ifndef MAGRING_POOL_H
#define MAGRING_POOL_H

#include <pthread.h>
#include <urcu/list.h>

#include "base/eventcount.h"
#include "magring.h"
#include "pool/accounts.h"
#include "pool/table.h"
#include "pool/thread_registry.h"
#include "pool/turns.h"
#include "tuning.h"

struct checked;
struct profile;

/* The queues of one pool, or those without a pool. For create and release of
 * queues, and the metrics. */
struct queue_list {
	pthread_mutex_t lock;
	struct cds_list_head queues;
	unsigned int generation; /* how often forks have emptied it: see fork.c */
};
extern struct queue_list queues_without_pool __attribute__((visibility("hidden")));

/*
 * Payloads on the fast path find their class in a table: see pool_find_pair().
 * 4 KiB take 130 bytes of it, and 64 KiB another 120. Beyond, the way of a slow
 * allocation is short beside what is done with the payload.
 */
enum {
	FAST_SMALL = 4096,
	FAST_MAX = 65536,
	FAST_SIZES = FAST_SMALL / SLAB_UNIT + 1 + (FAST_MAX - FAST_SMALL) / 1024
};

/* When threads without memory trim other classes: see pressure.c. */
struct pressure {
	_Atomic(uint64_t) freed; /* bytes freed before the last trim */
	_Atomic(uint64_t) bar;   /* bytes freed since, until the next */
	_Atomic(int64_t) ended_ns;
	_Atomic(int64_t) took_ns;
};

struct magring_pool {
	struct thread_registry registry;
	uint64_t fast_key;       /* the registry's, or NO_KEY: see init_fast() */
	size_t fast_small;       /* the smaller of FAST_SMALL and fast_max */
	size_t fast_max;         /* bytes of a payload in an entry of pair_offset */
	size_t sampled_max;      /* the same of a pool with samples: see sampler.c */
	double sample_rate;      /* 1 / mean, in such a pool */
	struct profile *profile; /* NULL: off */
	struct checked *checked; /* NULL: misuse is not looked for */
	size_t max_payload;
	uint16_t number; /* in the table of pools, and in messages */
	char name[MAGRING_NAME_MAX + 1];
	uint16_t pair_offset[FAST_SIZES]; /* in a cache, by the size of a payload */

	/* Read by every free, written when a thread sleeps. */
	_Alignas(128) struct eventcount memory[SLAB_CLASSES_MAX]; /* waiters for a slab, by class */

	/* Touched on slow paths only, by any thread. */
	_Alignas(128) _Atomic(uint64_t) exhausted;
	_Atomic(uint64_t) reclaimed;
	_Atomic(uint64_t) queue_count;
	_Atomic(uint64_t) queue_bytes;  /* of these queues: memory_bytes */
	_Atomic(uint64_t) memory_high;  /* bytes taken from the system */
	_Atomic(uint64_t) payload_high; /* bytes in use, as far as they were read */
	_Atomic(uint64_t) trims;
	_Atomic(uint64_t) trimmed_bytes;
	_Atomic(bool) trimming; /* a thread trims */
	struct pressure pressure;
	struct turns turns[SLAB_CLASSES_MAX]; /* of the waiters, by class */
	struct queue_list queues;
	/* Counts of threads without a cache, by read-modify-write. */
	struct magazine_counts uncached[SLAB_CLASSES_MAX];
	struct accounts accounts;
	struct region shares; /* see share.c */

	struct depot depot;
};

/* Where a size is in pair_offset: in slab units up to FAST_SMALL, and in KiB
 * beyond. All classes beyond are whole KiB. */
static inline size_t fast_small_size(size_t bytes)
{
	return (bytes + SLAB_UNIT - 1) / SLAB_UNIT;
}

static inline size_t fast_large_size(size_t bytes)
{
	return FAST_SMALL / SLAB_UNIT - FAST_SMALL / 1024 + (bytes + 1023) / 1024;
}

/*
 * Where in a cache the magazines for a payload of so many bytes are. False: it
 * is beyond fast_max.
 */
static inline bool pool_find_pair(const struct magring_pool *pool, size_t bytes, size_t *ret_offset)
{
	size_t size = fast_small_size(bytes);
	if (__builtin_expect(bytes > pool->fast_small, 0)) {
		if (bytes > pool->fast_max)
			return false;
		size = fast_large_size(bytes);
	}
	*ret_offset = pool->pair_offset[size];
	return true;
}

/* The same in a pool with samples, for sampled_max bytes at most. */
static inline size_t pool_sampled_pair(const struct magring_pool *pool, size_t bytes)
{
	return pool->pair_offset[bytes <= FAST_SMALL ? fast_small_size(bytes)
						     : fast_large_size(bytes)];
}

static inline struct magazine_pair *cache_pair(struct cache *cache, size_t offset)
{
	return (void *)((unsigned char *)cache + offset);
}

/* For pool_notify_waiters(). */
void pool_notify_slowly(struct magring_pool *pool, unsigned int class_index);

/* After a light fence. */
static inline void pool_notify_fenced(struct magring_pool *pool, size_t class_index)
{
	if (eventcount_may_have_waiters(eventcount_peek(&pool->memory[class_index])))
		pool_notify_slowly(pool, (unsigned int)class_index);
}

/* A slab of the class is free, or is not hidden any more: see alloc_wait.c. */
static inline void pool_notify_waiters(struct magring_pool *pool, unsigned int class_index)
{
	/* [sleep] light side: pairs with eventcount_prepare_wait(). */
	fence_light();
	pool_notify_fenced(pool, class_index);
}

static inline void pool_notify_all_classes(struct magring_pool *pool)
{
	for (unsigned int i = 0; i < pool->depot.classes; i++)
		pool_notify_waiters(pool, i);
}

/*
 * Whether a name, or NULL, may be one. Returns: 0, -ENAMETOOLONG, -EINVAL (it
 * is not UTF-8).
 */
int pool_check_name(const char *wanted);
/* Copy a name, or make one up. Returns as pool_check_name(). */
int pool_name(char *name, const char *wanted, const char *prefix, uint64_t serial);
/*
 * Whether the library knows structures of this size. Returns: 0, -EINVAL,
 * -E2BIG.
 */
int pool_check_size(size_t size, size_t known);

#endif
