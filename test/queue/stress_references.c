/* SPDX-License-Identifier: MIT */
/*
 * A queue for each reply. Clients create a queue, take a reference for each server
 * that a request is for, send the requests and release the queue when the first
 * reply is there. Servers send the reply and then release the queue. So a thread may
 * receive a message, and release the queue, while the sender of that message
 * still looks for sleepers.
 *
 * At times the servers stop amid the traffic. The requests that they leave are dropped
 * with the last reference to their queue: their queues of replies are closed and
 * released. Statistics are written meanwhile.
 *
 * Every request comes to its end once, by a reply or a drop. In the end every queue is
 * gone and the accounts balance.
 */
#include "stress.h"

#include <sched.h>

#define CLIENTS 3
#define SERVERS 2
#define ASKED 2      /* servers for one request, at most */
#define REQUESTS 400 /* of one client, a game */

struct request {
	struct magring_queue *reply_to;
	uint32_t client, number;
};

static struct {
	struct magring_pool *pool;
	struct magring_queue *requests;
	_Atomic(bool) stop, over;
	_Atomic(uint64_t) sent, served, dropped, replies, gone;
	uint64_t games;
} game;

static bool is_set(_Atomic(bool) *flag)
{
	return atomic_load_explicit(flag, memory_order_relaxed);
}

static void count(_Atomic(uint64_t) *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static struct request request_in(struct magring_message *message)
{
	struct request request = { 0 };
	size_t size = 0;
	const void *payload = magring_message_payload(message, &size);
	CHECK(size >= sizeof(request), "%zu bytes", size);
	if (size >= sizeof(request))
		memcpy(&request, payload, sizeof(request));
	return request;
}

/* A request that is served by no thread. */
static void drop_request(struct magring_message *message, void *context)
{
	struct request request = request_in(message);
	CHECK(context == &game, "the context");
	CHECK(magring_queue_close(request.reply_to) == 0, "close");
	CHECK(magring_queue_release(request.reply_to) == 0, "release");
	count(&game.dropped);
}

/* A reply that came after its client had gone. */
static void drop_reply(struct magring_message *message, void *context)
{
	(void)request_in(message);
	CHECK(context == NULL, "the context");
	count(&game.gone);
}

static void *serve(void *number)
{
	struct dice dice = dice_of(game.games * 16 + *(uint32_t *)number);
	struct magring_message message;
	while (!is_set(&game.stop) && magring_recv(game.requests, &message, -1) == 0) {
		struct request request = request_in(&message);
		if (magring_send(request.reply_to, &message, 0) != 0) {
			CHECK(false, "there was room");
			magring_message_free(&message);
		}
		if (dice_throw(&dice, 4) == 0)
			sched_yield();
		CHECK(magring_queue_release(request.reply_to) == 0, "release");
		count(&game.served);
	}
	CHECK(magring_queue_release(game.requests) == 0, "release");
	return NULL;
}

static struct magring_queue *queue_of_replies(struct dice *dice)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = ASKED,
		.flags = dice_throw(dice, 2) == 0 ? MAGRING_SINGLE_RECEIVER : 0,
		.drop = drop_reply };
	struct magring_queue *queue = NULL;
	int rc =
		magring_queue_create(&queue, dice_throw(dice, 2) == 0 ? game.pool : NULL, &options);
	CHECK(rc == 0, "%s", strerror(-rc));
	return queue;
}

/* The reference of a request is its server's from then on. */
static void ask(struct request request, size_t size)
{
	struct magring_message message;
	CHECK(magring_queue_acquire(request.reply_to) == 0, "acquire");
	CHECK(magring_message_alloc(game.pool, &message, NULL, 0, size, -1) == 0, "alloc");
	memcpy(magring_message_payload(&message, NULL), &request, sizeof(request));
	if (magring_send(game.requests, &message, -1) == 0) {
		count(&game.sent);
		return;
	}
	magring_message_free(&message);
	CHECK(magring_queue_close(request.reply_to) == 0, "close");
	CHECK(magring_queue_release(request.reply_to) == 0, "release");
}

/* Not for ever, if the servers have stopped. */
static int await_reply(struct magring_queue *queue, struct magring_message *ret_message)
{
	int rc;
	do
		rc = magring_recv(queue, ret_message, 5000000);
	while (rc == -ETIMEDOUT && !is_set(&game.stop));
	return rc;
}

static void *be_client(void *number)
{
	struct dice dice = dice_of(game.games * 16 + 8 + *(uint32_t *)number);
	struct request request = { .client = *(uint32_t *)number };
	for (; request.number < REQUESTS && !is_set(&game.stop); request.number++) {
		struct magring_message message;
		uint32_t asked = 1 + dice_throw(&dice, ASKED);
		request.reply_to = queue_of_replies(&dice);
		for (uint32_t i = 0; i < asked; i++)
			ask(request, sizeof(request) + (dice_throw(&dice, 2) == 0 ? 100 : 0));
		int rc = await_reply(request.reply_to, &message);
		if (rc == 0) {
			struct request reply = request_in(&message);
			CHECK(reply.client == request.client && reply.number == request.number,
				"%" PRIu32 ":%" PRIu32 " for %" PRIu32 ":%" PRIu32, reply.client,
				reply.number, request.client, request.number);
			magring_message_free(&message);
			count(&game.replies);
		} else {
			CHECK(is_set(&game.stop), "%s", strerror(-rc));
		}
		CHECK(magring_queue_release(request.reply_to) == 0, "release");
		stress_alive();
	}
	CHECK(magring_queue_release(game.requests) == 0, "release");
	return NULL;
}

static void *write_texts(void *unused)
{
	FILE *nothing = fopen("/dev/null", "w");
	CHECK(nothing != NULL, "%s", strerror(errno));
	while (nothing != NULL && !is_set(&game.over)) {
		CHECK(magring_pool_write_metrics(game.pool, nothing) == 0, "metrics");
		stress_sleep_ns(300000);
	}
	if (nothing != NULL)
		fclose(nothing);
	return unused;
}

static void play(struct dice *dice)
{
	static uint32_t numbers[] = { 0, 1, 2, 3 };
	pthread_t servers[SERVERS], clients[CLIENTS], writer;
	const struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 8,
		.drop = drop_request,
		.drop_context = &game };
	game.pool = stress_pool((size_t)1 << 20, 0);
	CHECK(magring_queue_create(&game.requests, game.pool, &options) == 0, "create");
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	atomic_store_explicit(&game.stop, false, memory_order_relaxed);
	for (int i = 0; i < SERVERS + CLIENTS; i++)
		CHECK(magring_queue_acquire(game.requests) == 0, "acquire");
	for (int i = 0; i < SERVERS; i++)
		stress_start(&servers[i], serve, &numbers[i]);
	for (int i = 0; i < CLIENTS; i++)
		stress_start(&clients[i], be_client, &numbers[i]);
	stress_start(&writer, write_texts, NULL);
	bool stop = dice_throw(dice, 2) == 0;
	if (stop) {
		stress_sleep_ns((long)dice_throw(dice, 3000000));
		atomic_store_explicit(&game.stop, true, memory_order_relaxed);
		CHECK(magring_queue_close(game.requests) == 0, "close");
		CHECK(magring_queue_release(game.requests) == 0, "release");
	}
	for (int i = 0; i < CLIENTS; i++)
		stress_join(clients[i]);
	if (!stop) {
		CHECK(magring_queue_close(game.requests) == 0, "close");
		CHECK(magring_queue_release(game.requests) == 0, "release");
	}
	for (int i = 0; i < SERVERS; i++)
		stress_join(servers[i]);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	stress_join(writer);
	CHECK(stress_pool_stats(game.pool).queues == 0, "queues are left");
	stress_destroy(game.pool);
	game.games++;
}

int main(int argc, char **argv)
{
	stress_begin("stress_references", argc, argv);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		play(&dice);
	CHECK(game.sent == game.served + game.dropped,
		"sent %" PRIu64 ", served %" PRIu64 ", dropped %" PRIu64, game.sent, game.served,
		game.dropped);
	CHECK(game.served == game.replies + game.gone,
		"served %" PRIu64 ", replies %" PRIu64 ", gone %" PRIu64, game.served, game.replies,
		game.gone);
	printf("%" PRIu64 " games, %" PRIu64 " requests, %" PRIu64 " replies, %" PRIu64
	       " after their clients, "
	       "%" PRIu64 " requests dropped\n",
		game.games, game.sent, game.replies, game.gone, game.dropped);
	return stress_end();
}
