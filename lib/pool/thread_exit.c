/* SPDX-License-Identifier: MIT */
/*
 * Thread exit, and the exit of the library.
 *
 * A thread that attaches a cache sets the key for thread-specific data once.
 * When it ends, the destructor of the key gives all caches in its directory
 * back: see past_caches.c. A pool that was destroyed meanwhile is not in the
 * table any more, or another pool has its number.
 *
 * A key outlives the library that made it. After dlclose() of a plugin with
 * this library inside, each thread that had set the key would call code that is
 * not there any more. So unloading deletes the key, after which no thread gets
 * a cache.
 *
 * exit() runs the same function, while other threads go on. None of them may
 * set the key once it is deleted: its number may be another library's by then.
 * So a thread is counted while it sets it:
 *
 *	thread: count; full fence;           unload: usable = false; full fence;
 *	        read usable; set the key             read the count
 *
 * At least one of the two sees the other. A thread that finds the key not
 * usable sets none. If unload sees a thread that is counted, or one in a
 * section of the table, it leaves the key as it is: the process is at
 * exit(), since dlclose() needs that no thread is in the library, and the code
 * stays. Nothing waits, so a stopped thread keeps no process from its exit. And
 * no membarrier() is needed, which a seccomp filter may have forbidden.
 *
 * Beyond that, threads use the caches that they have. A thread that ends after
 * the key is deleted leaves its caches attached, and a reclaimer finds what
 * they hold.
 */
#include "pool/thread_exit.h"

#include <errno.h>
#include <pthread.h>

#include "base/realign.h"
#include "pool/past_caches.h"

enum { UNWATCHED, WATCHED, ENDING };

static THREAD_LOCAL unsigned char thread_state;
static pthread_key_t thread_key;
static _Atomic(bool) thread_key_usable;
static _Atomic(unsigned int) thread_watching; /* threads that are in watch() */

static REALIGN_STACK void at_thread_exit(void *unused)
{
	(void)unused;
	/*
	 * Destructors that run after this one do without a cache. There may be
	 * no further round of destructors to give it back.
	 */
	thread_state = ENDING;
	thread_detach_all();
}

static bool is_key_usable(void)
{
	/* [key] acquire: pairs with thread_exit_init(). The key is there. */
	return atomic_load_explicit(&thread_key_usable, memory_order_acquire);
}

static __attribute__((constructor)) void thread_exit_init(void)
{
	bool usable = pthread_key_create(&thread_key, at_thread_exit) == 0;
	/* [key] release: the key is there before it is usable. */
	atomic_store_explicit(&thread_key_usable, usable, memory_order_release);
}

static __attribute__((destructor)) void thread_exit_fini(void)
{
	if (!is_key_usable())
		return;
	atomic_store_explicit(&thread_key_usable, false, memory_order_relaxed);
	/*
	 * [key] acq_rel, by a full fence: a thread that is not counted yet
	 * finds the key not usable.
	 */
	fence_full();
	/* [key] acquire: pairs with watch(). The key is set before. */
	if (atomic_load_explicit(&thread_watching, memory_order_acquire) == 0 &&
		!thread_sections_busy())
		pthread_key_delete(thread_key);
}

/* Have at_thread_exit() called for this thread. */
static bool watch(void)
{
	atomic_fetch_add_explicit(&thread_watching, 1, memory_order_relaxed);
	/* [key] acq_rel, by a full fence: counted before `usable` is read. */
	fence_full();
	if (is_key_usable() && pthread_setspecific(thread_key, &thread_state) == 0)
		thread_state = WATCHED;
	/* [key] release: the key is set before the count goes down. */
	atomic_fetch_sub_explicit(&thread_watching, 1, memory_order_release);
	return thread_state == WATCHED;
}

void thread_forget_watching(void)
{
	atomic_store_explicit(&thread_watching, 0, memory_order_relaxed);
}

struct cache *thread_attach(struct thread_registry *registry)
{
	if (thread_state == ENDING || !is_key_usable())
		return NULL;
	if (thread_state == UNWATCHED && !watch())
		return NULL;
	if (!thread_directory_reach(registry->key))
		return NULL;
	struct cache *cache = thread_take_cache(registry);
	if (cache != NULL)
		thread_directory_set(registry->key, cache);
	return cache;
}

/* The caller is in a section, so the pool stays if it is there. */
static void detach(struct thread_slot *slot)
{
	uint64_t key = slot->key;
	struct magring_pool *pool = pool_published(pool_key_number(key));
	/* The thread has no cache at hand while others may have it. */
	slot->key = 0;
	if (pool == NULL || !pool_key_has(key, pool->registry.serial))
		return; /* it was destroyed, and the cache with it */
	pool_end_cache(pool, slot->cache);
}

void thread_detach_all(void)
{
	unsigned int half = thread_section_begin();
	for (size_t i = 0; i < thread_slots(); i++)
		if (thread_directory.slots[i].key != 0)
			detach(&thread_directory.slots[i]);
	thread_section_end(half);
	thread_directory_clear();
}

int magring_pool_flush_thread(struct magring_pool *pool)
{
	if (pool == NULL)
		return -EINVAL;
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	if (cache != NULL)
		cache_flush(cache, &pool->depot);
	pool_notify_all_classes(pool);
	return 0;
}
