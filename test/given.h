/* SPDX-License-Identifier: MIT */
/*
 * given: what a test starts from, made or else the test fails. For the test's own
 * thread only: an assertion that fails in another thread crashes the test.
 */
#ifndef TEST_GIVEN_H
#define TEST_GIVEN_H

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "magring.h"

/* Look at the condition until it holds, for half a minute at most. */
#define assert_eventually(condition) \
	do { \
		for (int looks = 0; looks < 30000 && !(condition); looks++) \
			usleep(1000); \
		cr_assert((condition), "it did not come true in half a minute: %s", #condition); \
	} while (0)

/* Both are integers; what they are is printed. */
#define assert_same(is, wanted) \
	do { \
		long long is_value = (long long)(is), wanted_value = (long long)(wanted); \
		cr_assert(is_value == wanted_value, "%s is %lld, not %lld", #is, is_value, \
			wanted_value); \
	} while (0)

static inline struct magring_pool *given_pool(size_t memory_limit)
{
	struct magring_pool *pool = NULL;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = memory_limit };
	assert_same(magring_pool_create(&pool, &options), 0);
	cr_assert_not_null(pool);
	return pool;
}

static inline struct magring_queue *given_queue(struct magring_pool *pool, size_t capacity)
{
	struct magring_queue *queue = NULL;
	struct magring_queue_options options = { .size = sizeof(options), .capacity = capacity };
	assert_same(magring_queue_create(&queue, pool, &options), 0);
	cr_assert_not_null(queue);
	return queue;
}

/* A message without an id. */
static inline struct magring_message given_message(struct magring_pool *pool, size_t payload_size)
{
	struct magring_message message = { 0 };
	assert_same(magring_message_alloc(pool, &message, NULL, 0, payload_size, 0), 0);
	return message;
}

/* Allocate until there is none; returns how many. */
static inline size_t fill(struct magring_pool *pool, size_t payload,
	struct magring_message *messages, size_t most)
{
	size_t count = 0;
	while (count < most &&
		magring_message_alloc(pool, &messages[count], NULL, 0, payload, 0) == 0)
		count++;
	return count;
}

static inline void free_all(struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		magring_message_free(&messages[i]);
}

/* An inline message that carries a number. */
static inline struct magring_message given_number(struct magring_pool *pool, uint64_t number)
{
	struct magring_message message = { 0 };
	assert_same(magring_message_copy(pool, &message, NULL, 0, &number, sizeof(number), 0), 0);
	return message;
}

static inline uint64_t number_in(struct magring_message *message)
{
	uint64_t number = UINT64_MAX;
	size_t size;
	const void *payload = magring_message_payload(message, &size);
	if (payload != NULL && size == sizeof(number))
		memcpy(&number, payload, sizeof(number));
	return number;
}

static inline struct magring_pool_stats stats_of_pool(struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	assert_same(magring_pool_get_stats(pool, &stats), 0);
	return stats;
}

static inline struct magring_class_stats stats_of_class(struct magring_pool *pool, unsigned int i)
{
	struct magring_class_stats stats = { .size = sizeof(stats) };
	assert_same(magring_pool_get_class_stats(pool, i, &stats), 0);
	return stats;
}

static inline struct magring_queue_stats stats_of_queue(struct magring_queue *queue)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	assert_same(magring_queue_get_stats(queue, &stats), 0);
	return stats;
}

/* The test's end: nothing is out any more. */
static inline void done_with(struct magring_pool *pool, struct magring_queue *queue)
{
	if (queue != NULL)
		assert_same(magring_queue_release(queue), 0);
	struct magring_pool_stats stats = stats_of_pool(pool);
	assert_same(stats.slabs_in_use, 0);
	assert_same(stats.payload_bytes_in_use, 0);
	assert_same(stats.allocated, stats.freed);
	assert_same(stats.queues, 0);
	assert_same(magring_pool_destroy(pool), 0);
}

static inline pthread_t given_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;
	assert_same(pthread_create(&thread, NULL, run, argument), 0);
	return thread;
}

static inline void *joined(pthread_t thread)
{
	void *result = NULL;
	assert_same(pthread_join(thread, &result), 0);
	return result;
}

static inline int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Whether the kernel has this thread of ours asleep. */
static inline bool is_asleep(pid_t tid)
{
	char path[64], line[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return false;
	bool got = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	const char *name_end = strrchr(line, ')');
	return got && name_end != NULL && name_end[1] == ' ' && name_end[2] == 'S';
}

#endif
