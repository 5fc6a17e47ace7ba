/* SPDX-License-Identifier: MIT */
/*
 * A pool's caches form a list that only grows, at its head, by CAS. A cache that
 * no live thread owns is taken over by the next thread that comes, so there are
 * never more caches than threads that used the pool at the same time. A thread
 * finds its cache in a small thread-local table keyed by the pool's serial, which
 * is never used twice; if two pools collide there it walks the list.
 *
 *	cache:   free (owner 0) -> attached (owner = thread) -> free
 *
 * A pool's memory, caches included, must outlive the destructor of a thread that
 * ends while the pool is destroyed. So who looks through pool.c's table is counted
 * meanwhile: thread_detach_all() runs inside such a section, and magring_pool_destroy()
 * withdraws the pool and waits for a grace period before it unmaps anything: until each
 * of two counters was seen at zero. New sections are counted in the other one, so that
 * threads that keep ending do not keep it waiting.
 *
 *	section: count; light fence; read the table      destroy: withdraw; heavy fence;
 *	         read the counters
 *
 * Reclaiming: a thread that finds the budget used up takes what other caches
 * hold, without the owners' help. It marks all caches revoked, passes one heavy
 * fence, and empties those that are not busy. An owner that finds its cache
 * revoked leaves it alone and works on the depot directly; so neither waits
 * for the other, wherever it is stopped.
 *
 *	owner: busy = 1; light fence; read revoked      reclaimer: revoked = self; heavy
 *	       fence; read busy
 *
 * At least one of them sees the other, and then keeps its hands off. A trim empties caches
 * in the same way, all classes of them, but spares those that were at work lately.
 */
#include "pool/thread_cache.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "pool/pool.h"

_Thread_local struct thread_slot thread_slots[THREAD_SLOTS];
static _Thread_local uint64_t thread_number; /* 0: not given yet */
static _Thread_local bool thread_ending;
static _Atomic(uint64_t) thread_numbers;
static _Atomic(uint64_t) thread_serials;
static _Atomic(uint64_t) thread_sections[2]; /* that are in the table of pools */
static _Atomic(unsigned int) thread_period;  /* which of the two counts new ones: its lowest bit */
static pthread_mutex_t thread_waiting = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t thread_key;
static bool thread_key_usable;
static bool thread_forked; /* this process is the child of a fork */

uint64_t thread_self(void)
{
	if (thread_number == 0)
		/* Relaxed: a number need only be unlike all others. */
		thread_number = atomic_fetch_add_explicit(&thread_numbers, 1, memory_order_relaxed) + 1;
	return thread_number;
}

static void at_thread_exit(void *unused)
{
	(void)unused;
	/* Destructors that run after this one do without a cache: there may be no
	 * further round of destructors to give it back. */
	thread_ending = true;
	thread_detach_all();
}

static void after_fork_child(void)
{
	/* A process that has forked before it used the library is like any other. */
	thread_forked = thread_forked || pool_numbers() > 0;
}

static __attribute__((constructor)) void thread_init(void)
{
	thread_key_usable = pthread_key_create(&thread_key, at_thread_exit) == 0 &&
		pthread_atfork(NULL, NULL, after_fork_child) == 0;
}

bool thread_is_forked(void)
{
	return thread_forked;
}

void thread_lock(pthread_mutex_t *lock)
{
	if (!thread_forked)
		pthread_mutex_lock(lock);
}

void thread_unlock(pthread_mutex_t *lock)
{
	if (!thread_forked)
		pthread_mutex_unlock(lock);
}

void thread_registry_init(struct thread_registry *registry, unsigned int classes)
{
	atomic_init(&registry->first, NULL);
	registry->serial = atomic_fetch_add_explicit(&thread_serials, 1, memory_order_relaxed) + 1;
	registry->cache_size = sizeof(struct cache) + classes * sizeof(struct magazine_pair);
}

struct cache *thread_first_cache(struct thread_registry *registry)
{
	/* [registry] acquire: pairs with the push in create_cache(). */
	return atomic_load_explicit(&registry->first, memory_order_acquire);
}

static struct cache *create_cache(struct thread_registry *registry, struct depot *depot)
{
	size_t offset;
	size_t bytes = (registry->cache_size + 255) / 256 * 256; /* magazines stay aligned */
	if (region_take(&depot->metadata, bytes, 1, &offset) == 0)
		return NULL;
	/* Fresh from the system, so all zero: no magazines, nothing counted. */
	struct cache *cache = (struct cache *)(void *)(depot->metadata.base + offset);
	atomic_init(&cache->owner, thread_self());
	cache->next = atomic_load_explicit(&registry->first, memory_order_relaxed);
	/* [registry] release: the cache is initialised before others find it. */
	while (!atomic_compare_exchange_weak_explicit(&registry->first, &cache->next, cache,
			memory_order_release, memory_order_relaxed))
		;
	return cache;
}

static struct cache *own_cache(struct thread_registry *registry)
{
	struct cache *cache = thread_first_cache(registry);
	/* Relaxed: only this thread stores its own number. */
	while (cache != NULL && atomic_load_explicit(&cache->owner, memory_order_relaxed) != thread_number)
		cache = cache->next;
	return cache;
}

struct cache *thread_attach(struct thread_registry *registry, struct depot *depot)
{
	uint64_t self = thread_self();
	struct cache *cache;

	if (thread_ending || !thread_key_usable ||
			pthread_setspecific(thread_key, &thread_number) != 0)
		return NULL; /* nobody would give it back */
	cache = own_cache(registry);
	if (cache != NULL)
		goto attached;
	for (cache = thread_first_cache(registry); cache != NULL; cache = cache->next) {
		uint64_t nobody = 0;
		/* [owner] acquire: pairs with thread_detach_all(); the former owner's
		 * counters and magazines are visible. */
		if (atomic_compare_exchange_strong_explicit(&cache->owner, &nobody, self,
				memory_order_acquire, memory_order_relaxed))
			goto attached;
	}
	cache = create_cache(registry, depot);
	if (cache == NULL)
		return NULL;
attached:
	thread_slots[registry->serial % THREAD_SLOTS] =
		(struct thread_slot){ .serial = registry->serial, .cache = cache };
	return cache;
}

static void flush(struct cache *cache, struct depot *depot)
{
	if (!cache_enter(cache))
		return; /* a reclaimer is at it, or will find it */
	for (unsigned int i = 0; i < depot->classes; i++)
		magazine_flush(cache, depot, i);
	cache_leave(cache);
}

void thread_flush(struct thread_registry *registry, struct depot *depot)
{
	struct cache *cache = thread_number != 0 ? own_cache(registry) : NULL;
	if (cache != NULL)
		flush(cache, depot);
}

unsigned int thread_section_begin(void)
{
	/* Relaxed: which of the two matters only to how long others wait. */
	unsigned int half = atomic_load_explicit(&thread_period, memory_order_relaxed) & 1;
	atomic_fetch_add_explicit(&thread_sections[half], 1, memory_order_relaxed);
	/* [section] light side: counted before the table is read. */
	fence_light();
	return half;
}

void thread_section_end(unsigned int half)
{
	/* [grace] release: pairs with thread_wait_for_readers(). */
	atomic_fetch_sub_explicit(&thread_sections[half], 1, memory_order_release);
}

void thread_detach_all(void)
{
	memset(thread_slots, 0, sizeof(thread_slots));
	unsigned int half = thread_section_begin();
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		struct magring_pool *pool = pool_published(number);
		struct cache *cache = pool != NULL ? own_cache(&pool->registry) : NULL;
		if (cache == NULL)
			continue;
		flush(cache, &pool->depot);
		for (unsigned int i = 0; i < pool->depot.classes; i++)
			pool_notify_waiters(pool, i);
		/* [owner] release: this thread is done with the cache. */
		atomic_store_explicit(&cache->owner, 0, memory_order_release);
	}
	thread_section_end(half);
}

void thread_wait_for_readers(void)
{
	int cancel_state;
	/* In a child no other thread is left, but perhaps counted. */
	if (thread_forked)
		return;
	/* Cancelled in its sleep it would keep the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	/* [section] heavy side: what was withdrawn before is not found by a section that is not
	 * counted yet. */
	fence_heavy();
	pthread_mutex_lock(&thread_waiting);
	for (int i = 0; i < 2; i++) {
		const struct timespec moment = { .tv_nsec = 100000 };
		unsigned int half = atomic_fetch_add_explicit(&thread_period, 1, memory_order_relaxed) & 1;
		/* [grace] acquire: pairs with thread_section_end(). */
		while (atomic_load_explicit(&thread_sections[half], memory_order_acquire) != 0)
			nanosleep(&moment, NULL);
	}
	pthread_mutex_unlock(&thread_waiting);
	pthread_setcancelstate(cancel_state, NULL);
}

static bool revoke(struct cache *cache, uint64_t self)
{
	uint64_t nobody = 0;
	/* [returned] acquire: the last reclaimer's work on it is over. */
	return atomic_compare_exchange_strong_explicit(&cache->revoked, &nobody, self,
		memory_order_acquire, memory_order_relaxed);
}

/* Empty the classes first to last of what the calling thread has revoked. */
static size_t empty_revoked(struct cache *cache, struct depot *depot, unsigned int first,
	unsigned int last, bool *ret_hidden)
{
	size_t slabs = 0;
	/* [revoked] heavy side: see cache_enter(). */
	fence_heavy();
	for (; cache != NULL; cache = cache->next) {
		/* Relaxed: only this thread stores its own mark. */
		if (atomic_load_explicit(&cache->revoked, memory_order_relaxed) != thread_number)
			continue;
		/* [left] acquire: pairs with cache_leave(). */
		if (atomic_load_explicit(&cache->busy, memory_order_acquire) == 0)
			for (unsigned int i = first; i <= last; i++)
				slabs += magazine_flush(cache, depot, i);
		else
			*ret_hidden = true;
		/* [returned] release: the magazines are gone before the owner may look. */
		atomic_store_explicit(&cache->revoked, 0, memory_order_release);
	}
	return slabs;
}

size_t thread_reclaim(struct thread_registry *registry, struct depot *depot,
	unsigned int class_index, bool *ret_hidden)
{
	uint64_t self = thread_self();
	struct cache *first = thread_first_cache(registry);

	*ret_hidden = false;
	for (struct cache *cache = first; cache != NULL; cache = cache->next)
		if (!revoke(cache, self))
			*ret_hidden = true;
	return empty_revoked(first, depot, class_index, class_index, ret_hidden);
}

/* The owner pays nothing to be told apart: its accounts say whether it was at work. */
static bool is_idle(struct cache *cache, unsigned int classes, int64_t idle_ns, int64_t now_ns)
{
	uint64_t traffic = 0;
	for (unsigned int i = 0; i < classes; i++) {
		struct magazine_counts *counts = &cache->class[i].counts;
		/* Relaxed: each of them only grows, so the sum is the same only if all are. */
		traffic += atomic_load_explicit(&counts->allocated, memory_order_relaxed) +
			atomic_load_explicit(&counts->freed, memory_order_relaxed);
	}
	if (traffic != cache->seen_traffic) {
		cache->seen_traffic = traffic;
		cache->seen_ns = now_ns;
	}
	return now_ns - cache->seen_ns >= idle_ns;
}

size_t thread_empty_idle(struct thread_registry *registry, struct depot *depot, int64_t idle_ns)
{
	uint64_t self = thread_self();
	int64_t now_ns = clock_now();
	struct cache *first = thread_first_cache(registry);
	bool hidden, any = false;
	/* Who is emptying a cache does what is wanted here. */
	for (struct cache *cache = first; cache != NULL; cache = cache->next)
		if (is_idle(cache, depot->classes, idle_ns, now_ns) && revoke(cache, self))
			any = true;
	return any ? empty_revoked(first, depot, 0, depot->classes - 1, &hidden) : 0;
}
