/* SPDX-License-Identifier: MIT */
/*
 * Thread exit, and the exit of the library.
 *
 * A thread that attaches a cache sets the key for thread-specific data once.
 * When it ends, the destructor of the key hands the slabs of its caches to the
 * depots and frees the caches for other threads.
 *
 * A key outlives the library that made it. After dlclose() of a plugin with
 * this library inside, each thread that had set the key would call code that is
 * not there any more. So unloading deletes the key, after which no thread gets
 * a cache.
 *
 * exit() runs the same function, while other threads go on. None of them may
 * set the key once it is deleted: its number may be another library's by then.
 * So a thread sets it in a section:
 *
 *	thread: count; full fence;           unload: usable = false; full fence;
 *	        read usable; set the key             read the counters
 *
 * At least one of the two sees the other. A thread that missed `usable` sets no
 * key. If unload sees a section it leaves the key as it is: the process is at
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

#include "pool/pool.h"

enum { UNWATCHED, WATCHED, ENDING };

static THREAD_LOCAL unsigned char thread_state;
static pthread_key_t thread_key;
static _Atomic(bool) thread_key_usable;

static void at_thread_exit(void *unused)
{
	(void)unused;
	/*
	 * Destructors that run after this one do without a cache. There may be
	 * no further round of destructors to give it back.
	 */
	thread_state = ENDING;
	thread_detach_all();
}

/* Relaxed: see watch() for the order that matters. */
static bool is_key_usable(void)
{
	return atomic_load_explicit(&thread_key_usable, memory_order_relaxed);
}

static __attribute__((constructor)) void thread_exit_init(void)
{
	bool usable = pthread_key_create(&thread_key, at_thread_exit) == 0;
	atomic_store_explicit(&thread_key_usable, usable, memory_order_relaxed);
}

static __attribute__((destructor)) void thread_exit_fini(void)
{
	if (!is_key_usable())
		return;
	atomic_store_explicit(&thread_key_usable, false, memory_order_relaxed);
	/*
	 * [key] acq_rel: a section that is not counted yet finds the key not
	 * usable.
	 */
	fence_full();
	if (!thread_sections_busy())
		pthread_key_delete(thread_key);
}

/* Have at_thread_exit() called for this thread. */
static bool watch(void)
{
	unsigned int half = thread_section_begin();
	/* [key] acq_rel: counted before `usable` is read. */
	fence_full();
	if (is_key_usable() && pthread_setspecific(thread_key, &thread_state) == 0)
		thread_state = WATCHED;
	thread_section_end(half);
	return thread_state == WATCHED;
}

struct cache *thread_attach(struct thread_registry *registry, struct depot *depot)
{
	if (thread_state == ENDING || !is_key_usable())
		return NULL;
	if (thread_state == UNWATCHED && !watch())
		return NULL;
	return thread_adopt_cache(registry, depot);
}

void thread_detach_all(void)
{
	thread_clear_slots();
	unsigned int half = thread_section_begin();
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		struct magring_pool *pool = pool_published(number);
		struct cache *cache = pool != NULL ? thread_find_cache(&pool->registry) : NULL;
		if (cache == NULL)
			continue;
		cache_flush(cache, &pool->depot);
		pool_notify_all_classes(pool);
		thread_release_cache(cache);
	}
	thread_section_end(half);
}

int magring_pool_flush_thread(struct magring_pool *pool)
{
	if (pool == NULL)
		return -EINVAL;
	struct cache *cache = thread_find_cache(&pool->registry);
	if (cache != NULL)
		cache_flush(cache, &pool->depot);
	pool_notify_all_classes(pool);
	return 0;
}
