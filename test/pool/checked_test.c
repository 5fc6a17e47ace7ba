/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/checked.c and limbo.c, and lib/queue/checked_calls.c: a program
 * without misuse notices nothing. misuse_test.py has the others.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "given.h"
#include "pool/message_layout.h"
#include "pool/pool.h"

static struct magring_pool *given_checked(size_t memory_limit, uint64_t sample_bytes)
{
	struct magring_pool *pool = NULL;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = memory_limit,
		.sample_bytes = sample_bytes,
		.flags = MAGRING_CHECKED };
	assert_same(magring_pool_create(&pool, &options), 0);
	cr_assert_not_null(pool->checked);
	return pool;
}

static struct magring_pool_stats stats_of(struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	assert_same(magring_pool_get_stats(pool, &stats), 0);
	return stats;
}

Test(checked, is_asked_for_by_the_flag_and_no_other)
{
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = sizeof(options), .flags = 2 };
	assert_same(magring_pool_create(&pool, &options), -EINVAL);
	options.flags = 0;
	assert_same(magring_pool_create(&pool, &options), 0);
	cr_assert_null(pool->checked);
	assert_same(magring_pool_destroy(pool), 0);
}

/* The first create decides, for the whole process. */
static void assert_environment(const char *value, bool is_checked)
{
	for (int i = 0; i < 2; i++) {
		struct magring_pool *pool;
		setenv("MAGRING_CHECKED", i == 0 ? value : is_checked ? "0" : "1", 1);
		assert_same(magring_pool_create(&pool, NULL), 0);
		cr_assert_eq(pool->checked != NULL, is_checked);
		assert_same(magring_pool_destroy(pool), 0);
	}
}

Test(checked, the_environment_asks_for_it_with_1)
{
	assert_environment("1", true);
}

Test(checked, the_environment_forbids_it_with_0)
{
	assert_environment("0", false);
}

Test(checked, the_environment_is_nothing)
{
	assert_environment("", false);
}

Test(checked, the_environment_is_another_word)
{
	assert_environment("yes", false);
}

/* Sizes around those of slabs, with ids inside and outside of the slab. */
Test(checked, messages_hold_what_was_written)
{
	static const size_t payloads[] = { 49, 63, 64, 65, 112, 113, 240, 241, 5000, 1 << 20 };
	static const size_t ids[] = { 0, 1, 40, 41, 255 };
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_queue *queue = given_queue(pool, 2);
	unsigned char id[255];
	memset(id, 'i', sizeof(id));
	for (size_t i = 0; i < 10; i++)
		for (size_t k = 0; k < 5; k++) {
			struct magring_message message;
			size_t size, bytes = payloads[i];
			assert_same(magring_message_alloc(pool, &message, id, ids[k], bytes, 0), 0);
			memset(magring_message_payload(&message, NULL), 'p', bytes);
			assert_same(magring_send(queue, &message, 0), 0);
			assert_same(magring_recv(queue, &message, 0), 0);
			unsigned char *payload = magring_message_payload(&message, &size);
			assert_same(size, bytes);
			assert_same(payload[0], 'p');
			assert_same(payload[bytes - 1], 'p');
			cr_assert_eq(memcmp(magring_message_id(&message, &size), id, ids[k]), 0);
			assert_same(size, ids[k]);
			assert_same(stats_of(pool).slabs_in_use, 1);
			magring_message_free(&message);
		}
	struct magring_pool_stats stats = stats_of(pool);
	assert_same(stats.allocated, 50);
	assert_same(stats.freed, 50);
	assert_same(stats.payload_bytes_in_use, 0);
	assert_same(stats.slab_bytes_carved, stats.slab_bytes_cached);
	assert_same(magring_queue_release(queue), 0);
	assert_same(magring_pool_destroy(pool), 0);
}

#define SLABS 512

Test(checked, what_is_in_limbo_serves_before_memory_is_short)
{
	static struct magring_message messages[SLABS + 1];
	struct magring_pool *pool = given_checked((size_t)SLABS * 128, 0);
	for (int round = 0; round < 3; round++) {
		assert_same(fill(pool, 100, messages, SLABS + 1), SLABS);
		free_all(messages, SLABS);
	}
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, a_trim_gets_what_is_in_limbo)
{
	static struct magring_message messages[SLABS];
	struct magring_pool *pool = given_checked((size_t)SLABS * 128, 0);
	assert_same(fill(pool, 100, messages, SLABS), SLABS);
	free_all(messages, SLABS);
	assert_same(magring_pool_trim(pool, 0, NULL), 0);
	assert_same(stats_of(pool).slab_bytes_carved, 0);
	/* Other classes find what the last one left behind, and zeroes. */
	assert_same(fill(pool, 1000, messages, SLABS), SLABS / 8);
	free_all(messages, SLABS / 8);
	assert_same(magring_pool_destroy(pool), 0);
}

static void *wait_for_memory(void *pool)
{
	struct magring_message message;
	int rc = magring_message_alloc(pool, &message, NULL, 0, 100, -1);
	if (rc == 0)
		magring_message_free(&message);
	return (void *)(intptr_t)rc;
}

Test(checked, a_free_serves_a_thread_that_waits)
{
	static struct magring_message messages[SLABS];
	struct magring_pool *pool = given_checked((size_t)SLABS * 128, 0);
	pthread_t thread;
	void *answer;
	assert_same(fill(pool, 100, messages, SLABS), SLABS);
	assert_same(pthread_create(&thread, NULL, wait_for_memory, pool), 0);
	assert_eventually(stats_of(pool).exhausted == 1);
	magring_message_free(&messages[0]);
	pthread_join(thread, &answer);
	assert_same((intptr_t)answer, 0);
	free_all(messages + 1, SLABS - 1);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, a_budget_without_room_for_a_margin_does)
{
	struct magring_pool *pool = given_checked(64, 0);
	struct magring_message message = given_message(pool, 64);
	memset(magring_message_payload(&message, NULL), 'x', 64);
	magring_message_free(&message);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, a_send_in_vain_leaves_the_message_as_it_was)
{
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_queue *queue = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 100), taken;
	for (;;) {
		taken = given_message(pool, 100);
		if (magring_send(queue, &taken, 0) != 0)
			break;
	}
	struct magring_message moved = message;
	assert_same(magring_send(queue, &moved, 0), -EAGAIN);
	assert_same(magring_send(queue, &moved, 1000000), -ETIMEDOUT);
	assert_same(magring_send_batch(queue, &moved, 1, 0), -EAGAIN);
	assert_same(magring_queue_close(queue), 0);
	assert_same(magring_send(queue, &moved, 0), -EPIPE);
	cr_assert_eq(memcmp(&moved, &message, sizeof(message)), 0);
	magring_message_free(&message);
	magring_message_free(&taken);
	assert_same(magring_queue_release(queue), 0); /* and what is left in it */
	assert_same(stats_of(pool).slabs_in_use, 0);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, batches_go_in_parts)
{
	static struct magring_message messages[SLABS];
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_queue *queue = given_queue(pool, SLABS / 2);
	assert_same(fill(pool, 100, messages, SLABS), SLABS);
	int sent = magring_send_batch(queue, messages, SLABS, 0);
	cr_assert(sent >= SLABS / 2 && sent <= SLABS);
	assert_same(magring_recv_batch(queue, messages, (size_t)sent, 0), sent);
	free_all(messages, SLABS);
	assert_same(stats_of(pool).slabs_in_use, 0);
	assert_same(magring_queue_release(queue), 0);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, a_plain_queue_passes_messages_on)
{
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_queue *plain = given_queue(NULL, 2), *queue = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 100);
	for (int i = 0; i < 3; i++) {
		assert_same(magring_send(plain, &message, 0), 0);
		assert_same(magring_recv(plain, &message, 0), 0);
		assert_same(magring_send(queue, &message, 0), 0);
		assert_same(magring_recv(queue, &message, 0), 0);
	}
	magring_message_free(&message);
	assert_same(magring_queue_release(plain), 0);
	assert_same(magring_queue_release(queue), 0);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, sampled_messages_are_in_the_profile_while_they_are_out)
{
	struct magring_pool *pool = given_checked(0, 1);
	char *text = NULL;
	size_t size = 0;
	struct magring_message message = given_message(pool, 12345);
	FILE *stream = open_memstream(&text, &size);
	assert_same(magring_pool_write_leaks(pool, stream), 0);
	fclose(stream);
	cr_assert_not_null(strstr(text, "12345 bytes"));
	free(text);
	magring_message_free(&message);
	stream = open_memstream(&text, &size);
	assert_same(magring_pool_write_leaks(pool, stream), 0);
	fclose(stream);
	cr_assert_null(strstr(text, "12345 bytes"));
	free(text);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, the_child_of_a_fork_gives_up_what_was_there)
{
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_queue *queue = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 100), freed = given_message(pool, 100);
	magring_message_free(&freed);
	freed = given_message(pool, 100);
	assert_same(magring_send(queue, &freed, 0), 0);
	int status;
	pid_t child = fork();
	if (child == 0) {
		magring_message_free(&message);
		bool good = magring_queue_release(queue) == 0 && magring_pool_destroy(pool) == 0;
		_exit(good ? 0 : 1);
	}
	assert_same(waitpid(child, &status, 0), child);
	assert_same(status, 0);
	magring_message_free(&message);
	assert_same(magring_queue_release(queue), 0);
	assert_same(magring_pool_destroy(pool), 0);
}

/* ---------------------------------------------------------------- shared -- */

static struct magring_message shared(struct magring_message *message)
{
	struct magring_message other = { 0 };
	assert_same(magring_message_share(message, &other), 0);
	return other;
}

static struct magring_message received(struct magring_queue *queue)
{
	struct magring_message message = { 0 };
	assert_same(magring_recv(queue, &message, 0), 0);
	return message;
}

static void assert_holds(struct magring_message *message, size_t id_size, size_t payload_size)
{
	size_t ids, payloads;
	const unsigned char *id = magring_message_id(message, &ids);
	const unsigned char *payload = magring_message_payload(message, &payloads);
	assert_same(ids, id_size);
	assert_same(payloads, payload_size);
	cr_assert(id_size == 0 || (id[0] == 'i' && id[id_size - 1] == 'i'));
	cr_assert(payload[0] == 'p' && payload[payload_size - 1] == 'p');
}

/* In a checked queue, a plain one, a batch, and those left at a queue's end. */
Test(checked, a_shared_payload_goes_through_queues)
{
	static const size_t ids[] = { 0, 40, 41, 255 };
	struct magring_pool *pool = given_checked(0, 1);
	struct magring_queue *plain = given_queue(NULL, 4);
	unsigned char id[255];
	memset(id, 'i', sizeof(id));
	for (size_t i = 0; i < 4; i++) {
		struct magring_queue *queue = given_queue(pool, 4);
		struct magring_message first, batch[2];
		assert_same(magring_message_alloc(pool, &first, id, ids[i], 1000, 0), 0);
		memset(magring_message_payload(&first, NULL), 'p', 1000);
		assert_same(magring_send(queue, &first, 0), 0); /* another generation */
		first = received(queue);
		batch[0] = shared(&first);
		batch[1] = shared(&batch[0]);
		assert_same(magring_send_batch(queue, batch, 2, 0), 2);
		assert_same(magring_send(plain, &first, 0), 0);
		first = received(plain);
		batch[0] = received(queue);
		assert_holds(&first, ids[i], 1000);
		assert_holds(&batch[0], ids[i], 1000);
		magring_message_free(&first);
		assert_holds(&batch[0], ids[i], 1000);
		magring_message_free(&batch[0]);
		struct magring_pool_stats stats = stats_of(pool);
		assert_same(stats.slabs_in_use, 1);
		assert_same(stats.payload_bytes_in_use,
			1000 + (ids[i] > 40 ? (ids[i] + 15) / 16 * 16 : 0));
		assert_same(magring_queue_release(queue), 0); /* with the last one */
		assert_same(stats_of(pool).slabs_in_use, 0);
		assert_same(stats_of(pool).payload_bytes_in_use, 0);
	}
	assert_same(magring_queue_release(plain), 0);
	assert_same(magring_pool_destroy(pool), 0);
}

static bool leaks_tell(struct magring_pool *pool, const char *wanted)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	assert_same(magring_pool_write_leaks(pool, stream), 0);
	fclose(stream);
	bool found = strstr(text, wanted) != NULL;
	free(text);
	return found;
}

Test(checked, the_sample_of_a_shared_payload_ends_with_the_last_free)
{
	struct magring_pool *pool = given_checked(0, 1);
	struct magring_message first = given_message(pool, 12345), second = shared(&first);
	magring_message_free(&first);
	cr_assert(leaks_tell(pool, "12345 bytes"));
	magring_message_free(&second);
	cr_assert_not(leaks_tell(pool, "12345 bytes"));
	assert_same(magring_pool_destroy(pool), 0);
}

/* The budget is used up by larger slabs, of which one is free. */
Test(checked, a_larger_slab_serves_and_is_shared)
{
	static struct magring_message messages[SLABS];
	struct magring_pool *pool = given_checked((size_t)SLABS * 128, 1);
	size_t count = fill(pool, 4000, messages, SLABS);
	cr_assert(count > 1);
	magring_message_free(&messages[0]);
	struct magring_message small = { 0 };
	assert_same(magring_message_alloc(pool, &small, "small", 5, 100, 0), 0);
	cr_assert(leaks_tell(pool, "id \"small\", 100 bytes"));
	memset(magring_message_payload(&small, NULL), 'p', 100);
	struct magring_message other = shared(&small);
	magring_message_free(&small);
	assert_same(stats_of(pool).payload_bytes_in_use, (count - 1) * 4000 + 100);
	cr_assert_eq(((char *)magring_message_payload(&other, NULL))[99], 'p');
	magring_message_free(&other);
	cr_assert_not(leaks_tell(pool, "small"));
	free_all(messages + 1, count - 1);
	assert_same(stats_of(pool).slabs_in_use, 0);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(checked, the_child_of_a_fork_frees_its_shared_messages)
{
	struct magring_pool *pool = given_checked(0, 1);
	struct magring_message first = given_message(pool, 100), second = shared(&first);
	int status;
	pid_t child = fork();
	if (child == 0) {
		magring_message_free(&first);
		bool held = magring_pool_destroy(pool) == -EBUSY;
		magring_message_free(&second);
		_exit(held && magring_pool_destroy(pool) == 0 ? 0 : 1);
	}
	assert_same(waitpid(child, &status, 0), child);
	assert_same(status, 0);
	magring_message_free(&first);
	magring_message_free(&second);
	assert_same(magring_pool_destroy(pool), 0);
}

/* ------------------------------------- copies of messages that were shared -- */

/* All that have the payload are gone, and the slab is another message's. */
static struct magring_message copy_of_a_shared_message(struct magring_pool *pool)
{
	struct magring_message first = given_message(pool, 64), second = shared(&first);
	struct magring_message copy = second;
	magring_message_free(&first);
	magring_message_free(&second);
	struct magring_message next = given_message(pool, 64);
	cr_assert_eq(message_slab(&copy), message_slab(&next));
	next = shared(&next);
	return copy;
}

Test(checked, a_copy_of_a_shared_message_is_not_freed, .signal = SIGABRT)
{
	struct magring_message copy = copy_of_a_shared_message(given_checked(64, 0));
	magring_message_free(&copy);
}

Test(checked, a_copy_of_a_shared_message_is_not_sent, .signal = SIGABRT)
{
	struct magring_pool *pool = given_checked(64, 0);
	struct magring_message copy = copy_of_a_shared_message(pool);
	assert_same(magring_send(given_queue(pool, 2), &copy, 0), 0);
}

Test(checked, a_copy_of_a_shared_message_is_not_read, .signal = SIGABRT)
{
	struct magring_message copy = copy_of_a_shared_message(given_checked(64, 0));
	(void)magring_message_payload(&copy, NULL);
}

Test(checked, a_copy_of_a_shared_message_is_not_shared, .signal = SIGABRT)
{
	struct magring_message copy = copy_of_a_shared_message(given_checked(64, 0));
	(void)shared(&copy);
}

Test(checked, a_message_that_was_sent_is_not_shared, .signal = SIGABRT)
{
	struct magring_pool *pool = given_checked(0, 0);
	struct magring_message message = given_message(pool, 100), copy = message;
	assert_same(magring_send(given_queue(pool, 2), &message, 0), 0);
	(void)shared(&copy);
}
