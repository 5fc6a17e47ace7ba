/* SPDX-License-Identifier: MIT */
/* lib/pool/message_batch.c: messages made and freed by the batch. */
#include "given.h"

#include <limits.h>

#include "pool/message_layout.h"
#include "pool/pool.h"

#define PAYLOAD 1000
#define SLAB 1024 /* the size class of PAYLOAD */
#define MOST 200  /* several magazines of small slabs */

static struct magring_message messages[MOST];

static int alloc_batch(struct magring_pool *pool, size_t count, size_t payload_size,
	int64_t timeout_ns)
{
	memset(messages, 0xa5, sizeof(messages));
	return magring_message_alloc_batch(pool, messages, count, payload_size, timeout_ns);
}

static bool is_untouched(size_t i)
{
	struct magring_message untouched;
	memset(&untouched, 0xa5, sizeof(untouched));
	return memcmp(&messages[i], &untouched, sizeof(untouched)) == 0;
}

/* The first of messages are whole, and no two have the same bytes. */
static void check_payloads(size_t count, size_t payload_size)
{
	size_t size;
	for (size_t i = 0; i < count; i++) {
		void *payload = magring_message_payload(&messages[i], &size);
		assert_same(size, payload_size);
		if (size > 0)
			memset(payload, (int)i + 1, size);
		(void)magring_message_id(&messages[i], &size);
		assert_same(size, 0);
	}
	for (size_t i = 0; i < count; i++) {
		const unsigned char *payload = magring_message_payload(&messages[i], &size);
		for (size_t at = 0; at < size; at++)
			assert_same(payload[at], (unsigned char)(i + 1));
	}
}

static void check_empty(size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_same(messages[i].private_header, 0);
}

Test(message_batch, all_sizes_and_counts)
{
	static const size_t sizes[] = { 0, 1, 48, 49, 64, 65, PAYLOAD, 4096, 70000 };
	static const size_t counts[] = { 1, 2, 16, 59, 60, 61, 64, 121, MOST };
	struct magring_pool *pool = given_pool((size_t)64 << 20);
	uint64_t allocated = 0;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			size_t count = counts[j], slabs = sizes[i] > 48 ? count : 0;
			assert_same(alloc_batch(pool, count, sizes[i], 0), count);
			cr_assert(count == MOST || is_untouched(count));
			check_payloads(count, sizes[i]);
			struct magring_pool_stats stats = stats_of_pool(pool);
			allocated += slabs;
			assert_same(stats.allocated, allocated);
			assert_same(stats.slabs_in_use, slabs);
			assert_same(stats.payload_bytes_in_use, slabs * sizes[i]);
			magring_message_free_batch(messages, count);
			check_empty(count);
			stats = stats_of_pool(pool);
			assert_same(stats.freed, allocated);
			assert_same(stats.payload_bytes_in_use, 0);
			assert_same(stats.exhausted, 0);
		}
	}
	done_with(pool, NULL);
}

Test(message_batch, arguments)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20);
	size_t payload = pool->max_payload;
	assert_same(alloc_batch(pool, 0, PAYLOAD, -1), 0);
	assert_same(magring_message_alloc_batch(pool, NULL, 0, PAYLOAD, -1), 0);
	assert_same(magring_message_alloc_batch(pool, NULL, 1, PAYLOAD, -1), -EINVAL);
	assert_same(alloc_batch(pool, (size_t)INT_MAX + 1, PAYLOAD, -1), -EINVAL);
	assert_same(alloc_batch(pool, SIZE_MAX, 8, -1), -EINVAL);
	assert_same(alloc_batch(NULL, 1, 49, -1), -EINVAL);
	assert_same(alloc_batch(pool, 2, payload + 1, -1), -EMSGSIZE);
	cr_assert(is_untouched(0));
	assert_same(alloc_batch(NULL, 3, 48, -1), 3);
	check_payloads(3, 48);
	magring_message_free_batch(messages, 3);
	check_empty(3);
	magring_message_free_batch(messages, 0);
	magring_message_free_batch(NULL, 0);
	magring_message_free_batch(NULL, 1);
	done_with(pool, NULL);
}

Test(message_batch, memory_ends_in_the_middle)
{
	for (size_t slabs = 1; slabs <= 70; slabs += 23) {
		struct magring_pool *pool = given_pool(slabs * SLAB);
		assert_same(alloc_batch(pool, slabs + 9, PAYLOAD, -1), slabs);
		cr_assert(is_untouched(slabs));
		check_payloads(slabs, PAYLOAD);
		assert_same(stats_of_pool(pool).slabs_in_use, slabs);
		assert_same(stats_of_pool(pool).exhausted, 1);
		struct magring_message more[2];
		assert_same(magring_message_alloc_batch(pool, more, 2, PAYLOAD, 0), -ENOBUFS);
		int64_t begin_ns = now_ns();
		assert_same(magring_message_alloc_batch(pool, more, 2, PAYLOAD, 20000000),
			-ETIMEDOUT);
		cr_assert_geq(now_ns() - begin_ns, 20000000);
		assert_same(stats_of_pool(pool).allocated, slabs);
		magring_message_free_batch(messages, slabs);
		done_with(pool, NULL);
	}
}

/* Threads that wait for one message each, or two. */
struct waiter {
	pthread_t thread;
	struct magring_pool *pool;
	struct magring_message message[2];
	size_t wanted;
	_Atomic(int) result; /* 99 while it is not known */
};

static void *wait_for_memory(void *argument)
{
	struct waiter *waiter = argument;
	atomic_store(&waiter->result,
		magring_message_alloc_batch(waiter->pool, waiter->message, waiter->wanted, PAYLOAD,
			-1));
	return NULL;
}

static uint64_t sleepers(struct magring_pool *pool)
{
	return eventcount_peek(&pool->memory[slab_class(PAYLOAD)]) / EVENTCOUNT_SLEEPER;
}

Test(message_batch, a_batch_of_frees_wakes_all_that_it_has_slabs_for)
{
	enum { SLABS = 8, WAITERS = 4 };
	struct waiter waiter[WAITERS];
	struct magring_pool *pool = given_pool(SLABS * SLAB);
	assert_same(alloc_batch(pool, SLABS, PAYLOAD, 0), SLABS);
	for (size_t i = 0; i < WAITERS; i++) {
		waiter[i] = (struct waiter){ .pool = pool, .wanted = 1, .result = 99 };
		waiter[i].thread = given_thread(wait_for_memory, &waiter[i]);
	}
	assert_eventually(sleepers(pool) == WAITERS);
	magring_message_free_batch(messages, WAITERS);
	for (size_t i = 0; i < WAITERS; i++) {
		assert_eventually(atomic_load(&waiter[i].result) != 99);
		joined(waiter[i].thread);
		assert_same(waiter[i].result, 1);
	}
	assert_same(stats_of_pool(pool).slabs_in_use, SLABS);
	for (size_t i = 0; i < WAITERS; i++)
		magring_message_free_batch(waiter[i].message, 1);
	magring_message_free_batch(messages, SLABS);
	done_with(pool, NULL);
}

/* One slab is enough for it: it does not wait for the second one. */
Test(message_batch, only_the_first_message_is_waited_for)
{
	struct waiter waiter;
	struct magring_pool *pool = given_pool(4 * SLAB);
	assert_same(alloc_batch(pool, 4, PAYLOAD, 0), 4);
	waiter = (struct waiter){ .pool = pool, .wanted = 2, .result = 99 };
	waiter.thread = given_thread(wait_for_memory, &waiter);
	assert_eventually(sleepers(pool) == 1);
	magring_message_free(&messages[0]);
	assert_eventually(atomic_load(&waiter.result) != 99);
	joined(waiter.thread);
	assert_same(waiter.result, 1);
	magring_message_free_batch(waiter.message, 1);
	magring_message_free_batch(messages, 4);
	done_with(pool, NULL);
}

/* -------------------------------------------------------------- mixed -- */

static struct magring_pool *given_pool_with(uint64_t sample_bytes, uint64_t flags)
{
	struct magring_pool *pool = NULL;
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = (size_t)64 << 20,
		.sample_bytes = sample_bytes,
		.flags = flags };
	assert_same(magring_pool_create(&pool, &options), 0);
	return pool;
}

/* A message of some kind, a different one for each number. */
static void make_some(struct magring_pool *const from[3], size_t number,
	struct magring_message *ret_message)
{
	static const size_t sizes[][2] = { { 0, 64 }, { 0, 64 }, { 0, 64 }, { 5, 64 }, { 40, 60 },
		{ 8, 8 }, { 41, 100 }, { 255, 3 }, { 0, 5000 }, { 0, 5000 }, { 3, 100000 } };
	const size_t *size = sizes[number % (sizeof(sizes) / sizeof(sizes[0]))];
	struct magring_pool *pool = from[number / 17 % 3];
	char id[MAGRING_ID_MAX] = { 0 };
	assert_same(magring_message_alloc(pool, ret_message, id, size[0], size[1], 0), 0);
	memset(magring_message_payload(ret_message, NULL), 1, size[1]);
}

Test(message_batch, frees_of_any_mix)
{
	struct magring_pool *const mixed[3] = { given_pool_with(0, 0), given_pool_with(1, 0),
		given_pool_with(0, MAGRING_CHECKED) };
	for (int turn = 0; turn < 3; turn++) {
		size_t count = 0, seed = (size_t)turn;
		while (count + 2 < MOST) {
			make_some(mixed, seed++, &messages[count]);
			if (seed % 7 == 0) {
				struct magring_message *other = &messages[count + 1];
				assert_same(magring_message_share(&messages[count], other), 0);
				count++;
			}
			count++;
			if (seed % 5 == 0)
				memset(&messages[count++], 0, sizeof(messages[0]));
		}
		magring_message_free_batch(messages, count);
		check_empty(count);
		for (size_t i = 0; i < 3; i++) {
			assert_same(stats_of_pool(mixed[i]).slabs_in_use, 0);
			assert_same(stats_of_pool(mixed[i]).payload_bytes_in_use, 0);
		}
	}
	for (size_t i = 0; i < 3; i++)
		done_with(mixed[i], NULL);
}

/* Shared by messages of which one is elsewhere. */
Test(message_batch, a_shared_payload_stays_until_the_last_free)
{
	struct magring_pool *pool = given_pool((size_t)1 << 20);
	assert_same(alloc_batch(pool, 1, PAYLOAD, 0), 1);
	memset(magring_message_payload(&messages[0], NULL), 'x', PAYLOAD);
	assert_same(magring_message_share(&messages[0], &messages[1]), 0);
	assert_same(magring_message_share(&messages[0], &messages[2]), 0);
	magring_message_free_batch(messages, 2);
	assert_same(stats_of_pool(pool).slabs_in_use, 1);
	assert_same(*(char *)magring_message_payload(&messages[2], NULL), 'x');
	magring_message_free_batch(messages, 3);
	done_with(pool, NULL);
}

Test(message_batch, checked_and_sampled_pools)
{
	for (int checked = 0; checked < 2; checked++) {
		struct magring_pool *pool = given_pool_with(1, checked ? MAGRING_CHECKED : 0);
		char *text = NULL;
		size_t size = 0;
		FILE *stream = open_memstream(&text, &size);
		cr_assert_not_null(stream);
		assert_same(alloc_batch(pool, 100, PAYLOAD, 0), 100);
		check_payloads(100, PAYLOAD);
		for (size_t i = 0; i < 100; i++)
			assert_same(message_is_checked(&messages[i]), checked);
		assert_same(magring_pool_write_profile(pool, stream), 0);
		fclose(stream);
		/* In use, and ever allocated: all of them, from one place. */
		unsigned long figure[4] = { 0 };
		assert_same(sscanf(text, "heap profile: %lu: %lu [%lu: %lu]", &figure[0],
				    &figure[1], &figure[2], &figure[3]),
			4);
		assert_same(figure[0], 100);
		assert_same(figure[1], 100 * PAYLOAD);
		assert_same(figure[2], 100);
		assert_same(figure[3], 100 * PAYLOAD);
		free(text);
		magring_message_free_batch(messages, 100);
		check_empty(100);
		done_with(pool, NULL);
	}
}

/* 20,000 of 1,000 bytes, one sample in 10,000: as in profile_test.c. */
Test(message_batch, samples_are_as_many_as_in_single_calls)
{
	struct magring_pool *pool = given_pool_with(10000, 0);
	int sampled = 0;
	for (int i = 0; i < 200; i++) {
		assert_same(alloc_batch(pool, 100, PAYLOAD, 0), 100);
		for (size_t at = 0; at < 100; at++)
			sampled += (message_kind(&messages[at]) & MESSAGE_RARE) != 0;
		magring_message_free_batch(messages, 100);
	}
	cr_assert(sampled > 1903 - 249 && sampled < 1903 + 249, "%d", sampled);
	done_with(pool, NULL);
}
