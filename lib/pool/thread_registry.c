/* SPDX-License-Identifier: MIT */
/*
 * The caches of a pool: records by index, and bitmaps that say what they are.
 *
 *	taken        set by the CAS that gives the record an owner
 *	used         taken was set since the record was empty last
 *
 * A thread takes the free record with the lowest index. So after thousands of
 * threads the few that are there have low indexes again. Walks visit the
 * records that are used, and none that a past thread has left empty: they take
 * a word for each 64 threads that were there at once, and a record for each
 * that is there now.
 *
 * A thread that ends empties its cache, adds its counters to the pool's, and
 * only then is the record not used any more. If a reclaimer or a reader of sums
 * keeps it from that, the record stays used: see past_caches.c.
 *
 * Records lie in groups, each as large as all before it. A group is mapped when
 * the first of its records is needed, by whichever thread comes, and unmapped
 * with the pool. So no record needs a grace period. A record takes up whole
 * pages, and a trim gives those of a free one back. What the cache does not
 * need of them lies before it in part, more or less from pool to pool. Else the
 * caches of a thread would compete for the same lines of its processor's cache.
 */
#include "pool/thread_registry.h"

#include <errno.h>
#include <sys/mman.h>

#include "pool/region.h"

_Static_assert(THREAD_CACHES_MAX % 64 == 0, "the bitmaps have whole words");
_Static_assert(THREAD_CACHES_MAX <= THREAD_GROUP_FIRST << (THREAD_GROUPS - 1), "all have groups");

static _Atomic(uint64_t) thread_serials;

static unsigned int group_of(unsigned int index)
{
	/* 0 to 7, 8 to 15, 16 to 31 ... */
	return index < THREAD_GROUP_FIRST ? 0 : 29 - (unsigned int)__builtin_clz(index);
}

static unsigned int group_start(unsigned int group)
{
	return group == 0 ? 0 : (unsigned int)THREAD_GROUP_FIRST / 2 << group;
}

static size_t group_bytes(const struct thread_registry *registry, unsigned int group)
{
	return (group_start(group + 1) - group_start(group)) * registry->cache_size;
}

/* Map it, unless another thread has. */
static unsigned char *open_group(struct thread_registry *registry, unsigned int group)
{
	unsigned char *none = NULL;
	size_t bytes = group_bytes(registry, group);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	/* [registry] acq_rel: the group is mapped before others find it. */
	if (atomic_compare_exchange_strong_explicit(&registry->group[group], &none, memory,
		    memory_order_acq_rel, memory_order_acquire))
		return memory;
	munmap(memory, bytes);
	return none;
}

int thread_registry_init(struct thread_registry *registry, unsigned int classes)
{
	size_t bytes = sizeof(struct cache) + classes * sizeof(struct magazine_pair);
	/* The rest of it is zero. */
	registry->serial = atomic_fetch_add_explicit(&thread_serials, 1, memory_order_relaxed) + 1;
	registry->cache_size = (bytes + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
	size_t colours = (registry->cache_size - bytes) / _Alignof(struct cache) + 1;
	registry->colour = registry->serial % colours * _Alignof(struct cache);
	registry->most = THREAD_CACHES_MAX;
	return open_group(registry, 0) != NULL ? 0 : -ENOMEM;
}

void thread_registry_fini(struct thread_registry *registry)
{
	for (unsigned int i = 0; i < THREAD_GROUPS; i++) {
		/* Relaxed: no other thread uses the pool. */
		void *memory = atomic_load_explicit(&registry->group[i], memory_order_relaxed);
		if (memory != NULL)
			munmap(memory, group_bytes(registry, i));
	}
}

void thread_registry_number(struct thread_registry *registry, unsigned int number)
{
	registry->key = pool_key(number, registry->serial);
}

/* NULL: its group is not mapped. */
static struct cache *cache_at(struct thread_registry *registry, unsigned int index)
{
	unsigned int group = group_of(index);
	/* [registry] acquire: pairs with open_group(). */
	unsigned char *memory = atomic_load_explicit(&registry->group[group], memory_order_acquire);
	if (memory == NULL)
		return NULL;
	return (struct cache *)(void *)(memory +
		(index - group_start(group)) * registry->cache_size + registry->colour);
}

struct cache *thread_next_cache(struct thread_registry *registry, unsigned int *index)
{
	/* Relaxed: it was raised before the bits behind it were set. */
	unsigned int end = 64 * atomic_load_explicit(&registry->words, memory_order_relaxed);
	for (unsigned int i = *index; i < end; i = (i / 64 + 1) * 64) {
		/* [registry] acquire: pairs with begin(). It is mapped. */
		uint64_t used = atomic_load_explicit(&registry->used[i / 64], memory_order_acquire);
		used &= ~(uint64_t)0 << i % 64;
		if (used == 0)
			continue;
		i = i / 64 * 64 + (unsigned int)__builtin_ctzll(used);
		*index = i + 1;
		return cache_at(registry, i);
	}
	*index = end;
	return NULL;
}

/* Take the lowest bit of a word that is free and of `those`. */
static uint64_t take_bit(_Atomic(uint64_t) *word, uint64_t those)
{
	uint64_t taken = atomic_load_explicit(word, memory_order_relaxed);
	for (uint64_t free; (free = ~taken & those) != 0;) {
		uint64_t bit = free & -free;
		/*
		 * [owner] acquire: pairs with thread_unclaim(). The
		 * counters and magazines of the former owner are visible.
		 */
		taken = atomic_fetch_or_explicit(word, bit, memory_order_acquire);
		if (!(taken & bit))
			return bit;
	}
	return 0;
}

/* The record of this bit is the caller's. */
static struct cache *begin(struct thread_registry *registry, unsigned int word, uint64_t bit)
{
	unsigned int index = 64 * word + (unsigned int)__builtin_ctzll(bit);
	struct cache *cache = cache_at(registry, index);
	if (cache == NULL && open_group(registry, group_of(index)) != NULL)
		cache = cache_at(registry, index);
	if (cache == NULL) {
		thread_unclaim(registry, index);
		return NULL;
	}
	cache->index = index;
	if (!thread_is_present(registry, index))
		thread_note_present(registry, index);
	unsigned int words = atomic_load_explicit(&registry->words, memory_order_relaxed);
	while (words <= word &&
		!atomic_compare_exchange_weak_explicit(&registry->words, &words, word + 1,
			memory_order_relaxed, memory_order_relaxed))
		;
	/* [registry] release: the record is mapped before others find it. */
	atomic_fetch_or_explicit(&registry->used[word], bit, memory_order_release);
	atomic_fetch_add_explicit(&registry->attached, 1, memory_order_relaxed);
	return cache;
}

struct cache *thread_take_cache(struct thread_registry *registry)
{
	/* Relaxed: a thread too many need not look at all bits. They decide. */
	if (atomic_load_explicit(&registry->attached, memory_order_relaxed) >= registry->most)
		return NULL;
	for (unsigned int word = 0; word < THREAD_WORDS && 64 * word < registry->most; word++) {
		unsigned int left = registry->most - 64 * word;
		uint64_t bit = take_bit(&registry->taken[word],
			left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0);
		if (bit != 0)
			return begin(registry, word, bit);
	}
	return NULL;
}

struct cache *thread_claim_free(struct thread_registry *registry, _Atomic(uint64_t) *bits,
	unsigned int *index)
{
	for (unsigned int i = *index; i < THREAD_CACHES_MAX; i = (i / 64 + 1) * 64) {
		/* Relaxed: what is not seen is left for the next time. */
		if (i / 64 >= atomic_load_explicit(&registry->words, memory_order_relaxed))
			break;
		uint64_t bit = take_bit(&registry->taken[i / 64],
			atomic_load_explicit(&bits[i / 64], memory_order_relaxed) &
				~(uint64_t)0 << i % 64);
		if (bit == 0)
			continue;
		*index = i / 64 * 64 + (unsigned int)__builtin_ctzll(bit) + 1;
		struct cache *cache = cache_at(registry, *index - 1);
		cache->index = *index - 1;
		return cache;
	}
	return NULL;
}

void thread_unclaim(struct thread_registry *registry, unsigned int index)
{
	/* [owner] release: this thread is done with the record. */
	atomic_fetch_and_explicit(&registry->taken[index / 64], ~((uint64_t)1 << index % 64),
		memory_order_release);
}

void thread_release_cache(struct thread_registry *registry, struct cache *cache)
{
	atomic_fetch_sub_explicit(&registry->attached, 1, memory_order_relaxed);
	thread_unclaim(registry, cache->index);
}

bool thread_is_used(struct thread_registry *registry, unsigned int index)
{
	/* Relaxed: only an owner changes the bit of a record. */
	return atomic_load_explicit(&registry->used[index / 64], memory_order_relaxed) >>
		index % 64 &
		1;
}

void thread_unuse_cache(struct thread_registry *registry, struct cache *cache)
{
	/* Relaxed: readers of sums are ordered by the accounts. */
	atomic_fetch_and_explicit(&registry->used[cache->index / 64],
		~((uint64_t)1 << cache->index % 64), memory_order_relaxed);
}

bool thread_is_present(struct thread_registry *registry, unsigned int index)
{
	/* [registry] acquire: pairs with thread_note_present(). */
	return atomic_load_explicit(&registry->present[index / 64], memory_order_acquire) >>
		index % 64 &
		1;
}

void thread_note_present(struct thread_registry *registry, unsigned int index)
{
	/* [registry] release: the pages that were there before are gone. */
	atomic_fetch_or_explicit(&registry->present[index / 64], (uint64_t)1 << index % 64,
		memory_order_release);
	atomic_fetch_add_explicit(&registry->bytes, registry->cache_size, memory_order_relaxed);
}

void thread_note_absent(struct thread_registry *registry, unsigned int index)
{
	atomic_fetch_sub_explicit(&registry->bytes, registry->cache_size, memory_order_relaxed);
	/* Relaxed: only an owner changes the bit, and see past_caches.c. */
	atomic_fetch_and_explicit(&registry->present[index / 64], ~((uint64_t)1 << index % 64),
		memory_order_relaxed);
}
