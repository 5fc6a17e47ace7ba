/* SPDX-License-Identifier: MIT */
/*
 * pool: a depot, its threads' caches, its accounts, its queues.
 */
#ifndef MAGRING_POOL_H
#define MAGRING_POOL_H

#include <pthread.h>
#include <urcu/list.h>

#include "magring.h"
#include "base/prefetch.h"
#include "base/eventcount.h"
#include "pool/profile.h"
#include "pool/thread_cache.h"
#include "tuning.h"

struct magring_pool {
	struct thread_registry registry; /* constant but for its head */
	uint64_t fast_serial;            /* the registry's; 0 with a profile: see pool_alloc_fast() */
	struct profile *profile;         /* NULL: off */
	size_t max_payload;
	uint16_t number;                 /* in the table of pools, and in messages */
	char name[MAGRING_NAME_MAX + 1];

	/* Read by every free, written when somebody sleeps. */
	_Alignas(128) struct eventcount memory[SLAB_CLASSES_MAX]; /* where those wait who want a slab of the class */

	/* Touched on slow paths only, by any thread. */
	_Alignas(128) _Atomic(uint64_t) exhausted;
	_Atomic(uint64_t) reclaimed;
	_Atomic(uint64_t) queue_count;
	_Atomic(uint64_t) memory_high;   /* bytes taken from the system */
	_Atomic(uint64_t) payload_high;  /* bytes in use that somebody has seen */
	_Atomic(uint64_t) trims;
	_Atomic(uint64_t) trimmed_bytes;
	_Atomic(bool) trimming;          /* a thread is in magring_pool_trim() */
	pthread_mutex_t queues_lock;     /* for queue create and destroy, and the metrics */
	struct cds_list_head queues;
	/* What threads without a cache count, by read-modify-write. */
	struct magazine_counts uncached[SLAB_CLASSES_MAX];

	struct depot depot;
};

extern _Atomic(struct magring_pool *) pools[MAGRING_POOLS_MAX];

/* The pool of this number, or NULL. Safe for a caller that keeps the pool alive (it
 * holds a message of it) or is in a section of thread_cache.h's. */
static inline struct magring_pool *pool_published(unsigned int number)
{
	/* [table] acquire: pairs with publish() in pool.c; the pool is initialised. */
	return atomic_load_explicit(&pools[number], memory_order_acquire);
}
/* Give the pool a number and have it found: 0, -EMFILE. */
int pool_publish(struct magring_pool *pool);
/* Withdraw it, and wait for those that have found it. */
void pool_withdraw(struct magring_pool *pool);
/* No pool has this number or a higher one. */
unsigned int pool_numbers(void);

/*
 * A slab of the class, and back; bytes is what the accounts are told. The fast forms
 * do it with the thread's loaded magazine alone, or else NULL and false, having
 * done nothing; the slow ones as well as can be done, NULL being no memory left, and in
 * *ret_hidden whether some is only out of reach for now, in a cache at which another
 * thread is at work or in the hands of one that cuts or trims free memory.
 */
void *pool_alloc_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	bool *ret_hidden);
void pool_free_slowly(struct magring_pool *pool, unsigned int class_index, size_t bytes, void *slab);

/*
 * A message with a new payload is sent by a locked instruction, which waits for the stores before
 * it. If it was these that fetched the payload's lines from the thread that freed the slab, it would
 * wait for that each time: so they are fetched one slab ahead. So many bytes at most; what is
 * beyond, a processor sees coming by itself.
 */

/* Every allocation of a pool with a profile is a slow one: no cache is found for serial 0.
 * Frees are told by their message. */
static inline void *pool_alloc_fast(struct magring_pool *pool, unsigned int class_index, size_t bytes)
{
	struct cache *cache = thread_cache_of(pool->fast_serial);
	if (__builtin_expect(cache == NULL || !cache_enter(cache), 0))
		return NULL;
	struct magazine_pair *pair = &cache->class[class_index];
	void *slab = NULL;
	if (__builtin_expect(pair->loaded_rounds > 0, 1)) {
		uint32_t next;
		slab = depot_slab(&pool->depot, magazine_take(pair));
		if (magazine_next_cold(pair, &next))
			prefetch_lines(depot_slab(&pool->depot, next), bytes < PREFETCH_BYTES ? bytes : PREFETCH_BYTES);
		count_add(&pair->counts.allocated, 1);
		count_add(&pair->counts.allocated_bytes, bytes);
	}
	cache_leave(cache);
	return slab;
}

/* Bytes taken from the system; the highest is kept. */
uint64_t pool_memory(struct magring_pool *pool);

/* A slab of the class is there, or is not hidden any more: see alloc_wait.c. */
static inline void pool_notify_waiters(struct magring_pool *pool, unsigned int class_index)
{
	/* [sleep] light side: pairs with eventcount_prepare_wait(). */
	fence_light();
	if (__builtin_expect(eventcount_has_waiters(&pool->memory[class_index]), 0))
		eventcount_notify(&pool->memory[class_index]);
}

static inline bool pool_free_fast(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	void *slab)
{
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	if (__builtin_expect(cache == NULL || !cache_enter(cache), 0))
		return false;
	struct magazine_pair *pair = &cache->class[class_index];
	bool room = pair->loaded_rounds < pair->loaded_capacity;
	if (__builtin_expect(room, 1)) {
		/* Counted first: a slab in a magazine may be allocated again at once. */
		count_add(&pair->counts.freed, 1);
		count_add(&pair->counts.freed_bytes, bytes);
		magazine_put(pair, depot_round(&pool->depot, slab));
	}
	cache_leave(cache);
	if (__builtin_expect(room, 1))
		pool_notify_waiters(pool, class_index);
	return room;
}

/* Copy a name, or make one up: 0, -ENAMETOOLONG. */
int pool_name(char *name, const char *wanted, const char *prefix, uint64_t serial);
/* Whether a caller's structure of this size is one that we know: 0, -EINVAL, -E2BIG. */
int pool_check_size(size_t size, size_t known);

#endif
