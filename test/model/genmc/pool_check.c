/* SPDX-License-Identifier: MIT */
/*
 * Threads that allocate and free slabs of a pool with room for SLABS of them, each
 * with a cache. Each thread does what ./run says.
 *
 * Checked: a slab is in one hand at a time (its bytes are written and read without
 * any ordering of their own, and GenMC reports data races); at the end all that
 * nobody holds can be allocated, wherever they lie, each once, and no more.
 */
#include <stddef.h>
#include <stdint.h>

#include "pool.h"
#include "verifier.h"

static struct magring_pool pool;
static _Alignas(struct cache) unsigned char
	caches[THREADS][sizeof(struct cache) + sizeof(struct magazine_pair)];

/* As ./run has made it of the thread-local table. */
struct thread_slot (*shim_slots(void))[THREAD_SLOTS]
{
	static struct thread_slot slots[THREADS + 1][THREAD_SLOTS];
	return &slots[__VERIFIER_thread_self()];
}

static _Thread_local uint64_t *slab;

always_inline struct cache *cache_of(uint64_t thread)
{
	return (struct cache *)(void *)caches[thread - 1];
}

static void *alloc(void)
{
	bool hidden;
	void *result = pool_alloc_fast(&pool, 0, 1);
	return result != NULL ? result : pool_alloc_slowly(&pool, 0, 1, &hidden);
}

/* The cache is attached already: thread_attach() is not what is checked. */
always_inline uint64_t do_begin(uint64_t self, uint64_t log)
{
	struct cache *cache = cache_of(self);
	atomic_store_explicit(&cache->owner, thread_self(), memory_order_relaxed);
	struct thread_slot *slot = &thread_slots[pool.registry.serial % THREAD_SLOTS];
	slot->serial = pool.registry.serial;
	slot->cache = cache;
	return log;
}

always_inline uint64_t do_alloc(uint64_t self, uint64_t log)
{
	slab = alloc();
	if (slab == NULL)
		return log;
	*slab = self;
	return log + 1;
}

always_inline uint64_t do_free(uint64_t self, uint64_t log)
{
	if (slab == NULL)
		return log;
	require(*slab == self);
	if (!pool_free_fast(&pool, 0, 1, slab))
		pool_free_slowly(&pool, 0, 1, slab);
	return log - 1;
}

#include "threads.h"

int main(void)
{
	long threads[THREADS];
	require(depot_init(&pool.depot, SLABS * SLAB_UNIT, 1) == 0);
	thread_registry_init(&pool.registry, 1);
	pool.fast_serial = pool.registry.serial; /* no profile */
	for (uint64_t i = 1; i <= THREADS; i++) {
		cache_of(i)->next = i > 1 ? cache_of(i - 1) : NULL;
		atomic_store_explicit(&pool.registry.first, cache_of(i), memory_order_relaxed);
	}
	start_threads(threads);
	uint64_t held = 0, got = 0;
	for (int i = 0; i < THREADS; i++)
		held += join_thread(threads[i]);
	require(held <= SLABS);
	for (; held < SLABS; held++) {
		uint64_t round = depot_round(&pool.depot, alloc());
		require(round < SLABS && !(got >> round & 1));
		got |= (uint64_t)1 << round;
	}
	require(alloc() == NULL);
	return 0;
}
