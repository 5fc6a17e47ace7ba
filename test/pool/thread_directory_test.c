/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/thread_directory.c: a thread has one cache in each pool that it
 * uses, however many these are and whichever were before. This program answers
 * calloc() itself.
 */
#include <stdlib.h>

#include "given.h"
#include "pool/pool.h"
#include "pool/thread_exit.h"
#include "tuning.h"

enum { POOLS = 100 };
static struct magring_pool *pool[POOLS];
static bool refuse;
static int callocs;

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes)
{
	callocs++;
	return refuse ? NULL : __real_calloc(count, bytes);
}

static void setup(void)
{
	for (int i = 0; i < POOLS; i++)
		pool[i] = given_pool(6400);
}

static void teardown(void)
{
	for (int i = 0; i < POOLS; i++)
		done_with(pool[i], NULL);
}

TestSuite(directory, .init = setup, .fini = teardown);

static struct cache *cache_of(int i)
{
	return thread_cache_at_hand(&pool[i]->registry);
}

static void use(int i)
{
	struct magring_message message = given_message(pool[i], 64);
	magring_message_free(&message);
}

Test(directory, a_thread_of_few_pools_asks_for_no_memory)
{
	refuse = true;
	for (int i = 0; i < THREAD_SLOTS; i++) {
		cr_assert_null(cache_of(i));
		use(i);
		cr_assert_not_null(cache_of(i));
	}
	assert_same(callocs, 0);
	refuse = false;
}

Test(directory, all_pools_of_a_thread_are_at_hand_at_once)
{
	struct cache *first[POOLS];
	for (int i = 0; i < POOLS; i++) {
		use(i);
		first[i] = cache_of(i);
		cr_assert_not_null(first[i]);
	}
	/* 8, 16, 32, 64 and 128 slots. */
	assert_same(callocs, 5);
	for (int i = 0; i < POOLS; i++) {
		use(i);
		cr_assert_eq(cache_of(i), first[i]);
		assert_same(stats_of_pool(pool[i]).threads, 1);
		for (int j = 0; j < i; j++)
			cr_assert_neq(first[i], first[j]);
	}
}

Test(directory, a_high_number_comes_first)
{
	use(POOLS - 1);
	assert_same(callocs, 1);
	for (int i = 0; i < POOLS; i++)
		use(i);
	assert_same(callocs, 1);
	for (int i = 0; i < POOLS; i++)
		assert_same(stats_of_pool(pool[i]).threads, 1);
}

Test(directory, a_pool_beyond_a_directory_that_cannot_grow_is_used_without_a_cache)
{
	for (int i = 0; i < THREAD_SLOTS; i++)
		use(i);
	refuse = true;
	use(50);
	cr_assert_null(cache_of(50));
	assert_same(stats_of_pool(pool[50]).threads, 0);
	assert_same(stats_of_pool(pool[50]).freed, 1);
	for (int i = 0; i < THREAD_SLOTS; i++)
		cr_assert_not_null(cache_of(i));
	refuse = false;
	use(50);
	cr_assert_not_null(cache_of(50));
	assert_same(stats_of_pool(pool[50]).allocated, 2);
}

Test(directory, a_slot_of_a_destroyed_pool_matches_none_that_gets_its_number)
{
	for (int i = 0; i < POOLS; i++)
		use(i);
	for (int lap = 0; lap < 3; lap++) {
		for (int i = lap; i < POOLS; i += 3)
			done_with(pool[i], NULL);
		for (int i = lap; i < POOLS; i += 3) {
			pool[i] = given_pool(6400);
			cr_assert_lt(pool[i]->number, POOLS);
			cr_assert_null(cache_of(i));
			use(i);
			assert_same(stats_of_pool(pool[i]).allocated, 1);
		}
		for (int i = 0; i < POOLS; i++)
			assert_same(stats_of_pool(pool[i]).threads, 1);
	}
}

static void *use_all(void *unused)
{
	for (int i = 0; i < POOLS; i++) {
		struct magring_message message;
		if (magring_message_alloc(pool[i], &message, NULL, 0, 64, 0) == 0)
			magring_message_free(&message);
	}
	return unused;
}

Test(directory, a_thread_that_ends_gives_back_all_its_caches)
{
	for (int lap = 0; lap < 3; lap++)
		joined(given_thread(use_all, NULL));
	for (int i = 0; i < POOLS; i++) {
		assert_same(stats_of_pool(pool[i]).threads, 0);
		assert_same(stats_of_pool(pool[i]).freed, 3);
	}
}

static pthread_barrier_t barrier;

static void *use_all_and_wait(void *unused)
{
	use_all(unused);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return unused;
}

Test(directory, a_thread_that_ends_leaves_pools_alone_that_it_has_not_used)
{
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_t thread = given_thread(use_all_and_wait, NULL);
	pthread_barrier_wait(&barrier);
	/* Others have the numbers when it ends. */
	for (int i = 0; i < POOLS; i++) {
		done_with(pool[i], NULL);
		pool[i] = given_pool(6400);
	}
	for (int i = 0; i < POOLS; i++)
		use(i);
	pthread_barrier_wait(&barrier);
	joined(thread);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < POOLS; i++)
		assert_same(stats_of_pool(pool[i]).threads, 1);
}
