/* SPDX-License-Identifier: MIT */
/* lib/pool/message.c: what a message holds, where, and whose it is. */
#include <signal.h>

#include "given.h"
#include "pool/message_layout.h"
#include "pool/pool.h"

static struct magring_pool *pool;

static void setup(void)
{
	pool = given_pool((size_t)16 << 20);
}

static void teardown(void)
{
	done_with(pool, NULL);
}

TestSuite(message, .init = setup, .fini = teardown);

static unsigned char id_byte(size_t i)
{
	return (unsigned char)(i * 7 + 1);
}

static unsigned char payload_byte(size_t i)
{
	return (unsigned char)(i * 13 + 5);
}

static unsigned char *bytes_of(size_t size, unsigned char (*byte)(size_t))
{
	unsigned char *bytes = malloc(size + 1);
	cr_assert_not_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = byte(i);
	return bytes;
}

Test(message, is_56_bytes)
{
	cr_assert_eq(sizeof(struct magring_message), 56);
}

Test(message, id_and_payload_of_48_bytes_together_need_no_slab)
{
	static const size_t sizes[][2] = { { 0, 0 }, { 0, 48 }, { 48, 0 }, { 16, 32 }, { 40, 8 },
		{ 41, 7 }, { 47, 1 }, { 1, 47 }, { 0, 1 }, { 1, 0 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct magring_message message = { 0 };
		cr_assert_eq(magring_message_alloc(pool, &message,
				     "0123456789012345678901234567890123456789012345678",
				     sizes[i][0], sizes[i][1], 0),
			0);
		const unsigned char *payload = magring_message_payload(&message, NULL);
		cr_assert((uintptr_t)payload >= (uintptr_t)&message);
		cr_assert((uintptr_t)payload + sizes[i][1] <= (uintptr_t)(&message + 1));
		assert_same(stats_of_pool(pool).allocated, 0);
		magring_message_free(&message);
	}
}

Test(message, id_and_payload_of_49_bytes_together_take_one_slab)
{
	static const size_t sizes[][2] = { { 0, 49 }, { 49, 0 }, { 1, 48 }, { 48, 1 }, { 40, 9 },
		{ 41, 8 }, { 16, 33 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct magring_message message = { 0 };
		cr_assert_eq(magring_message_alloc(pool, &message,
				     "0123456789012345678901234567890123456789012345678",
				     sizes[i][0], sizes[i][1], 0),
			0);
		assert_same(stats_of_pool(pool).allocated, i + 1);
		assert_same(stats_of_pool(pool).slabs_in_use, 1);
		magring_message_free(&message);
		assert_same(stats_of_pool(pool).freed, i + 1);
	}
}

static void check_round_trip(size_t id_size, size_t payload_size)
{
	unsigned char *id = bytes_of(id_size, id_byte);
	unsigned char *payload = bytes_of(payload_size, payload_byte);
	struct magring_message message = { 0 };
	size_t size = 12345;

	cr_assert_eq(magring_message_alloc(pool, &message, id, id_size, payload_size, 0), 0);
	unsigned char *place = magring_message_payload(&message, &size);
	cr_assert_eq(size, payload_size);
	cr_assert_not_null(place);
	memcpy(place, payload, payload_size); /* must not run into the id */
	cr_assert_arr_eq(magring_message_id(&message, &size), id, id_size, "id %zu payload %zu",
		id_size, payload_size);
	cr_assert_eq(size, id_size);
	cr_assert_arr_eq(magring_message_payload(&message, NULL), payload, payload_size);

	struct magring_message moved = message;
	cr_assert_arr_eq(magring_message_id(&moved, NULL), id, id_size);
	cr_assert_arr_eq(magring_message_payload(&moved, NULL), payload, payload_size);
	magring_message_free(&moved);

	cr_assert_eq(magring_message_copy(pool, &message, id, id_size, payload, payload_size, 0),
		0);
	cr_assert_arr_eq(magring_message_id(&message, &size), id, id_size);
	cr_assert_eq(size, id_size);
	cr_assert_arr_eq(magring_message_payload(&message, &size), payload, payload_size);
	cr_assert_eq(size, payload_size);
	magring_message_free(&message);
	free(payload);
	free(id);
}

Test(message, id_and_payload_come_back_as_they_went_in_at_every_size)
{
	static const size_t ids[] = { 0, 1, 8, 16, 39, 40, 41, 47, 48, 49, 64, 254, 255 };
	static const size_t payloads[] = { 0, 1, 7, 8, 9, 32, 47, 48, 49, 63, 64, 65, 256, 257,
		1000, 4096, 65536, 65537, ((size_t)1 << 20) - 1, (size_t)1 << 20 };
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		for (size_t j = 0; j < sizeof(payloads) / sizeof(payloads[0]); j++)
			check_round_trip(ids[i], payloads[j]);
}

Test(message, every_split_around_the_inline_limit_comes_back)
{
	for (size_t total = 47; total <= 49; total++)
		for (size_t id_size = 0; id_size <= total; id_size++)
			check_round_trip(id_size, total - id_size);
}

Test(message, a_payload_in_a_slab_is_aligned_to_64_bytes_and_to_16_behind_a_long_id)
{
	char id[MAGRING_ID_MAX] = "";
	for (size_t id_size = 0; id_size <= MAGRING_ID_MAX; id_size++) {
		struct magring_message message = { 0 };
		cr_assert_eq(magring_message_alloc(pool, &message, id, id_size, 1000, 0), 0);
		uintptr_t place = (uintptr_t)magring_message_payload(&message, NULL);
		cr_assert_eq(place % (id_size <= 40 ? 64 : 16), 0, "id of %zu bytes", id_size);
		magring_message_free(&message);
	}
}

Test(message, an_id_of_255_bytes_is_taken_and_one_of_256_is_refused)
{
	char id[256] = "";
	struct magring_message message = { 0 }, before;
	cr_assert_eq(magring_message_alloc(pool, &message, id, 255, 0, 0), 0);
	magring_message_free(&message);

	memset(&message, 0x5a, sizeof(message));
	before = message;
	cr_assert_eq(magring_message_alloc(pool, &message, id, 256, 0, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_alloc(pool, &message, id, SIZE_MAX, 0, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_copy(pool, &message, id, 256, id, 1, 0), -EMSGSIZE);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	assert_same(stats_of_pool(pool).allocated, 1);
}

Test(message, a_payload_of_the_maximum_is_taken_and_one_byte_more_is_refused)
{
	size_t most = (size_t)1 << 20;
	char id[255] = "";
	struct magring_message message = { 0 }, before;
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 0, most, 0), 0);
	magring_message_free(&message);
	cr_assert_eq(magring_message_alloc(pool, &message, id, 255, most, 0), 0);
	magring_message_free(&message);

	memset(&message, 0x5a, sizeof(message));
	before = message;
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 0, most + 1, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 0, SIZE_MAX, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_alloc(pool, &message, id, 255, SIZE_MAX - 100, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_copy(pool, &message, NULL, 0, id, most + 1, 0), -EMSGSIZE);
	cr_assert_arr_eq(&message, &before, sizeof(message));
}

Test(message, what_fits_into_a_message_needs_no_max_payload)
{
	struct magring_pool *small;
	struct magring_pool_options options = { .size = sizeof(options), .max_payload = 10 };
	struct magring_message message = { 0 };
	char id[MAGRING_INLINE_MAX] = "";
	cr_assert_eq(magring_pool_create(&small, &options), 0);
	cr_assert_eq(magring_message_alloc(small, &message, NULL, 0, MAGRING_INLINE_MAX, 0), 0);
	magring_message_free(&message);
	cr_assert_eq(magring_message_alloc(small, &message, id, 48, MAGRING_INLINE_MAX, 0), 0);
	magring_message_free(&message);
	cr_assert_eq(magring_message_alloc(small, &message, NULL, 0, MAGRING_INLINE_MAX + 1, 0),
		-EMSGSIZE);
	done_with(small, NULL);
}

Test(message, a_long_id_that_does_not_fit_the_budget_beside_the_payload_is_refused)
{
	struct magring_pool *small = given_pool(1024);
	struct magring_message message = { 0 };
	char id[41] = "";
	cr_assert_eq(magring_message_alloc(small, &message, id, 40, 1024, 0), 0);
	magring_message_free(&message);
	cr_assert_eq(magring_message_alloc(small, &message, id, 41, 1024, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_alloc(small, &message, id, 41, 1024 - 47, 0), -EMSGSIZE);
	cr_assert_eq(magring_message_alloc(small, &message, id, 41, 1024 - 48, 0), 0);
	magring_message_free(&message);
	assert_same(stats_of_pool(small).exhausted, 0);
	done_with(small, NULL);
}

Test(message, a_missing_argument_is_refused_and_changes_nothing)
{
	struct magring_message message, before;
	memset(&message, 0x5a, sizeof(message));
	before = message;
	cr_assert_eq(magring_message_alloc(pool, NULL, "a", 1, 1, 0), -EINVAL);
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 1, 1, 0), -EINVAL);
	cr_assert_eq(magring_message_copy(pool, NULL, "a", 1, "b", 1, 0), -EINVAL);
	cr_assert_eq(magring_message_copy(pool, &message, NULL, 1, "b", 1, 0), -EINVAL);
	cr_assert_eq(magring_message_copy(pool, &message, "a", 1, NULL, 1, 0), -EINVAL);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	assert_same(stats_of_pool(pool).allocated, 0);
}

Test(message, what_fits_into_a_message_needs_no_pool)
{
	struct magring_message message = { 0 };
	char bytes[MAGRING_INLINE_MAX + 1] = "payload";
	size_t size;
	for (size_t id_size = 0; id_size <= MAGRING_INLINE_MAX; id_size++) {
		size_t payload_size = MAGRING_INLINE_MAX - id_size;
		cr_assert_eq(magring_message_alloc(NULL, &message, bytes, id_size, payload_size,
				     -1),
			0);
		magring_message_free(&message);
		cr_assert_eq(magring_message_copy(NULL, &message, bytes, id_size, bytes,
				     payload_size, 0),
			0);
		cr_assert_arr_eq(magring_message_id(&message, &size), bytes, id_size);
		assert_same(size, id_size);
		cr_assert_arr_eq(magring_message_payload(&message, &size), bytes, payload_size);
		assert_same(size, payload_size);
		magring_message_free(&message);
	}
}

Test(message, what_needs_a_slab_needs_a_pool)
{
	struct magring_message message, before;
	char bytes[256] = "";
	memset(&message, 0x5a, sizeof(message));
	before = message;
	for (size_t id_size = 0; id_size <= sizeof(bytes); id_size++) {
		size_t payload_size =
			id_size < MAGRING_INLINE_MAX ? MAGRING_INLINE_MAX + 1 - id_size : 1;
		cr_assert_eq(magring_message_alloc(NULL, &message, bytes, id_size, payload_size,
				     -1),
			-EINVAL);
		cr_assert_eq(magring_message_copy(NULL, &message, bytes, id_size, bytes,
				     payload_size, 0),
			-EINVAL);
	}
	cr_assert_eq(magring_message_alloc(NULL, &message, bytes, 1, SIZE_MAX, 0), -EINVAL);
	cr_assert_eq(magring_message_alloc(NULL, &message, NULL, 0, 49, 0), -EINVAL);
	cr_assert_arr_eq(&message, &before, sizeof(message));
}

Test(message, a_payload_of_nothing_may_be_copied_from_nowhere)
{
	struct magring_message message = { 0 };
	size_t size = 1;
	cr_assert_eq(magring_message_copy(pool, &message, "a", 1, NULL, 0, 0), 0);
	cr_assert_not_null(magring_message_payload(&message, &size));
	cr_assert_eq(size, 0);
	magring_message_free(&message);
}

Test(message, an_allocation_without_memory_leaves_the_message_as_it_was)
{
	struct magring_pool *tiny = given_pool(64);
	struct magring_message first = given_message(tiny, 64), message, before;
	memset(&message, 0x5a, sizeof(message));
	before = message;
	cr_assert_eq(magring_message_alloc(tiny, &message, NULL, 0, 64, 0), -ENOBUFS);
	cr_assert_eq(magring_message_copy(tiny, &message, NULL, 0, &before, 49, 0), -ENOBUFS);
	cr_assert_eq(magring_message_alloc(tiny, &message, "id", 2, 62, 2000000), -ETIMEDOUT);
	cr_assert_eq(magring_message_copy(tiny, &message, "id", 2, &before, 49, 2000000),
		-ETIMEDOUT);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	magring_message_free(&first);
	done_with(tiny, NULL);
}

Test(message, the_empty_message_has_neither_id_nor_payload)
{
	struct magring_message empty = { 0 };
	size_t size = 1;
	cr_assert_null(magring_message_id(&empty, &size));
	cr_assert_eq(size, 0);
	size = 1;
	cr_assert_null(magring_message_payload(&empty, &size));
	cr_assert_eq(size, 0);
	cr_assert_null(magring_message_id(&empty, NULL));
	cr_assert_null(magring_message_payload(&empty, NULL));
	size = 1;
	cr_assert_null(magring_message_id(NULL, &size));
	cr_assert_eq(size, 0);
	size = 1;
	cr_assert_null(magring_message_payload(NULL, &size));
	cr_assert_eq(size, 0);
}

Test(message, a_message_of_nothing_is_not_the_empty_message)
{
	struct magring_message message = { 0 };
	size_t size = 1;
	cr_assert_eq(magring_message_alloc(pool, &message, NULL, 0, 0, 0), 0);
	cr_assert_not_null(magring_message_id(&message, &size));
	cr_assert_eq(size, 0);
	cr_assert_not_null(magring_message_payload(&message, NULL));
	magring_message_free(&message);
	cr_assert_null(magring_message_id(&message, NULL));
}

Test(message, freeing_nothing_does_nothing)
{
	struct magring_message empty = { 0 };
	magring_message_free(NULL);
	magring_message_free(&empty);
	assert_same(stats_of_pool(pool).freed, 0);
}

Test(message, freeing_twice_frees_once)
{
	struct magring_message message = given_message(pool, 1000),
			       other = given_message(pool, 1000);
	magring_message_free(&message);
	cr_assert_null(magring_message_payload(&message, NULL));
	magring_message_free(&message);
	magring_message_free(&message);
	assert_same(stats_of_pool(pool).freed, 1);
	assert_same(stats_of_pool(pool).slabs_in_use, 1);
	/* A second free would have given the slab to two messages. */
	struct magring_message a = given_message(pool, 1000), b = given_message(pool, 1000);
	cr_assert_neq(magring_message_payload(&a, NULL), magring_message_payload(&b, NULL));
	magring_message_free(&a);
	magring_message_free(&b);
	magring_message_free(&other);
}

Test(message, a_sent_message_is_empty_and_freeing_it_does_nothing)
{
	struct magring_queue *queue = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 1000), received = { 0 };
	cr_assert_eq(magring_send(queue, &message, 0), 0);
	cr_assert_null(magring_message_payload(&message, NULL));
	cr_assert_null(magring_message_id(&message, NULL));
	magring_message_free(&message);
	assert_same(stats_of_pool(pool).freed, 0);
	cr_assert_eq(magring_recv(queue, &received, 0), 0);
	memset(magring_message_payload(&received, NULL), 1, 1000);
	magring_message_free(&received);
	assert_same(stats_of_pool(pool).freed, 1);
	cr_assert_eq(magring_queue_release(queue), 0);
}

static void *free_it(void *message)
{
	magring_message_free(message);
	return NULL;
}

Test(message, a_message_may_be_freed_by_another_thread)
{
	struct magring_message message = given_message(pool, 5000);
	joined(given_thread(free_it, &message));
	cr_assert_null(magring_message_payload(&message, NULL));
	assert_same(stats_of_pool(pool).freed, 1);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

Test(message, goes_back_to_the_pool_that_it_came_from)
{
	struct magring_pool *other = given_pool(4096);
	struct magring_message mine = given_message(pool, 100), its = given_message(other, 100);
	magring_message_free(&its);
	assert_same(stats_of_pool(pool).freed, 0);
	assert_same(stats_of_pool(other).freed, 1);
	magring_message_free(&mine);
	assert_same(stats_of_pool(pool).freed, 1);
	done_with(other, NULL);
}

Test(message, the_header_keeps_its_fields_apart)
{
	static const size_t payloads[] = { 0, 1, 48, 49, 0x55555555, MAGRING_PAYLOAD_MAX };
	static const unsigned int numbers[] = { 0, 1, MAGRING_POOLS_MAX - 1 };
	static const size_t ids[] = { 0, 40, 41, 255 };
	static const unsigned int kinds[] = { MESSAGE_INLINE, MESSAGE_SLAB, MESSAGE_SLAB + 95 };
	for (size_t i = 0; i < 6 * 3 * 4 * 3; i++) {
		size_t payload = payloads[i % 6], id = ids[i / 18 % 4];
		unsigned int number = numbers[i / 6 % 3], kind = kinds[i / 72];
		struct magring_message message = { .private_header = message_header(payload, number,
							   id, kind) };
		assert_same(message_payload_size(&message), payload);
		assert_same(message_pool(&message), number);
		assert_same(message_id_size(&message), id);
		assert_same(message_kind(&message), kind);
	}
}

/* ------------------------------------------------- what is no message -- */

Test(message, a_free_of_an_address_inside_of_a_slab_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_body[0] += 64;
	magring_message_free(&message);
}

Test(message, a_free_of_an_address_between_units_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_body[0] += 1;
	magring_message_free(&message);
}

Test(message, a_free_of_an_address_before_the_slabs_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_body[0] = (uintptr_t)pool->depot.slabs.base - 64;
	magring_message_free(&message);
}

Test(message, a_free_of_an_address_behind_the_slabs_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_body[0] = (uintptr_t)pool->depot.slabs.base + ((size_t)16 << 20);
	magring_message_free(&message);
}

Test(message, a_free_with_another_class_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_header += (uint64_t)1 << 56;
	magring_message_free(&message);
}

Test(message, a_free_with_the_number_of_no_pool_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100);
	message.private_header += (uint64_t)1 << 32;
	magring_message_free(&message);
}

Test(message, a_second_free_after_a_trim_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = given_message(pool, 100), copy = message;
	magring_message_free(&message);
	assert_same(magring_pool_trim(pool, 0, NULL), 0);
	assert_same(stats_of_pool(pool).slab_bytes_carved, 0);
	magring_message_free(&copy);
}

/* Each size on the common path and around the borders of its table. */
Test(message, has_the_class_of_its_size)
{
	for (size_t size = 49; size <= 70000; size += size < 8200 ? 1 : 61) {
		struct magring_message message = given_message(pool, size);
		assert_same(message_kind(&message), MESSAGE_SLAB + slab_class(size));
		assert_same(stats_of_pool(pool).slab_bytes_in_use, slab_size(slab_class(size)));
		magring_message_free(&message);
		assert_same(stats_of_pool(pool).slab_bytes_in_use, 0);
	}
}

Test(message, accounts_tell_what_messages_asked_for)
{
	char id[240] = "";
	struct magring_message beside = { 0 }, before = { 0 };
	/*
	 * An id of 40 bytes is in the message itself, one of 240 in the slab.
	 */
	cr_assert_eq(magring_message_alloc(pool, &beside, id, 40, 100, 0), 0);
	assert_same(stats_of_pool(pool).payload_bytes_in_use, 100);
	assert_same(stats_of_pool(pool).slab_bytes_in_use, 128);
	cr_assert_eq(magring_message_alloc(pool, &before, id, 240, 100, 0), 0);
	assert_same(stats_of_pool(pool).payload_bytes_in_use, 100 + 240 + 100);
	assert_same(stats_of_pool(pool).slab_bytes_in_use, 128 + 384);
	magring_message_free(&beside);
	assert_same(stats_of_pool(pool).payload_bytes_in_use, 240 + 100);
	magring_message_free(&before);
}
