/* SPDX-License-Identifier: MIT */
/* lib/pool/pressure.c: memory of other size classes, when there is no other. */
#include "given.h"
#include "pool/pool.h"

#include <stdlib.h>

#define MIB ((size_t)1 << 20)

static struct magring_message messages[16384 + 1]; /* of a MiB, the smallest */

/* All of the budget is of one size, and free. */
static struct magring_pool *given_shift(size_t limit, size_t payload)
{
	struct magring_pool *pool = given_pool(limit);
	size_t count = fill(pool, payload, messages, 16385);
	assert_same(count, limit / slab_size(slab_class(payload)));
	free_all(messages, count);
	return pool;
}

Test(pressure, memory_that_another_size_does_not_use_serves)
{
	static const size_t from[] = { 1000, 64, 30000, 200, 2000 };
	static const size_t to[] = { 2000, MIB, 100, 1000, 1000 };
	for (int i = 0; i < 5; i++)
		for (int64_t timeout_ns = 0; timeout_ns >= -1; timeout_ns--) {
			struct magring_message message = { 0 };
			struct magring_pool *pool = given_shift(MIB, from[i]);
			assert_same(magring_message_alloc(pool, &message, NULL, 0, to[i],
					    timeout_ns),
				0);
			magring_message_free(&message);
			/* And so does all of it. */
			size_t count = fill(pool, to[i], messages, 16385);
			cr_assert_eq(count, MIB / slab_size(slab_class(to[i])));
			free_all(messages, count);
			done_with(pool, NULL);
		}
}

Test(pressure, what_is_left_of_the_budget_serves_with_what_is_free)
{
	static const size_t small[] = { 100, 3000, 200000, 600000 };
	for (int i = 0; i < 4 * 4; i++) {
		struct magring_pool *pool = given_pool(MIB);
		struct magring_message message = given_message(pool, small[i / 4]);
		magring_message_free(&message);
		if (i & 1) /* it is a range already, of no class */
			assert_same(magring_pool_trim(pool, 0, NULL), 0);
		assert_same(magring_message_alloc(pool, &message, NULL, 0, MIB, i & 2 ? -1 : 0), 0);
		magring_message_free(&message);
		/* It stays so. */
		message = given_message(pool, small[i / 4]);
		assert_same(magring_message_alloc(pool, &messages[0], NULL, 0, MIB, 0), -ENOBUFS);
		magring_message_free(&message);
		assert_same(magring_message_alloc(pool, &message, NULL, 0, MIB, -1), 0);
		magring_message_free(&message);
		done_with(pool, NULL);
	}
}

Test(pressure, a_wait_for_what_is_left_and_what_is_in_use_is_not_hopeless)
{
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message more = { 0 }, message = given_message(pool, 600000);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, MIB, 1000000), -ETIMEDOUT);
	magring_message_free(&message);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, MIB, -1), 0);
	magring_message_free(&more);
	done_with(pool, NULL);
}

Test(pressure, a_larger_slab_serves_before_a_refusal)
{
	/* Chunks of four, with a slab of each in use. */
	struct magring_pool *pool = given_pool(4 * MIB);
	struct magring_message more = { 0 };
	size_t count = fill(pool, 4096, messages, 1025);
	assert_same(count, 1024);
	for (size_t i = 0; i < count; i += 4)
		magring_message_free(&messages[i]);
	for (int i = 0; i < 256; i++)
		messages[1025 + i] = given_message(pool, i % 2 == 0 ? 100 : 3000);
	assert_same(stats_of_pool(pool).slab_bytes_in_use, 4 * MIB);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, 100, 0), -ENOBUFS);
	free_all(messages + 1025, 256);
	/* They are of the class that they came from. */
	for (size_t i = 0; i < count; i += 4)
		messages[i] = given_message(pool, 4096);
	free_all(messages, count);
	done_with(pool, NULL);
}

Test(pressure, two_sizes_that_take_turns_at_the_edge_do_not_trim_each_time)
{
	struct magring_pool *pool = given_pool(MIB);
	size_t count = fill(pool, 4096, messages, 257);
	free_all(messages, 2); /* room for both, one at a time */
	for (int turn = 0; turn < 20000; turn++) {
		struct magring_message message = given_message(pool, turn % 2 == 0 ? 100 : 1000);
		magring_message_free(&message);
	}
	cr_assert_lt(stats_of_pool(pool).trims, 20000 / 8);
	free_all(messages + 2, count - 2);
	done_with(pool, NULL);
}

Test(pressure, a_pool_in_full_use_trims_seldom)
{
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message more = { 0 };
	size_t count = fill(pool, 1000, messages, 1025);
	magring_message_free(&messages[0]); /* one of a chunk of four */
	for (int i = 0; i < 1000; i++)
		assert_same(magring_message_alloc(pool, &more, NULL, 0, 2000, 0), -ENOBUFS);
	cr_assert_lt(stats_of_pool(pool).trims, 500);
	free_all(messages + 1, count - 1);
	more = given_message(pool, 2000);
	magring_message_free(&more);
	done_with(pool, NULL);
}
