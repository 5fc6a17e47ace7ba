/* SPDX-License-Identifier: MIT */
/*
 * Queues that are closed in the middle of traffic, thousands of them.
 *
 * Each message whose send returned 0 is received once, in its sender's order;
 * whoever is told -EPIPE finds nothing left; from then on the answer is -EPIPE to
 * every call; a message that was not sent is still whole and the sender's. In some rounds
 * one thread alone sends, or receives, and has said so.
 */
#include "stress.h"

#include <sched.h>

#define SENDERS 2
#define RECEIVERS 2
#define BATCH_MAX 4
#define MESSAGES_MAX 2048 /* a sender's, in a round */

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	pthread_barrier_t begin, end;
	bool over;                   /* these are read after `begin` */
	uint32_t senders, receivers; /* who take part in this round */
	_Atomic(uint32_t) going;     /* the sends of this round */
	uint32_t sent[SENDERS];      /* by each sender; read after `end` */
	uint32_t received[RECEIVERS];
	_Atomic(unsigned char) seen[SENDERS][MESSAGES_MAX];
	_Atomic(uint64_t) refused; /* messages that were left with a sender */
} game;

static void show(void)
{
	stress_print_queue(game.queue);
}

static void send_until_closed(uint32_t number, struct dice *dice)
{
	struct magring_message messages[BATCH_MAX];
	uint32_t sent = 0, made = 0;
	int result = 0;
	while (result != -EPIPE && sent < MESSAGES_MAX - BATCH_MAX) {
		while (made - sent < BATCH_MAX) {
			struct stress_label label = { .sender = number, .sequence = made };
			int rc = stress_message_make(game.pool, &messages[made - sent], label, 8,
				dice_throw(dice, 120));
			CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
			made++;
		}
		int64_t timeout_ns = dice_timeout(dice);
		uint32_t n = 0;
		if (dice_throw(dice, 2) == 0) {
			result = magring_send(game.queue, messages, timeout_ns);
			n = result == 0;
		} else {
			result = magring_send_batch(game.queue, messages, BATCH_MAX, timeout_ns);
			n = result > 0 ? (uint32_t)result : 0;
		}
		CHECK(result >= 0 || result == -EPIPE || (result == -EAGAIN && timeout_ns == 0) ||
				(result == -ETIMEDOUT && timeout_ns > 0),
			"send: %d, timeout %" PRId64, result, timeout_ns);
		sent += n;
		memmove(messages, messages + n, (made - sent) * sizeof(messages[0]));
		atomic_fetch_add_explicit(&game.going, n, memory_order_relaxed);
		stress_alive();
	}
	for (uint32_t i = 0; i < made - sent; i++) {
		struct stress_label label = { 0 };
		if (result == -EPIPE)
			CHECK(magring_send(game.queue, &messages[i], dice_timeout(dice)) == -EPIPE,
				"%" PRIu32 ":%" PRIu32, number, sent + i);
		CHECK(stress_message_intact(&messages[i], &label) && label.sequence == sent + i,
			"%" PRIu32 ":%" PRIu32, number, sent + i);
		magring_message_free(&messages[i]);
		atomic_fetch_add_explicit(&game.refused, 1, memory_order_relaxed);
	}
	game.sent[number] = sent;
}

static void receive_until_closed(uint32_t number, struct dice *dice)
{
	struct magring_message messages[BATCH_MAX];
	uint32_t next[SENDERS] = { 0 }, received = 0;
	for (;;) {
		int64_t timeout_ns = dice_timeout(dice);
		int result, n = 0;
		if (dice_throw(dice, 2) == 0) {
			result = magring_recv(game.queue, messages, timeout_ns);
			n = result == 0;
		} else {
			result = n =
				magring_recv_batch(game.queue, messages, BATCH_MAX, timeout_ns);
		}
		if (result == -EPIPE)
			break;
		CHECK(result >= 0 || (result == -EAGAIN && timeout_ns == 0) ||
				(result == -ETIMEDOUT && timeout_ns > 0),
			"recv: %d, timeout %" PRId64, result, timeout_ns);
		for (int i = 0; i < n; i++) {
			struct stress_label label = { 0 };
			bool intact = stress_message_intact(&messages[i], &label);
			CHECK(intact && label.sender < SENDERS && label.sequence < MESSAGES_MAX,
				"%" PRIu32 ":%" PRIu32, label.sender, label.sequence);
			if (intact && label.sender < SENDERS && label.sequence < MESSAGES_MAX) {
				CHECK(label.sequence >= next[label.sender],
					"%" PRIu32 ":%" PRIu32 " after %" PRIu32, label.sender,
					label.sequence, next[label.sender] - 1);
				next[label.sender] = label.sequence + 1;
				unsigned char before =
					atomic_fetch_add_explicit(&game.seen[label.sender]
									    [label.sequence],
						1, memory_order_relaxed);
				CHECK(before == 0, "%" PRIu32 ":%" PRIu32 " twice", label.sender,
					label.sequence);
			}
			magring_message_free(&messages[i]);
			received++;
		}
	}
	CHECK(magring_queue_size(game.queue) == 0, "-EPIPE and size %zu",
		magring_queue_size(game.queue));
	CHECK(magring_recv(game.queue, messages, dice_timeout(dice)) == -EPIPE, "after -EPIPE");
	CHECK(magring_recv_batch(game.queue, messages, BATCH_MAX, dice_timeout(dice)) == -EPIPE,
		"after -EPIPE");
	game.received[number] = received;
	stress_alive();
}

static void *worker(void *argument)
{
	uint32_t number = *(const uint32_t *)argument;
	struct dice dice = dice_of(number + 1);
	for (;;) {
		pthread_barrier_wait(&game.begin);
		if (game.over)
			return NULL;
		if (number < game.senders)
			send_until_closed(number, &dice);
		else if (number >= SENDERS && number < SENDERS + game.receivers)
			receive_until_closed(number - SENDERS, &dice);
		pthread_barrier_wait(&game.end);
	}
}

/* Close when about this many messages have been sent, or after this long. */
static void close_amid(uint32_t messages, uint32_t looks)
{
	while (atomic_load_explicit(&game.going, memory_order_relaxed) < messages && looks-- > 0)
		if (looks % 16 == 0)
			sched_yield();
	magring_queue_close(game.queue);
}

static uint64_t check_round(void)
{
	uint64_t sent = 0, received = 0;
	struct magring_queue_stats stats = stress_queue_stats(game.queue);
	for (int i = 0; i < SENDERS; i++) {
		sent += game.sent[i];
		for (uint32_t j = 0; j < MESSAGES_MAX; j++)
			CHECK(atomic_load_explicit(&game.seen[i][j], memory_order_relaxed) ==
					(j < game.sent[i]),
				"%d:%" PRIu32 " of %" PRIu32 " sent", i, j, game.sent[i]);
	}
	for (int i = 0; i < RECEIVERS; i++)
		received += game.received[i];
	CHECK(sent == received && stats.sent - stats.returned == sent &&
			stats.received == stats.sent && stats.closed,
		"sent %" PRIu64 " received %" PRIu64 ", counted %" PRIu64 " and %" PRIu64, sent,
		received, stats.sent, stats.received);
	return sent;
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_close", argc, argv);
	struct dice dice = dice_of(0);
	pthread_t threads[SENDERS + RECEIVERS];
	uint32_t numbers[SENDERS + RECEIVERS];
	uint64_t rounds = 0, messages = 0;
	game.pool = stress_pool(0, 0);
	pthread_barrier_init(&game.begin, NULL, SENDERS + RECEIVERS + 1);
	pthread_barrier_init(&game.end, NULL, SENDERS + RECEIVERS + 1);
	for (uint32_t i = 0; i < SENDERS + RECEIVERS; i++) {
		numbers[i] = i;
		stress_start(&threads[i], worker, &numbers[i]);
	}
	for (; stress_goes_on(); rounds++) {
		game.senders = 1 + dice_throw(&dice, SENDERS);
		game.receivers = 1 + dice_throw(&dice, RECEIVERS);
		game.queue = stress_queue_for(game.pool, (size_t)2 << dice_throw(&dice, 6),
			(game.senders == 1 ? MAGRING_SINGLE_SENDER : 0) |
				(game.receivers == 1 ? MAGRING_SINGLE_RECEIVER : 0));
		memset(game.seen, 0, sizeof(game.seen));
		memset(game.sent, 0, sizeof(game.sent));
		memset(game.received, 0, sizeof(game.received));
		atomic_store_explicit(&game.going, 0, memory_order_relaxed);
		pthread_barrier_wait(&game.begin);
		close_amid(dice_throw(&dice, 100), dice_throw(&dice, 20000));
		pthread_barrier_wait(&game.end);
		messages += check_round();
		magring_queue_release(game.queue);
	}
	game.over = true;
	pthread_barrier_wait(&game.begin);
	for (uint32_t i = 0; i < SENDERS + RECEIVERS; i++)
		stress_join(threads[i]);
	printf("%" PRIu64 " rounds, %" PRIu64 " messages received, %" PRIu64
	       " left with their senders\n",
		rounds, messages, atomic_load_explicit(&game.refused, memory_order_relaxed));
	stress_destroy(game.pool);
	return stress_end();
}
