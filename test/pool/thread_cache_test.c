/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/thread_cache.c: caches attached at first use, returned at exit,
 * revoked when idle.
 */
#include <stdlib.h>

#include "base/thread_id.h"
#include "given.h"
#include "pool/alloc.h"
#include "pool/pool.h"
#include "pool/reclaim.h"
#include "pool/thread_exit.h"

static struct magring_pool *pool;

/* 100 slabs of 64 bytes. */
static void setup(void)
{
	pool = given_pool(6400);
}

static void teardown(void)
{
	done_with(pool, NULL);
}

TestSuite(thread, .init = setup, .fini = teardown);

/* Returns how many of 100 slabs could be had. */
static size_t use_all(void)
{
	struct magring_message messages[100];
	size_t got = 0;
	while (got < 100 && magring_message_alloc(pool, &messages[got], NULL, 0, 64, 0) == 0)
		got++;
	for (size_t i = 0; i < got; i++)
		magring_message_free(&messages[i]);
	return got;
}

static size_t caches(void)
{
	size_t count = 0;
	for (unsigned int i = 0; thread_next_cache(&pool->registry, &i) != NULL;)
		count++;
	return count;
}

/* No cache is attached or holds anything, and all 100 can be had. */
static void check_returned(void)
{
	struct cache *cache;
	for (unsigned int i = 0; (cache = thread_next_cache(&pool->registry, &i)) != NULL;) {
		assert_same(cache->class[0].loaded_rounds + cache->class[0].previous_rounds, 0);
		cr_assert_leq(cache->class[0].hot, HOT_NONE);
	}
	assert_same(stats_of_pool(pool).threads, 0);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	assert_same(use_all(), 100);
	assert_same(stats_of_pool(pool).reclaimed, 0);
}

static void *tell_number(void *number)
{
	*(uint64_t *)number = thread_self();
	return NULL;
}

Test(thread, every_one_has_a_number_of_its_own)
{
	uint64_t numbers[20];
	for (int i = 0; i < 20; i++) {
		joined(given_thread(tell_number, &numbers[i]));
		cr_assert_neq(numbers[i], 0);
		cr_assert_neq(numbers[i], thread_self());
		for (int j = 0; j < i; j++)
			cr_assert_neq(numbers[i], numbers[j]);
	}
	assert_same(thread_self(), thread_self());
}

Test(thread, has_no_cache_before_its_first_use_of_a_pool_and_one_after)
{
	assert_same(caches(), 0);
	cr_assert_null(thread_cache_at_hand(&pool->registry));
	struct magring_message inline_message = given_message(pool, 48);
	assert_same(caches(), 0);
	magring_message_free(&inline_message);
	struct magring_message message = given_message(pool, 64);
	assert_same(caches(), 1);
	cr_assert_not_null(thread_cache_at_hand(&pool->registry));
	cr_assert_eq(thread_cache(&pool->registry), thread_cache_at_hand(&pool->registry));
	magring_message_free(&message);
	assert_same(caches(), 1);
	assert_same(stats_of_pool(pool).threads, 1);
}

static void *use_and_return(void *got)
{
	*(size_t *)got = use_all();
	return NULL;
}

Test(thread, returns_its_cache_when_it_returns)
{
	size_t got = 0;
	joined(given_thread(use_and_return, &got));
	assert_same(got, 100);
	check_returned();
}

static void *use_and_exit(void *got)
{
	*(size_t *)got = use_all();
	pthread_exit(got);
}

Test(thread, returns_its_cache_when_it_exits)
{
	size_t got = 0;
	cr_assert_eq(joined(given_thread(use_and_exit, &got)), &got);
	assert_same(got, 100);
	check_returned();
}

static void *use_and_be_cancelled(void *got)
{
	*(_Atomic(size_t) *)got = use_all();
	while (pause() == -1)
		;
	return NULL;
}

Test(thread, returns_its_cache_when_it_is_cancelled)
{
	_Atomic(size_t) got = 0;
	pthread_t thread = given_thread(use_and_be_cancelled, &got);
	assert_eventually(atomic_load(&got) != 0);
	assert_same(got, 100);
	cr_assert_eq(pthread_cancel(thread), 0);
	cr_assert_eq(joined(thread), PTHREAD_CANCELED);
	check_returned();
}

static pthread_key_t late_key;
static size_t late_got;

static void use_late(void *unused)
{
	(void)unused;
	late_got = use_all();
}

static void *use_and_leave_a_destructor(void *got)
{
	*(size_t *)got = use_all();
	pthread_setspecific(late_key, got);
	return NULL;
}

Test(thread, may_use_the_pool_in_a_later_destructor_and_returns_its_cache_again)
{
	size_t got = 0;
	/* Created after the library's key, so run after it. */
	cr_assert_eq(pthread_key_create(&late_key, use_late), 0);
	joined(given_thread(use_and_leave_a_destructor, &got));
	assert_same(got, 100);
	assert_same(late_got, 100);
	check_returned();
	pthread_key_delete(late_key);
}

Test(thread, takes_over_the_cache_of_one_that_ended)
{
	for (int i = 0; i < 300; i++) {
		size_t got = 0;
		joined(given_thread(use_and_return, &got));
		assert_same(got, 100);
	}
	assert_same(caches(), 0);
	assert_same(atomic_load(&pool->registry.bytes), pool->registry.cache_size);
	assert_same(stats_of_pool(pool).allocated, 300 * 100);
}

struct crowd {
	pthread_barrier_t barrier;
	_Atomic(size_t) failed;
};

static void *use_together(void *argument)
{
	struct crowd *crowd = argument;
	struct magring_message message;
	pthread_barrier_wait(&crowd->barrier);
	int rc = magring_message_alloc(pool, &message, NULL, 0, 64, 0);
	if (rc != 0)
		atomic_fetch_add(&crowd->failed, 1);
	pthread_barrier_wait(&crowd->barrier);
	if (rc == 0)
		magring_message_free(&message);
	pthread_barrier_wait(&crowd->barrier);
	return NULL;
}

Test(thread, there_are_as_many_caches_as_threads_at_the_same_time)
{
	enum { THREADS = 8 };
	for (int lap = 0; lap < 3; lap++) {
		struct crowd crowd = { .failed = 0 };
		pthread_t threads[THREADS];
		pthread_barrier_init(&crowd.barrier, NULL, THREADS + 1);
		for (int i = 0; i < THREADS; i++)
			threads[i] = given_thread(use_together, &crowd);
		pthread_barrier_wait(&crowd.barrier);
		pthread_barrier_wait(&crowd.barrier);
		assert_same(stats_of_pool(pool).threads, THREADS);
		pthread_barrier_wait(&crowd.barrier);
		for (int i = 0; i < THREADS; i++)
			joined(threads[i]);
		pthread_barrier_destroy(&crowd.barrier);
		assert_same(atomic_load(&crowd.failed), 0);
		/* None is left to walk over, and none was made twice. */
		assert_same(caches(), 0);
		assert_same(atomic_load(&pool->registry.bytes),
			THREADS * pool->registry.cache_size);
	}
	assert_same(stats_of_pool(pool).threads, 0);
}

struct throng {
	_Atomic(size_t) served, failed;
	_Atomic(bool) over;
};

static void *use_and_stay(void *argument)
{
	struct throng *throng = argument;
	struct magring_message message;
	int rc = magring_message_alloc(pool, &message, NULL, 0, 64, 0);
	if (rc == 0)
		magring_message_free(&message);
	atomic_fetch_add(rc == 0 ? &throng->served : &throng->failed, 1);
	/* Seldom: thousands of threads that wake up often leave no time for others. */
	while (!atomic_load(&throng->over))
		usleep(500000);
	return NULL;
}

Test(thread, that_comes_when_there_is_no_room_for_a_cache_is_served_without)
{
	enum { ROOM = 100, MOST = ROOM + 50 };
	pthread_t threads[MOST];
	struct throng throng = { .over = false };
	pthread_attr_t small;
	size_t count = 0;
	done_with(pool, NULL);
	/* So much that each thread can cache a magazine. */
	pool = given_pool((size_t)16 << 20);
	pool->registry.most = ROOM;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, (size_t)128 << 10);
	while (count < MOST && pthread_create(&threads[count], &small, use_and_stay, &throng) == 0)
		count++;
	assert_eventually(atomic_load(&throng.served) + atomic_load(&throng.failed) == count);
	uint64_t attached = stats_of_pool(pool).threads;
	atomic_store(&throng.over, true);
	for (size_t i = 0; i < count; i++)
		joined(threads[i]);
	pthread_attr_destroy(&small);
	assert_same(throng.failed, 0);
	assert_same(stats_of_pool(pool).threads, 0);
	assert_same(count, MOST);
	assert_same(attached, ROOM);
}

/* ----------------------------------------------------------- reclaiming -- */

static _Atomic(bool) met_another; /* reclaimer, the last time */

static size_t reclaim(unsigned int class_index)
{
	bool others;
	size_t slabs = thread_reclaim(&pool->registry, &pool->depot, class_index, &others);
	atomic_store(&met_another, others);
	return slabs;
}

Test(thread, a_reclaimer_empties_an_idle_cache_and_lets_it_go)
{
	assert_same(use_all(), 100);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	/* All of them are back in the two magazines. */
	assert_same(reclaim(0), 100);
	cr_assert_not(atomic_load(&met_another));
	assert_same(atomic_load(&cache->revoked), 0);
	assert_same(cache->class[0].loaded_capacity + cache->class[0].previous_capacity, 0);
	assert_same(reclaim(0), 0);
	assert_same(use_all(), 100);
}

Test(thread, a_reclaimer_takes_only_the_class_it_needs)
{
	struct magring_message small = given_message(pool, 64);
	void *slab = magring_message_payload(&small, NULL);
	magring_message_free(&small);
	uint32_t loaded = thread_cache_at_hand(&pool->registry)->class[0].loaded_rounds;
	cr_assert_gt(loaded, 0);
	uint64_t hot = thread_cache_at_hand(&pool->registry)->class[0].hot;
	assert_same(hot, fence_asymmetric ? (uintptr_t)slab : HOT_NONE);
	assert_same(reclaim(1), 0);
	assert_same(thread_cache_at_hand(&pool->registry)->class[0].hot, hot);
	assert_same(thread_cache_at_hand(&pool->registry)->class[0].loaded_rounds, loaded);
}

/*
 * One that is freed is the next that is allocated, whichever path asks. Without
 * asymmetric fences a free has another path, which leaves no slab hot.
 */
Test(thread, a_hot_slab_comes_first)
{
	if (!fence_asymmetric)
		return;
	struct magring_message first = given_message(pool, 64), second = given_message(pool, 64);
	void *slab = magring_message_payload(&first, NULL);
	struct magazine_pair *pair = &thread_cache_at_hand(&pool->registry)->class[0];
	assert_same(pair->hot, HOT_NONE);
	magring_message_free(&first);
	assert_same(pair->hot, (uintptr_t)slab);
	uint32_t loaded = pair->loaded_rounds;
	magring_message_free(&second);
	assert_same(pair->hot, (uintptr_t)slab);
	assert_same(pair->loaded_rounds, loaded + 1);
	first = given_message(pool, 64);
	cr_assert_eq(magring_message_payload(&first, NULL), slab);
	assert_same(pair->hot, HOT_NONE);
	magring_message_free(&first);
	unsigned int class_index = 0;
	bool hidden;
	cr_assert_eq(pool_alloc_slowly(pool, &class_index, 64, &hidden), slab);
	assert_same(pair->hot, HOT_NONE);
	pool_free_slowly(pool, 0, 64, slab);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	assert_same(use_all(), 100);
}

Test(thread, a_reclaimer_leaves_a_busy_cache_alone)
{
	assert_same(use_all(), 100);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	cr_assert(cache_enter(cache));
	assert_same(atomic_load(&cache->busy), 1);
	assert_same(reclaim(0), 0);
	assert_same(atomic_load(&cache->revoked), 0);
	/* One of them is hot. */
	uint32_t hot = cache->class[0].hot > HOT_NONE;
	assert_same(hot, fence_asymmetric);
	assert_same(hot + cache->class[0].loaded_rounds + cache->class[0].previous_rounds, 100);
	cache_leave(cache);
	assert_same(atomic_load(&cache->busy), 0);
	assert_same(reclaim(0), 100);
}

static void *count_what_can_be_had(void *got)
{
	*(size_t *)got = use_all();
	return NULL;
}

Test(thread, only_the_cache_of_one_stopped_at_work_stays_out_of_reach)
{
	size_t got = 99;
	assert_same(use_all(), 100);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	cr_assert(cache_enter(cache));
	joined(given_thread(count_what_can_be_had, &got));
	assert_same(got, 0);
	assert_same(stats_of_pool(pool).exhausted, 1);
	cache_leave(cache);
	joined(given_thread(count_what_can_be_had, &got));
	assert_same(got, 100);
}

Test(thread, an_owner_does_not_enter_a_revoked_cache_but_is_served)
{
	struct magring_message message = given_message(pool, 64), other = { 0 };
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	uint32_t loaded = cache->class[0].loaded_rounds;
	atomic_store(&cache->revoked, UINT64_MAX); /* a reclaimer, stopped in the middle */
	cr_assert_not(cache_enter(cache));
	assert_same(atomic_load(&cache->busy), 0);
	/* The depot has some, or the budget. */
	cr_assert_eq(magring_message_alloc(pool, &other, NULL, 0, 64, 0), 0);
	magring_message_free(&message);
	magring_message_free(&other);
	assert_same(cache->class[0].loaded_rounds, loaded);
	cr_assert_eq(magring_pool_flush_thread(pool), 0);
	assert_same(cache->class[0].loaded_rounds, loaded);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	/* A second reclaimer leaves it to the first, and says so. */
	assert_same(reclaim(0), 0);
	cr_assert(atomic_load(&met_another));
	assert_same(cache->class[0].loaded_rounds, loaded);
	atomic_store(&cache->revoked, 0);
	cr_assert(cache_enter(cache));
	cache_leave(cache);
	assert_same(use_all(), 100);
}

struct poacher {
	_Atomic(bool) stop;
	size_t turns;
};

static void *reclaim_all_the_time(void *argument)
{
	struct poacher *poacher = argument;
	while (!atomic_load(&poacher->stop)) {
		reclaim(0);
		poacher->turns++;
	}
	return NULL;
}

Test(thread, no_slab_is_lost_or_doubled_when_caches_are_reclaimed_beside_their_owners)
{
	struct poacher poacher = { .turns = 0 };
	pthread_t thread = given_thread(reclaim_all_the_time, &poacher);
	struct magring_message messages[50];
	int64_t end = now_ns() + 300000000;
	for (unsigned char mark = 0; now_ns() < end; mark++) {
		for (int i = 0; i < 50; i++) {
			/*
			 * Half the budget: enough whatever the reclaimer holds,
			 * or it has to come back once it is done.
			 */
			while (magring_message_alloc(pool, &messages[i], NULL, 0, 64, 0) != 0)
				cr_assert(now_ns() < end + 30000000000);
			memset(magring_message_payload(&messages[i], NULL), mark ^ i, 64);
		}
		for (int i = 0; i < 50; i++) {
			const unsigned char *bytes = magring_message_payload(&messages[i], NULL);
			assert_same(bytes[0], (mark ^ i) & 0xff);
			assert_same(bytes[63], (mark ^ i) & 0xff);
			magring_message_free(&messages[i]);
		}
	}
	atomic_store(&poacher.stop, true);
	joined(thread);
	cr_assert_gt(poacher.turns, 0);
	assert_same(use_all(), 100);
}
