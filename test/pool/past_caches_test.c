/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/past_caches.c and accounts.c: threads that were there leave their
 * counts to the pool, and nothing else.
 */
#include "given.h"
#include "pool/counts.h"
#include "pool/thread_exit.h"

static struct magring_pool *pool;

static void setup(void)
{
	pool = given_pool((size_t)16 << 20);
}

static void teardown(void)
{
	done_with(pool, NULL);
}

TestSuite(past, .init = setup, .fini = teardown);

enum { THREADS = 150, LAPS = 10, EACH = 3 };
static pthread_barrier_t barrier;
static _Atomic(size_t) failed;
static _Atomic(bool) over;

static void *use(void *argument)
{
	struct magring_message message;
	for (int i = 0; i < EACH; i++)
		if (magring_message_alloc(pool, &message, NULL, 0, 1000, -1) == 0)
			magring_message_free(&message);
		else
			failed++;
	if (argument != NULL)
		pthread_barrier_wait(&barrier);
	return NULL;
}

static void run_together(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		threads[i] = given_thread(use, &barrier);
	for (int i = 0; i < THREADS; i++)
		joined(threads[i]);
	pthread_barrier_destroy(&barrier);
}

/* Records that a walk visits. */
static size_t used(void)
{
	size_t count = 0;
	for (unsigned int i = 0; thread_next_cache(&pool->registry, &i) != NULL;)
		count++;
	return count;
}

Test(past, threads_are_in_the_counts_and_not_in_walks)
{
	for (int lap = 1; lap <= LAPS; lap++) {
		run_together();
		/* Some of these may be left to the next that ends. */
		joined(given_thread(use, NULL));
		struct magring_pool_stats stats = stats_of_pool(pool);
		assert_same(stats.threads, 0);
		assert_same(stats.allocated, lap * (THREADS + 1) * EACH);
		assert_same(stats.freed, stats.allocated);
		assert_same(used(), 0);
	}
	assert_same(failed, 0);
}

Test(past, threads_in_turn_use_one_record)
{
	joined(given_thread(use, NULL));
	uint64_t bytes = stats_of_pool(pool).memory_bytes;
	for (int i = 0; i < 2000; i++)
		joined(given_thread(use, NULL));
	assert_same(stats_of_pool(pool).memory_bytes, bytes);
	assert_same(atomic_load(&pool->registry.bytes), pool->registry.cache_size);
	assert_same(stats_of_pool(pool).allocated, 2001 * EACH);
	assert_same(failed, 0);
}

Test(past, a_trim_gives_the_memory_of_past_threads_back)
{
	size_t bytes;
	run_together();
	cr_assert_geq(atomic_load(&pool->registry.bytes), THREADS * pool->registry.cache_size);
	uint64_t before = stats_of_pool(pool).memory_bytes;
	cr_assert_eq(magring_pool_trim(pool, 0, &bytes), 0);
	if (sysconf(_SC_PAGESIZE) == (long)REGION_PAGE) {
		assert_same(atomic_load(&pool->registry.bytes), 0);
		cr_assert_geq(bytes, THREADS * pool->registry.cache_size);
		assert_same(stats_of_pool(pool).memory_bytes, before - bytes);
		assert_same(stats_of_pool(pool).memory_bytes_high, before);
	}
	/* And others can have them. */
	run_together();
	assert_same(stats_of_pool(pool).allocated, 2 * THREADS * EACH);
	assert_same(failed, 0);
}

Test(past, a_trim_leaves_caches_that_threads_have)
{
	struct magring_message message = given_message(pool, 1000);
	size_t bytes;
	magring_message_free(&message);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	cr_assert_eq(magring_pool_trim(pool, 0, &bytes), 0);
	cr_assert_eq(thread_cache_at_hand(&pool->registry), cache);
	assert_same(atomic_load(&pool->registry.bytes), pool->registry.cache_size);
	assert_same(stats_of_pool(pool).allocated, 1);
}

static void *come_and_go(void *unused)
{
	while (!atomic_load(&over)) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, use, NULL) != 0)
			failed++;
		else
			pthread_join(thread, NULL);
	}
	return unused;
}

Test(past, counts_never_fall_as_threads_end)
{
	pthread_t threads[3];
	uint64_t allocated = 0, freed = 0;
	for (int i = 0; i < 3; i++)
		threads[i] = given_thread(come_and_go, NULL);
	for (int64_t end = now_ns() + 300000000; now_ns() < end;) {
		struct magring_class_stats stats = stats_of_class(pool, slab_class(1000));
		cr_assert_geq(stats.allocated, allocated);
		cr_assert_geq(stats.freed, freed);
		cr_assert_leq(stats.freed, stats.allocated);
		allocated = stats.allocated;
		freed = stats.freed;
	}
	atomic_store(&over, true);
	for (int i = 0; i < 3; i++)
		joined(threads[i]);
	assert_same(stats_of_pool(pool).allocated % EACH, 0);
	assert_same(failed, 0);
}

Test(past, a_reader_of_sums_that_stops_keeps_no_thread_from_its_end)
{
	accounts_open(&pool->accounts);
	joined(given_thread(use, NULL));
	assert_same(used(), 1);
	assert_same(stats_of_pool(pool).allocated, EACH);
	assert_same(stats_of_pool(pool).threads, 0);
	accounts_close(&pool->accounts);
	/* The next one takes its record, and leaves both. */
	joined(given_thread(use, NULL));
	assert_same(used(), 0);
	assert_same(stats_of_pool(pool).allocated, 2 * EACH);
}

Test(past, a_thread_that_stops_as_it_ends_keeps_no_reader)
{
	struct magazine_counts *counts;
	struct magring_message message = given_message(pool, 1000);
	unsigned int class_index = slab_class(1000);
	magring_message_free(&message);
	counts = &thread_cache_at_hand(&pool->registry)->class[class_index].counts;
	/* As accounts.c has it in the middle, before and after what it stores. */
	pool->accounts.spare = *counts;
	atomic_store(&pool->accounts.from, counts);
	atomic_store(&pool->accounts.step, 128 + class_index + 1);
	assert_same(stats_of_pool(pool).allocated, 1);
	pool->accounts.past[class_index] = *counts;
	assert_same(stats_of_pool(pool).allocated, 1);
	memset(counts, 0, sizeof(*counts));
	assert_same(stats_of_pool(pool).allocated, 1);
	/* What the child of a fork makes of it. */
	pool->accounts.past[class_index] = (struct magazine_counts){ 0 };
	accounts_inherit(&pool->accounts);
	assert_same(stats_of_pool(pool).allocated, 1);
	assert_same(atomic_load(&pool->accounts.past[class_index].allocated), 1);
}
