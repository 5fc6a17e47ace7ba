/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/alloc.c, counts.c and table.c: the budget, its accounts, and a
 * pool's life.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "given.h"
#include "pool/pool.h"

/* ------------------------------------------------------- create, destroy -- */

Test(pool, without_options_has_the_documented_defaults)
{
	struct magring_pool *pool;
	cr_assert_eq(magring_pool_create(&pool, NULL), 0);
	assert_same(stats_of_pool(pool).memory_limit, 256 << 20);
	struct magring_message message = given_message(pool, (size_t)1 << 20);
	magring_message_free(&message);
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 0, ((size_t)1 << 20) + 1, 0),
		-EMSGSIZE);
	done_with(pool, NULL);
}

Test(pool, zero_in_an_option_means_the_default)
{
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = sizeof(options) };
	cr_assert_eq(magring_pool_create(&pool, &options), 0);
	assert_same(stats_of_pool(pool).memory_limit, 256 << 20);
	struct magring_message message = given_message(pool, (size_t)1 << 20);
	magring_message_free(&message);
	done_with(pool, NULL);
}

static void check_refused(struct magring_pool_options options, int wanted)
{
	struct magring_pool *untouched = (struct magring_pool *)(void *)&options, *pool = untouched;
	assert_same(magring_pool_create(&pool, &options), wanted);
	cr_assert_eq(pool, untouched);
}

Test(pool, options_of_a_size_that_is_not_known_are_refused)
{
	size_t size = sizeof(struct magring_pool_options);
	check_refused((struct magring_pool_options){ .size = 0 }, -EINVAL);
	check_refused((struct magring_pool_options){ .size = size - 1 }, -EINVAL);
	check_refused((struct magring_pool_options){ .size = size + 1 }, -E2BIG);
	check_refused((struct magring_pool_options){ .size = SIZE_MAX }, -E2BIG);
}

Test(pool, limits_out_of_range_are_refused)
{
	size_t size = sizeof(struct magring_pool_options);
	cr_assert_eq(magring_pool_create(NULL, NULL), -EINVAL);
	check_refused((struct magring_pool_options){ .size = size, .memory_limit = 63 }, -EINVAL);
	check_refused((struct magring_pool_options){ .size = size,
			      .memory_limit = MAGRING_MEMORY_MAX + 1 },
		-EINVAL);
	check_refused((struct magring_pool_options){ .size = size, .memory_limit = SIZE_MAX },
		-EINVAL);
	check_refused((struct magring_pool_options){ .size = size,
			      .max_payload = MAGRING_PAYLOAD_MAX + 1 },
		-EINVAL);
	check_refused((struct magring_pool_options){ .size = size, .max_payload = SIZE_MAX },
		-EINVAL);
}

Test(pool, a_payload_that_the_budget_cannot_hold_once_is_refused)
{
	size_t size = sizeof(struct magring_pool_options);
	/* 1000 bytes take a slab of 1024. */
	check_refused((struct magring_pool_options){ .size = size,
			      .memory_limit = 1023,
			      .max_payload = 1000 },
		-EINVAL);
	check_refused((struct magring_pool_options){ .size = size,
			      .memory_limit = 1024,
			      .max_payload = 1025 },
		-EINVAL);
	check_refused((struct magring_pool_options){ .size = size,
			      .memory_limit = 64,
			      .max_payload = 65 },
		-EINVAL);
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = size,
		.memory_limit = 1024,
		.max_payload = 1000 };
	cr_assert_eq(magring_pool_create(&pool, &options), 0);
	struct magring_message message = given_message(pool, 1000);
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(pool, the_default_payload_is_what_a_small_budget_holds_once)
{
	/* The largest slab within 1000 bytes has 896, within 64 it has 64. */
	static const size_t limits[][2] = { { 1000, 896 }, { 64, 64 }, { 127, 64 }, { 1024, 1024 },
		{ 1048575, 917504 }, { 1048576, 1048576 }, { 4 << 20, 1048576 } };
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct magring_pool *pool = given_pool(limits[i][0]);
		struct magring_message message = given_message(pool, limits[i][1]);
		struct magring_message more;
		assert_same(magring_message_alloc(pool, &more, NULL, 0, limits[i][1] + 1, 0),
			-EMSGSIZE);
		magring_message_free(&message);
		done_with(pool, NULL);
	}
}

Test(pool, the_largest_limits_work)
{
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = MAGRING_MEMORY_MAX,
		.max_payload = MAGRING_PAYLOAD_MAX };
	struct magring_message message = { 0 };
	char id[MAGRING_ID_MAX] = "";
	size_t size;
	cr_assert_eq(magring_pool_create(&pool, &options), 0);
	assert_same(stats_of_pool(pool).memory_limit, (long long)1 << 38);
	/* Only the pages that are touched cost memory. */
	cr_assert_eq(magring_message_alloc(pool, &message, id, sizeof(id), MAGRING_PAYLOAD_MAX, 0),
		0);
	unsigned char *payload = magring_message_payload(&message, &size);
	assert_same(size, 1 << 30);
	payload[0] = payload[size - 1] = 1;
	assert_same(stats_of_pool(pool).slab_bytes_in_use, (1 << 30) + (1 << 28));
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(pool, destroying_none_is_refused)
{
	cr_assert_eq(magring_pool_destroy(NULL), -EINVAL);
}

Test(pool, is_busy_while_a_message_is_out)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20);
	struct magring_message a = given_message(pool, 100), b = given_message(pool, 5000);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	assert_same(stats_of_pool(pool).slabs_in_use, 2);
	magring_message_free(&a);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	assert_same(stats_of_pool(pool).slabs_in_use, 1);
	magring_message_free(&b);
	cr_assert_eq(magring_pool_destroy(pool), 0);
}

Test(pool, is_busy_while_a_queue_lives)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20);
	struct magring_queue *a = given_queue(pool, 2), *b = given_queue(pool, 2);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	assert_same(stats_of_pool(pool).queues, 2);
	cr_assert_eq(magring_queue_release(a), 0);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	assert_same(stats_of_pool(pool).queues, 1);
	cr_assert_eq(magring_queue_release(b), 0);
	assert_same(stats_of_pool(pool).queues, 0);
	cr_assert_eq(magring_pool_destroy(pool), 0);
}

Test(pool, is_busy_while_its_message_is_in_another_pools_queue)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20),
			    *other = given_pool((size_t)1 << 20);
	struct magring_queue *queue = given_queue(other, 2);
	struct magring_message message = given_message(pool, 100);
	cr_assert_eq(magring_send(queue, &message, 0), 0);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	cr_assert_eq(magring_queue_release(queue), 0);
	cr_assert_eq(magring_pool_destroy(pool), 0);
	done_with(other, NULL);
}

Test(pool, works_on_after_it_was_busy)
{
	struct magring_pool *pool = given_pool(64 * 3);
	struct magring_message message = given_message(pool, 64);
	cr_assert_eq(magring_pool_destroy(pool), -EBUSY);
	struct magring_message second = given_message(pool, 64);
	magring_message_free(&second);
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(pool, there_can_be_4096_and_no_more)
{
	static struct magring_pool *pools_of_test[MAGRING_POOLS_MAX];
	struct magring_pool *untouched = (struct magring_pool *)(void *)pools_of_test,
			    *more = untouched;
	struct magring_pool_options options = { .size = sizeof(options), .memory_limit = 128 };
	assert_same(MAGRING_POOLS_MAX, 4096);
	for (int i = 0; i < MAGRING_POOLS_MAX; i++)
		assert_same(magring_pool_create(&pools_of_test[i], &options), 0);
	assert_same(magring_pool_create(&more, &options), -EMFILE);
	cr_assert_eq(more, untouched);
	/* The last one works, and its place can be had again. */
	struct magring_message message = given_message(pools_of_test[MAGRING_POOLS_MAX - 1], 64);
	magring_message_free(&message);
	cr_assert_eq(magring_pool_destroy(pools_of_test[1234]), 0);
	cr_assert_eq(magring_pool_create(&pools_of_test[1234], &options), 0);
	assert_same(magring_pool_create(&more, &options), -EMFILE);
	for (int i = 0; i < MAGRING_POOLS_MAX; i++)
		assert_same(magring_pool_destroy(pools_of_test[i]), 0);
	cr_assert_eq(magring_pool_create(&more, &options), 0);
	cr_assert_eq(magring_pool_destroy(more), 0);
}

Test(pool, many_are_used_in_turn_by_one_thread_with_one_cache_each)
{
	/* More than the thread-local table has slots. */
	struct magring_pool *many[3 * THREAD_SLOTS];
	int count = 3 * THREAD_SLOTS;
	for (int i = 0; i < count; i++)
		many[i] = given_pool((size_t)1 << 20);
	for (int lap = 0; lap < 10; lap++)
		for (int i = 0; i < count; i++) {
			struct magring_message message = given_message(many[i], 100);
			struct magring_message other = given_message(many[(i + 8) % count], 100);
			magring_message_free(&message);
			magring_message_free(&other);
		}
	for (int i = 0; i < count; i++) {
		assert_same(stats_of_pool(many[i]).threads, 1);
		assert_same(stats_of_pool(many[i]).allocated, 20);
		done_with(many[i], NULL);
	}
}

/* ---------------------------------------------------------------- budget -- */

static void check_budget(size_t limit, size_t payload, size_t wanted)
{
	struct magring_message *messages = calloc(wanted + 1, sizeof(*messages));
	struct magring_pool *pool = given_pool(limit);
	for (int lap = 0; lap < 3; lap++) {
		assert_same(fill(pool, payload, messages, wanted + 1), wanted);
		assert_same(stats_of_pool(pool).slabs_in_use, wanted);
		assert_same(stats_of_pool(pool).exhausted, lap + 1);
		cr_assert(stats_of_pool(pool).slab_bytes_carved <= limit);
		for (size_t i = 0; i < wanted; i++)
			memset(magring_message_payload(&messages[i], NULL), (int)i & 0xff, payload);
		for (size_t i = 0; i < wanted; i++) {
			const unsigned char *bytes = magring_message_payload(&messages[i], NULL);
			assert_same(bytes[0], i & 0xff);
			assert_same(bytes[payload - 1], i & 0xff);
		}
		free_all(messages, wanted);
	}
	done_with(pool, NULL);
	free(messages);
}

Test(pool, a_budget_of_n_slabs_serves_n_again_and_again)
{
	for (size_t n = 1; n <= 130; n += 1 + n / 8)
		check_budget(n * 64, 64, n);
	check_budget(5000 * 64, 64, 5000);
	check_budget(100, 64, 1);
	check_budget(1000, 200, 3); /* of 256 bytes: 256, 512, 768 */
	check_budget(1024 * 1024, 1000, 1024);
	check_budget(10 * 1024 + 1000, 1000, 10);
	check_budget(7 * 65536, 65536, 7);
	check_budget(3 * 1048576, 1048576, 3);
}

Test(pool, gives_the_first_slab_right_after_one_is_freed)
{
	static const size_t counts[] = { 1, 2, 3, 59, 60, 61, 120, 121, 200 };
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct magring_message messages[201];
		struct magring_pool *pool = given_pool(counts[i] * 128);
		assert_same(fill(pool, 100, messages, 201), counts[i]);
		for (size_t j = 0; j < counts[i]; j++) {
			magring_message_free(&messages[j]);
			assert_same(magring_message_alloc(pool, &messages[j], NULL, 0, 100, 0), 0);
			struct magring_message more = { 0 };
			assert_same(magring_message_alloc(pool, &more, NULL, 0, 100, 0), -ENOBUFS);
		}
		free_all(messages, counts[i]);
		done_with(pool, NULL);
	}
}

Test(pool, classes_share_the_budget_as_they_need_it)
{
	struct magring_pool *pool = given_pool(1024);
	struct magring_message small[8], more = { 0 };
	struct magring_message large = given_message(pool, 512);
	for (int lap = 0; lap < 3; lap++) {
		assert_same(fill(pool, 64, small, 8), 8);
		assert_same(stats_of_pool(pool).slab_bytes_in_use, 1024);
		assert_same(magring_message_alloc(pool, &more, NULL, 0, 64, 0), -ENOBUFS);
		free_all(small, 8);
		more = given_message(pool, 512);
		assert_same(stats_of_pool(pool).slab_bytes_in_use, 1024);
		magring_message_free(&more);
		more = given_message(pool, 128);
		magring_message_free(&more);
	}
	magring_message_free(&large);
	done_with(pool, NULL);
}

struct idler {
	struct magring_pool *pool;
	size_t count;
	size_t got;
	pthread_barrier_t barrier;
};

/* Allocates and frees, and then lives on with what it caches. */
static void *cache_and_idle(void *argument)
{
	struct idler *idler = argument;
	struct magring_message messages[200];
	idler->got = fill(idler->pool, 64, messages, idler->count);
	free_all(messages, idler->got);
	pthread_barrier_wait(&idler->barrier);
	pthread_barrier_wait(&idler->barrier);
	return NULL;
}

Test(pool, gets_what_an_idle_thread_caches)
{
	static const size_t counts[] = { 1, 2, 60, 61, 100, 120, 200 };
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct magring_message messages[201];
		struct idler idler = { .pool = given_pool(counts[i] * 64), .count = counts[i] };
		pthread_barrier_init(&idler.barrier, NULL, 2);
		pthread_t thread = given_thread(cache_and_idle, &idler);
		pthread_barrier_wait(&idler.barrier);
		assert_same(idler.got, counts[i]);
		assert_same(stats_of_pool(idler.pool).threads, 1);
		assert_same(fill(idler.pool, 64, messages, counts[i]), counts[i]);
		struct magring_pool_stats stats = stats_of_pool(idler.pool);
		/* It keeps two magazines of 60 at the most. */
		assert_same(stats.reclaimed, counts[i] <= 120 ? counts[i] : stats.reclaimed);
		cr_assert(stats.reclaimed > 0 && stats.reclaimed <= 120);
		assert_same(stats.threads, 2);
		assert_same(stats.exhausted, 0);
		assert_same(stats.slab_bytes_cached, 0);
		free_all(messages, counts[i]);
		pthread_barrier_wait(&idler.barrier);
		joined(thread);
		pthread_barrier_destroy(&idler.barrier);
		done_with(idler.pool, NULL);
	}
}

struct freer {
	struct magring_pool *pool;
	struct magring_message *message;
	pthread_barrier_t barrier;
};

static void *free_one_and_idle(void *argument)
{
	struct freer *freer = argument;
	magring_message_free(freer->message);
	pthread_barrier_wait(&freer->barrier);
	pthread_barrier_wait(&freer->barrier);
	return NULL;
}

Test(pool, recovers_from_one_free_into_another_threads_cache)
{
	struct magring_message messages[3], more = { 0 };
	struct magring_pool *pool = given_pool(3 * 1024);
	struct freer freer = { .pool = pool, .message = &messages[1] };
	assert_same(fill(pool, 1024, messages, 3), 3);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, 1024, 0), -ENOBUFS);
	pthread_barrier_init(&freer.barrier, NULL, 2);
	pthread_t thread = given_thread(free_one_and_idle, &freer);
	pthread_barrier_wait(&freer.barrier);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, 1024, 0), 0);
	assert_same(stats_of_pool(pool).reclaimed, 1);
	assert_same(stats_of_pool(pool).exhausted, 1);
	struct magring_message none = { 0 };
	assert_same(magring_message_alloc(pool, &none, NULL, 0, 1024, 0), -ENOBUFS);
	pthread_barrier_wait(&freer.barrier);
	joined(thread);
	magring_message_free(&messages[0]);
	magring_message_free(&messages[2]);
	magring_message_free(&more);
	pthread_barrier_destroy(&freer.barrier);
	done_with(pool, NULL);
}

Test(pool, works_for_a_thread_that_cannot_have_a_cache)
{
	struct magring_message messages[100], more = { 0 };
	struct magring_pool *pool = given_pool(100 * 64);
	size_t offset;
	pool->registry.most = 0;
	/* A magazine for each 60 slabs, and then no memory for more. */
	struct magazine *first = depot_take_empty(&pool->depot),
			*second = depot_take_empty(&pool->depot);
	while (region_take(&pool->depot.metadata, 64, 1 << 14, &offset) > 0)
		;
	depot_put(&pool->depot, 0, first);
	depot_put(&pool->depot, 0, second);
	for (int lap = 0; lap < 3; lap++) {
		assert_same(fill(pool, 64, messages, 100), 100);
		assert_same(magring_message_alloc(pool, &more, NULL, 0, 64, 0), -ENOBUFS);
		struct magring_pool_stats stats = stats_of_pool(pool);
		assert_same(stats.threads, 0);
		assert_same(stats.slabs_in_use, 100);
		assert_same(stats.slab_bytes_carved, 6400);
		assert_same(stats.exhausted, lap + 1);
		free_all(messages, 100);
	}
	assert_same(stats_of_pool(pool).allocated, 300);
	assert_same(stats_of_pool(pool).payload_bytes_in_use, 0);
	done_with(pool, NULL);
}

/* ----------------------------------------------------------------- stats -- */

Test(pool, statistics_of_a_size_that_is_not_known_are_refused)
{
	struct magring_pool *pool = given_pool(4096);
	size_t size = sizeof(struct magring_pool_stats);
	static const long delta[] = { -1, 1, -1000000 };
	for (int i = 0; i < 3; i++) {
		struct magring_pool_stats stats, before;
		memset(&stats, 0x5a, sizeof(stats));
		stats.size = delta[i] < -1 ? 0 : size + (size_t)delta[i];
		before = stats;
		assert_same(magring_pool_get_stats(pool, &stats), delta[i] > 0 ? -E2BIG : -EINVAL);
		cr_assert_arr_eq(&stats, &before, sizeof(stats));
	}
	struct magring_pool_stats stats = { .size = size };
	assert_same(magring_pool_get_stats(NULL, &stats), -EINVAL);
	assert_same(magring_pool_get_stats(pool, NULL), -EINVAL);
	done_with(pool, NULL);
}

Test(pool, class_statistics_refuse_what_they_do_not_know)
{
	struct magring_pool *pool = given_pool(4096);
	size_t size = sizeof(struct magring_class_stats);
	uint32_t classes = stats_of_pool(pool).classes;
	struct magring_class_stats stats = { .size = size }, before;
	assert_same(magring_pool_get_class_stats(NULL, 0, &stats), -EINVAL);
	assert_same(magring_pool_get_class_stats(pool, 0, NULL), -EINVAL);
	assert_same(magring_pool_get_class_stats(pool, classes - 1, &stats), 0);
	memset(&stats, 0x5a, sizeof(stats));
	stats.size = size;
	before = stats;
	assert_same(magring_pool_get_class_stats(pool, classes, &stats), -EINVAL);
	assert_same(magring_pool_get_class_stats(pool, UINT32_MAX, &stats), -EINVAL);
	before.size = stats.size = size + 1;
	assert_same(magring_pool_get_class_stats(pool, 0, &stats), -E2BIG);
	before.size = stats.size = size - 1;
	assert_same(magring_pool_get_class_stats(pool, 0, &stats), -EINVAL);
	before.size = stats.size = 0;
	assert_same(magring_pool_get_class_stats(pool, 0, &stats), -EINVAL);
	cr_assert_arr_eq(&stats, &before, sizeof(stats));
	done_with(pool, NULL);
}

Test(pool, a_new_one_has_used_nothing)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20);
	struct magring_pool_stats stats = stats_of_pool(pool);
	assert_same(stats.size, sizeof(stats));
	assert_same(stats.allocated + stats.freed + stats.slabs_in_use, 0);
	assert_same(stats.payload_bytes_in_use + stats.slab_bytes_in_use, 0);
	assert_same(stats.slab_bytes_cached + stats.slab_bytes_carved, 0);
	assert_same(stats.exchanges + stats.reclaimed + stats.exhausted, 0);
	assert_same(stats.threads + stats.queues, 0);
	assert_same(stats.memory_limit, 1 << 20);
	cr_assert(stats.efficiency == 0.0);
	/*
	 * A payload of 1 MiB behind the longest id, rounded up to 256: 1.25
	 * MiB. Four classes to 256, four to each doubling up to 1 MiB, and that
	 * one.
	 */
	assert_same(stats.classes, 4 + 12 * 4 + 1);
	done_with(pool, NULL);
}

Test(pool, accounts_are_exact_after_known_operations)
{
	struct magring_pool *pool = given_pool((size_t)2 << 20);
	struct magring_message a[3], b[2];
	for (int i = 0; i < 3; i++)
		a[i] = given_message(pool, 100);
	for (int i = 0; i < 2; i++)
		b[i] = given_message(pool, 1000);
	struct magring_message small = given_message(pool, 48);
	magring_message_free(&a[0]);

	struct magring_pool_stats stats = stats_of_pool(pool);
	assert_same(stats.allocated, 5);
	assert_same(stats.freed, 1);
	assert_same(stats.slabs_in_use, 4);
	assert_same(stats.payload_bytes_in_use, 2 * 100 + 2 * 1000);
	assert_same(stats.slab_bytes_in_use, 2 * 128 + 2 * 1024);
	assert_same(stats.slab_bytes_carved, 2 * 65536); /* a chunk of each class */
	assert_same(stats.slab_bytes_cached, 2 * 65536 - 2 * 128 - 2 * 1024);
	assert_same(stats.exchanges, 2);
	assert_same(stats.threads, 1);
	assert_same(stats.exhausted + stats.reclaimed + stats.queues, 0);
	cr_assert(stats.memory_bytes > stats.slab_bytes_carved);
	cr_assert(stats.efficiency == 2200.0 / (double)stats.memory_bytes);

	struct magring_class_stats of_100 = stats_of_class(pool, 1),
				   of_1000 = stats_of_class(pool, 11);
	assert_same(of_100.slab_size, 128);
	assert_same(of_100.allocated, 3);
	assert_same(of_100.freed, 1);
	assert_same(of_100.carved, 512);
	assert_same(of_100.exchanges, 1);
	assert_same(of_100.payload_bytes_in_use, 200);
	assert_same(of_1000.slab_size, 1024);
	assert_same(of_1000.allocated, 2);
	assert_same(of_1000.freed, 0);
	assert_same(of_1000.carved, 64);
	assert_same(of_1000.exchanges, 1);
	assert_same(of_1000.payload_bytes_in_use, 2000);
	struct magring_class_stats unused = stats_of_class(pool, 2);
	assert_same(unused.slab_size, 192);
	assert_same(unused.allocated + unused.freed + unused.carved + unused.exchanges, 0);

	free_all(a, 3);
	free_all(b, 2);
	magring_message_free(&small);
	assert_same(stats_of_pool(pool).slab_bytes_cached, 2 * 65536);
	done_with(pool, NULL);
}

Test(pool, efficiency_is_above_nine_tenths_under_a_full_load_of_1000_byte_payloads)
{
	static struct magring_message messages[16384];
	struct magring_pool *pool = given_pool((size_t)16 << 20);
	assert_same(fill(pool, 1000, messages, 16384), 16384);
	struct magring_pool_stats stats = stats_of_pool(pool);
	assert_same(stats.payload_bytes_in_use, 16384000);
	cr_assert(stats.efficiency > 0.9, "it is %f", stats.efficiency);
	cr_assert(stats.efficiency < 1.0);
	free_all(messages, 16384);
	done_with(pool, NULL);
}

struct busy {
	struct magring_pool *pool;
	_Atomic(bool) stop;
};

static void *alloc_and_free(void *argument)
{
	struct busy *busy = argument;
	struct magring_message messages[70];
	while (!atomic_load(&busy->stop))
		free_all(messages, fill(busy->pool, 64, messages, 70));
	return NULL;
}

Test(pool, statistics_read_beside_traffic_never_show_fewer_allocations_than_frees)
{
	struct busy busy = { .pool = given_pool((size_t)1 << 20) };
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		threads[i] = given_thread(alloc_and_free, &busy);
	uint64_t last = 0;
	int64_t end = now_ns() + 200000000;
	while (now_ns() < end) {
		struct magring_pool_stats stats = { .size = sizeof(stats) };
		cr_assert_eq(magring_pool_get_stats(busy.pool, &stats), 0);
		cr_assert(stats.allocated >= stats.freed);
		cr_assert(stats.allocated >= last);
		cr_assert(stats.slabs_in_use == stats.allocated - stats.freed);
		cr_assert((int64_t)stats.payload_bytes_in_use >= 0);
		cr_assert(stats.slab_bytes_carved <= 1 << 20);
		last = stats.allocated;
	}
	atomic_store(&busy.stop, true);
	for (int i = 0; i < 2; i++)
		joined(threads[i]);
	done_with(busy.pool, NULL);
}

/* ------------------------------------------------------------ the rest -- */

Test(pool, flushing_none_is_refused)
{
	cr_assert_eq(magring_pool_flush_thread(NULL), -EINVAL);
}

Test(pool, flushing_what_the_thread_never_used_does_nothing)
{
	struct magring_pool *pool = given_pool(4096);
	cr_assert_eq(magring_pool_flush_thread(pool), 0);
	assert_same(stats_of_pool(pool).threads, 0);
	done_with(pool, NULL);
}

static void *flush_and_idle(void *argument)
{
	struct idler *idler = argument;
	struct magring_message messages[200];
	idler->got = fill(idler->pool, 64, messages, idler->count);
	free_all(messages, idler->got);
	magring_pool_flush_thread(idler->pool);
	pthread_barrier_wait(&idler->barrier);
	pthread_barrier_wait(&idler->barrier);
	return NULL;
}

Test(pool, a_flush_hands_the_slabs_to_other_threads)
{
	struct magring_message messages[100];
	struct idler idler = { .pool = given_pool(6400), .count = 100 };
	pthread_barrier_init(&idler.barrier, NULL, 2);
	pthread_t thread = given_thread(flush_and_idle, &idler);
	pthread_barrier_wait(&idler.barrier);
	assert_same(idler.got, 100);
	assert_same(fill(idler.pool, 64, messages, 100), 100);
	assert_same(stats_of_pool(idler.pool).reclaimed, 0);
	free_all(messages, 100);
	pthread_barrier_wait(&idler.barrier);
	joined(thread);
	pthread_barrier_destroy(&idler.barrier);
	done_with(idler.pool, NULL);
}

Test(pool, a_flushed_thread_goes_on_working)
{
	struct magring_pool *pool = given_pool(4096);
	for (int i = 0; i < 200; i++) {
		struct magring_message message = given_message(pool, 64);
		cr_assert_eq(magring_pool_flush_thread(pool), 0);
		magring_message_free(&message);
		cr_assert_eq(magring_pool_flush_thread(pool), 0);
	}
	assert_same(stats_of_pool(pool).threads, 1);
	done_with(pool, NULL);
}

static void *use_and_outlive(void *argument)
{
	struct idler *idler = argument;
	struct magring_message message;
	idler->got = fill(idler->pool, 64, &message, idler->count);
	free_all(&message, idler->got);
	pthread_barrier_wait(&idler->barrier);
	pthread_barrier_wait(&idler->barrier); /* the pool is gone */
	return NULL;
}

Test(pool, may_be_destroyed_while_threads_that_used_it_live_on_and_end_later)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	struct idler idlers[THREADS];
	struct magring_pool *pool = given_pool(4096), *other;
	for (int i = 0; i < THREADS; i++) {
		idlers[i] = (struct idler){ .pool = pool, .count = 1 };
		pthread_barrier_init(&idlers[i].barrier, NULL, 2);
		threads[i] = given_thread(use_and_outlive, &idlers[i]);
		pthread_barrier_wait(&idlers[i].barrier);
		assert_same(idlers[i].got, 1);
	}
	assert_same(stats_of_pool(pool).threads, THREADS);
	cr_assert_eq(magring_pool_destroy(pool), 0);
	other = given_pool(4096); /* takes the number over */
	for (int i = 0; i < THREADS; i++) {
		pthread_barrier_wait(&idlers[i].barrier);
		joined(threads[i]);
		pthread_barrier_destroy(&idlers[i].barrier);
	}
	assert_same(stats_of_pool(other).threads, 0);
	done_with(other, NULL);
}

Test(pool, may_be_destroyed_by_the_child_of_a_fork)
{
	struct magring_pool *pool = given_pool(4096);
	struct magring_queue *queue = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 64);
	cr_assert_eq(magring_send(queue, &message, 0), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(magring_queue_release(queue) == 0 && magring_pool_destroy(pool) == 0 ? 42
											   : 1);
	int status = 0;
	assert_same(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	assert_same(WEXITSTATUS(status), 42);
	done_with(pool, queue);
}

Test(pool, structure_sizes_are_told_apart)
{
	assert_same(pool_check_size(0, 32), -EINVAL);
	assert_same(pool_check_size(31, 32), -EINVAL);
	assert_same(pool_check_size(32, 32), 0);
	assert_same(pool_check_size(33, 32), -E2BIG);
}

Test(pool, a_name_is_copied_or_made_up_or_too_long)
{
	char name[MAGRING_NAME_MAX + 1], long_name[MAGRING_NAME_MAX + 2];
	assert_same(pool_name(name, "given", "pool", 7), 0);
	cr_assert_str_eq(name, "given");
	assert_same(pool_name(name, NULL, "pool", 7), 0);
	cr_assert_str_eq(name, "pool-7");
	assert_same(pool_name(name, NULL, "queue", UINT64_MAX), 0);
	cr_assert_str_eq(name, "queue-18446744073709551615");
	assert_same(pool_name(name, "", "pool", 7), 0);
	cr_assert_str_eq(name, "");
	memset(long_name, 'x', sizeof(long_name));
	long_name[64] = '\0';
	assert_same(pool_name(name, long_name, "pool", 7), -ENAMETOOLONG);
	long_name[63] = '\0';
	assert_same(pool_name(name, long_name, "pool", 7), 0);
	cr_assert_str_eq(name, long_name);
}

Test(pool, a_name_of_63_bytes_is_taken_and_one_of_64_is_refused)
{
	char name[65];
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = sizeof(options), .name = name };
	memset(name, 'x', 64);
	name[64] = '\0';
	check_refused(options, -ENAMETOOLONG);
	name[63] = '\0';
	assert_same(magring_pool_create(&pool, &options), 0);
	done_with(pool, NULL);
}
