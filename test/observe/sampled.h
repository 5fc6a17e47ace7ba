/* SPDX-License-Identifier: MIT */
/*
 * sampled: pools with a profile, call sites, and what the library writes about
 * them.
 */
#ifndef TEST_SAMPLED_H
#define TEST_SAMPLED_H

#include <stdio.h>
#include <stdlib.h>

#include "given.h"

/*
 * Their names are looked up: the program is linked so that the dynamic linker
 * knows them. What is weak is neither inlined nor cloned.
 */
#define SITE __attribute__((weak))
SITE struct magring_message site_one(struct magring_pool *pool, const char *id, size_t size);
SITE struct magring_message site_two(struct magring_pool *pool, const char *id, size_t size);

SITE struct magring_message site_one(struct magring_pool *pool, const char *id, size_t size)
{
	struct magring_message message = { 0 };
	assert_same(magring_message_alloc(pool, &message, id, strlen(id), size, 0), 0);
	return message;
}

SITE struct magring_message site_two(struct magring_pool *pool, const char *id, size_t size)
{
	static const char payload[4096];
	struct magring_message message = { 0 };
	assert_same(magring_message_copy(pool, &message, id, strlen(id), payload, size, 0), 0);
	return message;
}

/* All with the same stack: with a bound like this the loop is not unrolled. */
static inline void many_at_one(struct magring_pool *pool, struct magring_message *messages,
	const char *id, const size_t *sizes, volatile int count)
{
	for (int i = 0; i < count; i++)
		messages[i] = site_one(pool, id, sizes[i]);
}

static inline struct magring_pool *sampled_pool(uint64_t sample_bytes)
{
	struct magring_pool *pool = NULL;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 64 << 20,
		.name = "sampled",
		.sample_bytes = sample_bytes };
	assert_same(magring_pool_create(&pool, &options), 0);
	return pool;
}

/*
 * What the call writes into a stream; to be freed. (Inlined, gcc 12 takes it
 * for a pointer to a local variable.)
 */
static __attribute__((noinline)) char *text_of(struct magring_pool *pool,
	int (*write)(struct magring_pool *, FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	assert_same(write(pool, stream), 0);
	assert_same(fclose(stream), 0);
	return text;
}

static inline int count_of(const char *text, const char *part)
{
	int count = 0;
	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

#endif
