/* SPDX-License-Identifier: MIT */
/*
 * The hot operations, each CALLS times, for callgrind to count: instructions.py starts
 * this program under it, and holds what each operation took against a budget.
 *
 * Each operation's part of the program's profile ends with a dump that bears its name.
 * What is counted is the caller's loop with the call in it; what it takes to have messages to
 * send, or room for them, is not. The memory that the operations need was used once before, as in the
 * steady state. One thread: what threads do to one another cannot be counted like this.
 *
 * Is there no membarrier, the library has other paths than those that the budget is
 * about, and the answer is 77.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "base/fence.h"
#include "magring.h"

enum { CALLS = 1024, BATCH = 16, LARGE_BATCH = 64, SKIPPED = 77 };

static struct magring_pool *pool; /* the one that is used: one of these */
static struct magring_pool *plain, *sampled;
static struct magring_queue *queue; /* the one that is used: one of these */
static struct magring_queue *shared, *declared;
static struct magring_message messages[CALLS];
static unsigned int wrong; /* answers */

static void make_inline(size_t count)
{
	for (size_t i = 0; i < count; i++)
		wrong += magring_message_copy(pool, &messages[i], "0123456789abcdef", 16,
				 "payload, 32 bytes with its zero", 32, 0) != 0;
}

static void make_in_slabs(void)
{
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_message_alloc(pool, &messages[i], NULL, 0, 64, 0) != 0;
}

static void free_all(void)
{
	for (size_t i = 0; i < CALLS; i++)
		magring_message_free(&messages[i]);
}

static void use_slabs_once(void)
{
	make_in_slabs();
	free_all();
}

static void use_sampled_slabs_once(void)
{
	pool = sampled;
	use_slabs_once();
}

static void free_all_sampled(void)
{
	free_all();
	pool = plain;
}

static void make(void)
{
	make_inline(CALLS);
}

static void fill(void)
{
	make();
	wrong += magring_send_batch(queue, messages, CALLS, 0) != CALLS;
}

static void fill_and_make_one_more(void)
{
	fill();
	make_inline(1);
}

static void drain(void)
{
	wrong += magring_recv_batch(queue, messages, CALLS, 0) != CALLS;
	free_all();
}

static void nothing(void) {}

/* ------------------------------------------------------ what is counted -- */

static void send(void)
{
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_send(queue, &messages[i], 0) != 0;
}

static void receive(void)
{
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_recv(queue, &messages[i], 0) != 0;
}

static void send_to_full(void)
{
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_send(queue, &messages[0], 0) != -EAGAIN;
}

/* Of each message a second one, which is freed. */
static void share_each(void)
{
	struct magring_message other;
	for (size_t i = 0; i < CALLS; i++) {
		wrong += magring_message_share(&messages[i], &other) != 0;
		magring_message_free(&other);
	}
}

static void make_shared(void)
{
	make_in_slabs();
	share_each();
}

static void receive_from_empty(void)
{
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_recv(queue, &messages[0], 0) != -EAGAIN;
}

static void send_batches(void)
{
	for (size_t i = 0; i < CALLS; i += BATCH)
		wrong += magring_send_batch(queue, &messages[i], BATCH, 0) != BATCH;
}

static void receive_batches(void)
{
	for (size_t i = 0; i < CALLS; i += BATCH)
		wrong += magring_recv_batch(queue, &messages[i], BATCH, 0) != BATCH;
}

static void create_and_release(void)
{
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	struct magring_queue *small;
	for (size_t i = 0; i < CALLS; i++)
		wrong += magring_queue_create(&small, pool, &options) != 0 ||
			magring_queue_release(small) != 0;
}

static void alloc(void)
{
	make_in_slabs();
}

static void alloc_batches(size_t batch)
{
	for (size_t i = 0; i < CALLS; i += batch)
		wrong +=
			magring_message_alloc_batch(pool, &messages[i], batch, 64, 0) != (int)batch;
}

static void free_batches(size_t batch)
{
	for (size_t i = 0; i < CALLS; i += batch)
		magring_message_free_batch(&messages[i], batch);
}

static void alloc_batches_16(void)
{
	alloc_batches(BATCH);
}

static void free_batches_16(void)
{
	free_batches(BATCH);
}

static void alloc_batches_64(void)
{
	alloc_batches(LARGE_BATCH);
}

static void free_batches_64(void)
{
	free_batches(LARGE_BATCH);
}

static void alloc_and_free(void)
{
	for (size_t i = 0; i < CALLS; i++) {
		wrong += magring_message_alloc(pool, &messages[0], NULL, 0, 4096, 0) != 0;
		magring_message_free(&messages[0]);
	}
}

/* A message that has a count already, as those of all subscribers but the first. */
static void share_and_free(void)
{
	struct magring_message other;
	for (size_t i = 0; i < CALLS; i++) {
		wrong += magring_message_share(&messages[0], &other) != 0;
		magring_message_free(&other);
	}
}

static const struct {
	const char *name; /* in the budget */
	unsigned int operations;
	void (*before)(void);
	void (*counted)(void);
	void (*after)(void);
	bool declared; /* one sender, one receiver */
} parts[] = {
	{ "send", CALLS, make, send, drain, false },
	{ "receive", CALLS, fill, receive, free_all, false },
	{ "send-16", CALLS / BATCH, make, send_batches, drain, false },
	{ "receive-16", CALLS / BATCH, fill, receive_batches, free_all, false },
	{ "send-declared", CALLS, make, send, drain, true },
	{ "receive-declared", CALLS, fill, receive, free_all, true },
	{ "send-to-full", CALLS, fill_and_make_one_more, send_to_full, drain, false },
	{ "receive-from-empty", CALLS, nothing, receive_from_empty, nothing, false },
	{ "copy-inline", CALLS, nothing, make, free_all, false },
	{ "alloc-64", CALLS, use_slabs_once, alloc, free_all, false },
	{ "free-64", CALLS, make_in_slabs, free_all, nothing, false },
	{ "alloc-64-unsampled", CALLS, use_sampled_slabs_once, alloc, free_all_sampled, false },
	{ "alloc-batch-16", CALLS / BATCH, use_slabs_once, alloc_batches_16, free_all, false },
	{ "free-batch-16", CALLS / BATCH, make_in_slabs, free_batches_16, nothing, false },
	{ "alloc-batch-64", CALLS / LARGE_BATCH, use_slabs_once, alloc_batches_64, free_all,
		false },
	{ "free-batch-64", CALLS / LARGE_BATCH, make_in_slabs, free_batches_64, nothing, false },
	{ "alloc-and-free-4096", CALLS, nothing, alloc_and_free, nothing, false },
	{ "share-and-free", CALLS, make_shared, share_and_free, free_all, false },
	{ "free-last-shared", CALLS, make_shared, free_all, nothing, false },
	{ "create-and-release-2", CALLS, nothing, create_and_release, nothing, false },
};

int main(void)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = CALLS / 2 }; /* CALLS cells */
	struct magring_queue_options single = { .size = sizeof(single),
		.capacity = CALLS / 2,
		.flags = MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER };

	/* So far apart that none is taken. */
	struct magring_pool_options samples = { .size = sizeof(samples),
		.sample_bytes = (uint64_t)1 << 60 };

	fence_init();
	if (!fence_asymmetric) {
		fprintf(stderr, "skipped: no membarrier here, and so not the usual paths\n");
		return SKIPPED;
	}
	if (magring_pool_create(&plain, NULL) != 0 ||
		magring_pool_create(&sampled, &samples) != 0) {
		fprintf(stderr, "cannot create pools\n");
		return 1;
	}
	pool = plain;
	if (magring_queue_create(&shared, pool, &options) != 0 ||
		magring_queue_create(&declared, pool, &single) != 0) {
		fprintf(stderr, "cannot create queues\n");
		return 1;
	}
	/* The first time everything is used once: threads attach, slabs are carved, calls are bound. */
	for (int counted = 0; counted < 2; counted++) {
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			queue = parts[i].declared ? declared : shared;
			parts[i].before();
			CALLGRIND_ZERO_STATS;
			parts[i].counted();
			if (counted) {
				CALLGRIND_DUMP_STATS_AT(parts[i].name);
				printf("%s %u\n", parts[i].name, parts[i].operations);
			}
			parts[i].after();
		}
	}
	if (magring_queue_release(shared) != 0 || magring_queue_release(declared) != 0 ||
		magring_pool_destroy(plain) != 0 || magring_pool_destroy(sampled) != 0)
		wrong++;
	if (wrong > 0)
		fprintf(stderr, "%u calls did not answer as they should\n", wrong);
	return wrong > 0;
}
