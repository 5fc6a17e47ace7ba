/* SPDX-License-Identifier: MIT */
/* lib/pool/share.c: several messages with one payload. */
#include "given.h"
#include "pool/message_layout.h"
#include "pool/pool.h"

#include <signal.h>
#include <sys/mman.h>

#define PAYLOAD 1000
#define SLAB 1024 /* the size class of PAYLOAD */
#define UNIT 64   /* one count for each so many bytes of slabs */
#define COUNT 4   /* bytes of a count */
#define PAGE 4096

static struct magring_pool *pool;

static void setup(void)
{
	pool = given_pool((size_t)16 << 20);
}

static void teardown(void)
{
	done_with(pool, NULL);
}

TestSuite(share, .init = setup, .fini = teardown);

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 11 + 3);
}

static struct magring_message written(size_t id_size, size_t payload_size)
{
	struct magring_message message = { 0 };
	unsigned char id[MAGRING_ID_MAX] = { 0 };
	for (size_t i = 0; i < id_size; i++)
		id[i] = byte_at(i + 1);
	assert_same(magring_message_alloc(pool, &message, id, id_size, payload_size, 0), 0);
	unsigned char *payload = magring_message_payload(&message, NULL);
	for (size_t i = 0; i < payload_size; i++)
		payload[i] = byte_at(i);
	return message;
}

static bool is_whole(struct magring_message *message, size_t id_size, size_t payload_size)
{
	size_t ids, payloads;
	const unsigned char *id = magring_message_id(message, &ids);
	const unsigned char *payload = magring_message_payload(message, &payloads);
	bool whole = id != NULL && payload != NULL && ids == id_size && payloads == payload_size;
	for (size_t i = 0; whole && i < id_size; i++)
		whole = id[i] == byte_at(i + 1);
	for (size_t i = 0; whole && i < payload_size; i++)
		whole = payload[i] == byte_at(i);
	return whole;
}

static struct magring_message shared(struct magring_message *message)
{
	struct magring_message other = { 0 };
	assert_same(magring_message_share(message, &other), 0);
	return other;
}

Test(share, both_have_id_and_payload_of_every_kind)
{
	static const size_t sizes[][2] = { { 0, 0 }, { 0, 48 }, { 48, 0 }, { 8, 40 }, { 0, 49 },
		{ 1, 64 }, { 40, 9 }, { 40, PAYLOAD }, { 41, 8 }, { 41, PAYLOAD }, { 49, 0 },
		{ 255, 0 }, { 255, 1 }, { 255, 70000 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t id = sizes[i][0], payload = sizes[i][1];
		bool slab = id + payload > MAGRING_INLINE_MAX;
		struct magring_message first = written(id, payload), second = shared(&first);
		cr_assert(is_whole(&first, id, payload), "%zu, %zu", id, payload);
		cr_assert(is_whole(&second, id, payload), "%zu, %zu", id, payload);
		cr_assert_eq(magring_message_payload(&first, NULL) ==
				magring_message_payload(&second, NULL),
			slab);
		magring_message_free(&first);
		assert_same(first.private_header, 0);
		assert_same(stats_of_pool(pool).slabs_in_use, slab);
		cr_assert(is_whole(&second, id, payload), "%zu, %zu", id, payload);
		magring_message_free(&second);
		assert_same(second.private_header, 0);
		assert_same(stats_of_pool(pool).slabs_in_use, 0);
	}
}

Test(share, refuses_what_is_no_message)
{
	struct magring_message empty = { 0 }, message = written(3, PAYLOAD), other = empty;
	const struct magring_message before = message;
	assert_same(magring_message_share(NULL, &other), -EINVAL);
	assert_same(magring_message_share(&message, NULL), -EINVAL);
	assert_same(magring_message_share(&message, &message), -EINVAL);
	assert_same(magring_message_share(&empty, &other), -EINVAL);
	cr_assert_eq(memcmp(&message, &before, sizeof(message)), 0);
	cr_assert_eq(memcmp(&other, &empty, sizeof(other)), 0);
	magring_message_free(&message);
	assert_same(magring_message_share(&message, &other), -EINVAL);
}

Test(share, message_inside_its_value_is_copied)
{
	struct magring_message first = written(8, 40), second = shared(&first);
	memset(magring_message_payload(&first, NULL), 0, 40);
	cr_assert(is_whole(&second, 8, 40));
	magring_message_free(&first);
	magring_message_free(&second);
	assert_same(stats_of_pool(pool).allocated, 0);
}

/* ------------------------------------------------------------ statistics -- */

Test(share, payload_counts_once)
{
	struct magring_message message[3] = { written(0, PAYLOAD) };
	message[1] = shared(&message[0]);
	message[2] = shared(&message[1]);
	struct magring_pool_stats stats = stats_of_pool(pool);
	assert_same(stats.allocated, 1);
	assert_same(stats.freed, 0);
	assert_same(stats.payload_bytes_in_use, PAYLOAD);
	assert_same(stats.slab_bytes_in_use, SLAB);
	for (int i = 0; i < 3; i++) {
		assert_same(stats_of_pool(pool).payload_bytes_in_use, PAYLOAD);
		assert_same(magring_pool_destroy(pool), -EBUSY);
		magring_message_free(&message[i]);
	}
	stats = stats_of_pool(pool);
	assert_same(stats.allocated, 1);
	assert_same(stats.freed, 1);
	assert_same(stats.payload_bytes_in_use, 0);
	assert_same(stats.slab_bytes_in_use, 0);
}

/* Whole pages of counts, from the first one to that of the slab. */
Test(share, memory_of_counts_is_in_the_statistics)
{
	static struct magring_message message[3 * PAGE / COUNT * UNIT / SLAB];
	const size_t messages = sizeof(message) / sizeof(message[0]);
	for (size_t i = 0; i < messages; i++)
		message[i] = written(0, PAYLOAD);
	uint64_t before = stats_of_pool(pool).memory_bytes, last = 0;
	for (size_t i = 0; i < messages; i++) {
		struct magring_message other = shared(&message[i]);
		size_t offset = (size_t)((unsigned char *)magring_message_payload(&other, NULL) -
			pool->depot.slabs.base);
		uint64_t pages = offset / UNIT * COUNT / PAGE + 1;
		last = pages > last ? pages : last;
		assert_same(stats_of_pool(pool).memory_bytes - before, last * PAGE);
		magring_message_free(&other);
	}
	assert_same(last, 3);
	free_all(message, messages);
}

Test(share, slab_is_used_and_shared_again)
{
	for (int i = 0; i < 3; i++) {
		struct magring_message first = written(0, PAYLOAD), second = shared(&first);
		magring_message_free(&second);
		/* The last one is shared still, and may be shared again. */
		second = shared(&first);
		magring_message_free(&first);
		cr_assert(is_whole(&second, 0, PAYLOAD));
		magring_message_free(&second);
		assert_same(stats_of_pool(pool).slabs_in_use, 0);
		/* The same slab, for a message that is not shared. */
		first = written(0, PAYLOAD);
		assert_same(stats_of_pool(pool).slabs_in_use, 1);
		magring_message_free(&first);
		assert_same(stats_of_pool(pool).slabs_in_use, 0);
	}
}

/* ----------------------------------------------------------------- limits -- */

static _Atomic(uint32_t) *word_of(struct magring_message *message)
{
	size_t offset = (size_t)((unsigned char *)magring_message_payload(message, NULL) -
		pool->depot.slabs.base);
	return (_Atomic(uint32_t) *)(void *)pool->shares.base + offset / UNIT;
}

Test(share, count_ends_at_24_bits)
{
	struct magring_message first = written(0, PAYLOAD), second = shared(&first), third = { 0 };
	_Atomic(uint32_t) *word = word_of(&first);
	uint32_t kind = *word & 0xff000000;
	assert_same(*word & 0xffffff, 2);
	*word = kind | 16777214;
	third = shared(&first);
	const struct magring_message before = first, none = { 0 };
	struct magring_message fourth = none;
	assert_same(magring_message_share(&first, &fourth), -EOVERFLOW);
	cr_assert_eq(memcmp(&first, &before, sizeof(first)), 0);
	cr_assert_eq(memcmp(&fourth, &none, sizeof(fourth)), 0);
	assert_same(*word, kind | 16777215);
	magring_message_free(&third);
	third = shared(&second);
	*word = kind | 3;
	magring_message_free(&third);
	magring_message_free(&second);
	assert_same(stats_of_pool(pool).slabs_in_use, 1);
	magring_message_free(&first);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

/* Where nothing is mapped, access rights cannot be raised. */
Test(share, message_stays_as_it_is_if_the_system_refuses)
{
	struct magring_message first = written(3, PAYLOAD), second = { 0 };
	const struct magring_message before = first, none = { 0 };
	assert_same(munmap(pool->shares.base, pool->shares.reserved), 0);
	struct magring_pool_stats was = stats_of_pool(pool);
	assert_same(magring_message_share(&first, &second), -ENOMEM);
	struct magring_pool_stats is = stats_of_pool(pool);
	cr_assert_eq(memcmp(&was, &is, sizeof(is)), 0);
	cr_assert_eq(memcmp(&first, &before, sizeof(first)), 0);
	cr_assert_eq(memcmp(&second, &none, sizeof(second)), 0);
	cr_assert(is_whole(&first, 3, PAYLOAD));
	cr_assert_eq(mmap(pool->shares.base, pool->shares.reserved, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		pool->shares.base);
	second = shared(&first);
	magring_message_free(&first);
	cr_assert(is_whole(&second, 3, PAYLOAD));
	magring_message_free(&second);
}

/* A share needs no slab: a pool of one slab will do. */
Test(share, works_when_the_budget_is_used_up)
{
	struct magring_pool *small = given_pool(64), *large = pool;
	pool = small;
	struct magring_message first = written(0, 64), second = shared(&first), none = { 0 };
	assert_same(magring_message_alloc(small, &none, NULL, 0, 64, 0), -ENOBUFS);
	magring_message_free(&first);
	assert_same(magring_message_alloc(small, &none, NULL, 0, 64, 0), -ENOBUFS);
	assert_same(magring_message_alloc(small, &none, NULL, 0, 64, 1000), -ETIMEDOUT);
	magring_message_free(&second);
	first = written(0, 64);
	magring_message_free(&first);
	done_with(small, NULL);
	pool = large;
}

static void *await_slab(void *small)
{
	struct magring_message message = { 0 };
	if (magring_message_alloc(small, &message, NULL, 0, 64, -1) != 0)
		return NULL;
	magring_message_free(&message);
	return small;
}

Test(share, last_free_wakes_a_thread_that_waits_for_memory)
{
	struct magring_pool *small = given_pool(64), *large = pool;
	pool = small;
	struct magring_message first = written(0, 64), second = shared(&first);
	pthread_t waiter = given_thread(await_slab, small);
	assert_eventually(eventcount_has_waiters(&small->memory[0]));
	magring_message_free(&first);
	usleep(10000);
	cr_assert(eventcount_has_waiters(&small->memory[0]));
	magring_message_free(&second);
	cr_assert_eq(joined(waiter), small);
	done_with(small, NULL);
	pool = large;
}

/* ---------------------------------------------------------------- threads -- */

#define THREADS 4
#define TURNS 20000

static void *share_and_free(void *message)
{
	struct magring_message other;
	for (int i = 0; i < TURNS; i++) {
		if (magring_message_share(message, &other) != 0)
			return NULL;
		magring_message_free(i % 2 == 0 ? &other : message);
		if (i % 2 == 1)
			*(struct magring_message *)message = other;
		if (!is_whole(message, 50, PAYLOAD))
			return NULL;
	}
	magring_message_free(message);
	return message;
}

Test(share, threads_share_and_free_one_payload_at_once)
{
	struct magring_message message[THREADS] = { written(50, PAYLOAD) };
	pthread_t thread[THREADS];
	for (int i = 1; i < THREADS; i++)
		message[i] = shared(&message[0]);
	for (int i = 0; i < THREADS; i++)
		thread[i] = given_thread(share_and_free, &message[i]);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(joined(thread[i]), &message[i]);
	assert_same(stats_of_pool(pool).allocated, 1);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

/* ----------------------------------------------------------------- queues -- */

static void count_drop(struct magring_message *message, void *context)
{
	*(int *)context += is_whole(message, 4, PAYLOAD);
}

Test(share, one_payload_goes_through_many_queues)
{
	enum { QUEUES = 5 };
	int dropped = 0;
	const struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 4,
		.drop = count_drop,
		.drop_context = &dropped };
	struct magring_queue *queue[QUEUES];
	struct magring_message message = written(4, PAYLOAD), received;
	for (int i = 0; i < QUEUES; i++) {
		assert_same(magring_queue_create(&queue[i], pool, &options), 0);
		struct magring_message other = shared(&message);
		assert_same(magring_send(queue[i], &other, 0), 0);
		assert_same(other.private_header, 0);
	}
	cr_assert(is_whole(&message, 4, PAYLOAD), "the sender's own is not hidden");
	magring_message_free(&message);
	assert_same(stats_of_pool(pool).payload_bytes_in_use, PAYLOAD);
	for (int i = 0; i < QUEUES; i++) {
		if (i % 2 == 0) {
			assert_same(magring_recv(queue[i], &received, 0), 0);
			cr_assert(is_whole(&received, 4, PAYLOAD));
			magring_message_free(&received);
		}
		assert_same(stats_of_pool(pool).slabs_in_use, i < QUEUES - 1);
		assert_same(magring_queue_release(queue[i]), 0);
	}
	assert_same(dropped, QUEUES / 2);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

/* ---------------------------------------------------------------- samples -- */

static void assert_leaks(struct magring_pool *sampled, bool wanted)
{
	static char text[1 << 16];
	FILE *stream = fmemopen(text, sizeof(text), "w");
	cr_assert_not_null(stream);
	assert_same(magring_pool_write_leaks(sampled, stream), 0);
	assert_same(fclose(stream), 0);
	const char *found = strstr(text, "id \"shared-1\", 1000 bytes");
	cr_assert_eq(found != NULL, wanted, "%s", text);
	cr_assert(found == NULL || strstr(found + 1, "id \"shared-1\"") == NULL, "%s", text);
	cr_assert_eq(strstr(text, "1 messages with 1000 bytes") != NULL, wanted, "%s", text);
}

Test(share, sample_lives_until_the_last_free)
{
	const struct magring_pool_options options = { .size = sizeof(options), .sample_bytes = 1 };
	struct magring_pool *sampled;
	struct magring_message first, second;
	int rc = magring_pool_create(&sampled, &options);
	if (rc == -ENOTSUP)
		return; /* a C library without backtrace() */
	assert_same(rc, 0);
	assert_same(magring_message_alloc(sampled, &first, "shared-1", 8, PAYLOAD, 0), 0);
	cr_assert(message_kind(&first) & MESSAGE_RARE);
	second = shared(&first);
	assert_leaks(sampled, true);
	magring_message_free(&first);
	assert_leaks(sampled, true);
	magring_message_free(&second);
	assert_leaks(sampled, false);
	done_with(sampled, NULL);
}

/* --------------------------------------------- messages that are not shared -- */

static struct magring_message forged(unsigned int kind)
{
	struct magring_message message = written(0, PAYLOAD);
	message.private_header = message_with_kind(&message, kind);
	return message;
}

Test(share, a_free_without_a_share_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = forged(MESSAGE_SHARED);
	magring_message_free(&message);
}

Test(share, a_share_of_what_was_never_shared_ends_the_process, .signal = SIGABRT)
{
	struct magring_message message = forged(MESSAGE_SHARED);
	(void)shared(&message);
}

Test(share, a_message_of_a_checked_pool_is_none_of_this_one, .signal = SIGABRT)
{
	struct magring_message other = written(0, PAYLOAD);
	(void)shared(&other); /* counts are there */
	struct magring_message message = forged(MESSAGE_SHARED_CHECKED);
	magring_message_free(&message);
}
