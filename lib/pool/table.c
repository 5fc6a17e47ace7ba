/* SPDX-License-Identifier: MIT */
/*
 * The table of pools, and grace periods for it.
 *
 * A pool's memory, caches included, must outlive the destructor of a thread
 * that ends beside magring_pool_destroy(). So a thread counts itself while it
 * looks through the table, and destroy waits for a grace period before it
 * unmaps:
 *
 *	section: count; light fence;        destroy: withdraw; heavy fence;
 *	         read the table                      read the counters
 *
 * At least one of the two sees the other. There are two counters, and the wait
 * ends when each was seen at zero. Before it watches one, it directs new
 * sections to the other, so that threads that keep ending do not keep it
 * waiting.
 */
#include "pool/table.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/fence.h"

_Atomic(struct magring_pool *) pools[MAGRING_POOLS_MAX];
static _Atomic(unsigned int) pools_used; /* no higher number was ever given */
static _Atomic(uint64_t) thread_sections[2];
static _Atomic(unsigned int) thread_period; /* lowest bit: which one counts new sections */
static pthread_mutex_t thread_waiting = PTHREAD_MUTEX_INITIALIZER;

unsigned int pool_numbers(void)
{
	/* Relaxed: a thread needs only the pools that it has used itself. */
	return atomic_load_explicit(&pools_used, memory_order_relaxed);
}

bool pool_is_published(const struct magring_pool *pool)
{
	for (unsigned int number = 0; number < pool_numbers(); number++)
		/* Relaxed: the caller has the pool, or no pool. */
		if (atomic_load_explicit(&pools[number], memory_order_relaxed) == pool)
			return true;
	return false;
}

int pool_publish(struct magring_pool *pool, uint16_t *ret_number)
{
	for (unsigned int number = 0; number < MAGRING_POOLS_MAX; number++) {
		struct magring_pool *none = NULL;
		*ret_number = (uint16_t)number;
		/* It counts first: a fork at any moment finds all pools. */
		unsigned int used = pool_numbers();
		while (used <= number &&
			!atomic_compare_exchange_weak_explicit(&pools_used, &used, number + 1,
				memory_order_relaxed, memory_order_relaxed))
			;
		/*
		 * [table] release: the pool is initialised before others find
		 * it.
		 */
		if (atomic_compare_exchange_strong_explicit(&pools[number], &none, pool,
			    memory_order_release, memory_order_relaxed))
			return 0;
	}
	return -EMFILE;
}

void pool_withdraw(unsigned int number)
{
	/* Relaxed: the grace period orders it. */
	atomic_store_explicit(&pools[number], NULL, memory_order_relaxed);
	/* A thread that is ending may be in thread_detach_all(). */
	thread_wait_for_readers();
}

unsigned int thread_section_begin(void)
{
	fence_init(); /* all metrics may be written before the first create */
	/* Relaxed: the choice matters only to how long a destroy waits. */
	unsigned int half = atomic_load_explicit(&thread_period, memory_order_relaxed) & 1;
	atomic_fetch_add_explicit(&thread_sections[half], 1, memory_order_relaxed);
	/* [section] light side: counted before the table is read. */
	fence_light();
	return half;
}

void thread_section_end(unsigned int half)
{
	/* [grace] release: pairs with is_busy(). */
	atomic_fetch_sub_explicit(&thread_sections[half], 1, memory_order_release);
}

static bool is_busy(unsigned int half)
{
	/* [grace] acquire: pairs with thread_section_end(). */
	return atomic_load_explicit(&thread_sections[half], memory_order_acquire) != 0;
}

bool thread_sections_busy(void)
{
	return is_busy(0) || is_busy(1);
}

void thread_wait_for_readers(void)
{
	int cancel_state;
	/* A thread cancelled in its sleep would keep the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	/*
	 * [section] heavy side: a section that is not counted yet sees the
	 * withdrawal.
	 */
	fence_heavy();
	pthread_mutex_lock(&thread_waiting);
	for (int i = 0; i < 2; i++) {
		const struct timespec moment = { .tv_nsec = 100000 };
		unsigned int half =
			1 & atomic_fetch_add_explicit(&thread_period, 1, memory_order_relaxed);
		while (is_busy(half))
			nanosleep(&moment, NULL);
	}
	pthread_mutex_unlock(&thread_waiting);
	pthread_setcancelstate(cancel_state, NULL);
}

void thread_forget_sections(void)
{
	for (int i = 0; i < 2; i++)
		atomic_store_explicit(&thread_sections[i], 0, memory_order_relaxed);
	pthread_mutex_init(&thread_waiting, NULL); /* cannot fail on Linux */
}
