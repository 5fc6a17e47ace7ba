/* SPDX-License-Identifier: MIT */
/*
 * Payloads that are shared: each goes to many queues, and to a receiver of each.
 *
 *	publishers   make a message, share it once for each queue, and send
 *	subscribers  check every byte, now and then share anew and pass that on to the
 *	             next queue, and free
 *	trimmer      gives memory back beside that, so that slabs change their class
 *
 * A slab that was given back too early is soon written by a publisher. As many
 * messages are received as were shared, and in the end nothing is out.
 */
#include <errno.h>

#include "stress.h"

#define SUBSCRIBERS 4
#define PUBLISHERS 2
#define LIMIT ((size_t)4 << 20)
#define PAYLOAD_MAX ((size_t)3000)

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue[SUBSCRIBERS];
	_Atomic(bool) over;
	_Atomic(uint64_t) published, received, passed_on;
} game;

static void show(void)
{
	for (int i = 0; i < SUBSCRIBERS; i++)
		if (game.queue[i] != NULL)
			stress_print_queue(game.queue[i]);
}

static void count(_Atomic(uint64_t) *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* One more message with the payload goes to this queue, if it has room. */
static bool share_to(struct magring_message *message, struct magring_queue *queue,
	int64_t timeout_ns)
{
	struct magring_message other;
	int rc = magring_message_share(message, &other);
	CHECK(rc == 0, "magring_message_share: %s", strerror(-rc));
	rc = magring_send(queue, &other, timeout_ns);
	CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT, "magring_send: %s", strerror(-rc));
	if (rc != 0)
		magring_message_free(&other);
	return rc == 0;
}

static void *publish(void *argument)
{
	uint32_t sender = (uint32_t)(uintptr_t)argument;
	struct dice dice = dice_of(1 + sender);
	struct magring_message message;
	for (uint32_t i = 0; stress_goes_on(); i++) {
		struct stress_label label = { .sender = sender, .sequence = i };
		int rc = stress_message_wait(game.pool, &message, label, dice_id_size(&dice),
			dice_throw(&dice, PAYLOAD_MAX), -1);
		CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
		for (int queue = 0; queue < SUBSCRIBERS; queue++)
			share_to(&message, game.queue[queue], -1);
		magring_message_free(&message);
		count(&game.published);
		stress_alive();
	}
	return NULL;
}

static void *subscribe(void *argument)
{
	uintptr_t number = (uintptr_t)argument;
	struct dice dice = dice_of(100 + number);
	struct magring_message message;
	while (magring_recv(game.queue[number], &message, -1) == 0) {
		struct stress_label label = { 0 };
		CHECK(stress_message_intact(&message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
			label.sequence);
		/* Without waiting: a subscriber that waits for room may fill another queue. */
		if (dice_throw(&dice, 4) == 0 && number + 1 < SUBSCRIBERS &&
			share_to(&message, game.queue[number + 1], 0))
			count(&game.passed_on);
		CHECK(stress_message_intact(&message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
			label.sequence);
		magring_message_free(&message);
		count(&game.received);
		stress_alive();
	}
	return NULL;
}

static void *trim(void *unused)
{
	while (!atomic_load_explicit(&game.over, memory_order_relaxed)) {
		int rc = magring_pool_trim(game.pool, 0, NULL);
		/* An allocation that finds no memory may trim as well. */
		CHECK(rc == 0 || rc == -EBUSY, "magring_pool_trim: %s", strerror(-rc));
		stress_sleep_ns(1000000);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t publisher[PUBLISHERS], subscriber[SUBSCRIBERS], trimmer;
	stress_show = show;
	stress_begin("stress_share", argc, argv);
	game.pool = stress_pool(LIMIT, PAYLOAD_MAX);
	for (int i = 0; i < SUBSCRIBERS; i++)
		game.queue[i] = stress_queue(game.pool, 16);
	for (uintptr_t i = 0; i < PUBLISHERS; i++)
		stress_start(&publisher[i], publish, (void *)i);
	for (uintptr_t i = 0; i < SUBSCRIBERS; i++)
		stress_start(&subscriber[i], subscribe, (void *)i);
	stress_start(&trimmer, trim, NULL);
	for (int i = 0; i < PUBLISHERS; i++)
		stress_join(publisher[i]);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	stress_join(trimmer);
	for (int i = 0; i < SUBSCRIBERS; i++) {
		magring_queue_close(game.queue[i]);
		stress_join(subscriber[i]);
	}
	printf("%" PRIu64 " published, %" PRIu64 " received, %" PRIu64 " passed on\n",
		game.published, game.received, game.passed_on);
	CHECK(game.received == game.published * SUBSCRIBERS + game.passed_on,
		"%" PRIu64 " of %" PRIu64 " published and %" PRIu64 " passed on", game.received,
		game.published, game.passed_on);
	for (int i = 0; i < SUBSCRIBERS; i++)
		magring_queue_release(game.queue[i]);
	stress_destroy(game.pool);
	return stress_end();
}
