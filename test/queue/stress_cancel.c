/* SPDX-License-Identifier: MIT */
/*
 * Threads are cancelled in waits, while what they wait for comes: senders, batch senders, receivers and
 * batch receivers, with payloads in slabs of which there are too few. So a sender may be cancelled
 * as it waits for memory or for room. One that is cancelled is replaced.
 *
 * Every message that a sender has sent is received once, and no other; what a cancelled sender has not
 * sent is still its own, and intact. A wake-up that is lost with a cancelled thread leaves others asleep
 * for good. In the end the accounts balance and all slabs can be had.
 */
#include "stress.h"

#include <sched.h>

#include "pool/pool.h"
#include "queue/queue.h"

#define SLAB ((size_t)2048)
#define PAYLOAD (SLAB - 64)
#define SLABS 12 /* more than senders hold while they wait for one more */
#define BATCH 4
#define WORKERS 8  /* two of each kind */
#define CANCELS 60 /* a game */
#define SENDERS_MAX (WORKERS + CANCELS)
#define SEQUENCES 8192 /* of one sender */

enum kind { SEND, SEND_BATCH, RECEIVE, RECEIVE_BATCH };

struct worker {
	pthread_t thread;
	enum kind kind;
	uint32_t number; /* of a sender */
	uint64_t stream;
	int64_t timeout_ns;
	struct magring_message message[BATCH];
	uint32_t made, sent; /* labels used; the first of them, sent before the present call */
};

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct worker worker[SENDERS_MAX];
	_Atomic(bool) over;
	_Atomic(uint8_t) seen[SENDERS_MAX][SEQUENCES];
	uint64_t games, cancelled[4], kept, messages;
} game;

static void show(void)
{
	stress_print_queue(game.queue);
	for (unsigned int i = 0; i < stress_pool_stats(game.pool).classes; i++)
		if (eventcount_has_waiters(&game.pool->memory[i]))
			fprintf(stderr, "  threads wait for slabs of class %u\n", i);
}

static bool over(void)
{
	return atomic_load_explicit(&game.over, memory_order_relaxed);
}

/* ------------------------------------------------------------- the threads -- */

/* Some of the time is not unlimited, so that threads give up as well. */
static int64_t choose_timeout(struct dice *dice)
{
	return dice_throw(dice, 4) == 0 ? (int64_t)dice_throw(dice, 300000) : -1;
}

/* No cancellation here: it is for the waits. (ThreadSanitizer would see no edges of the thread any more
 * that is cancelled in a function that it intercepts.) */
static void sleep_uncancelled(long ns)
{
	int state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	stress_sleep_ns(ns);
	pthread_setcancelstate(state, NULL);
}

/* Now and then, so that the others have to wait. */
static void pause_at_times(struct dice *dice)
{
	if (dice_throw(dice, 32) == 0)
		sleep_uncancelled((long)dice_throw(dice, 200000));
}

/* Until there are `count` messages: false if the time is over. */
static bool make_messages(struct worker *worker, uint32_t count, int64_t timeout_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		struct stress_label label = { .sender = worker->number, .sequence = worker->made };
		if (!stress_message_empty(&worker->message[i]))
			continue;
		int rc = stress_message_wait(game.pool, &worker->message[i], label, 8, PAYLOAD,
			timeout_ns);
		CHECK(rc == 0 || (timeout_ns >= 0 && (rc == -ETIMEDOUT || rc == -ENOBUFS)), "%s",
			strerror(-rc));
		if (rc != 0)
			return false;
		worker->made++;
	}
	return true;
}

/* What is left moves to the front. */
static void count_sent(struct worker *worker, uint32_t sent)
{
	for (uint32_t i = 0; sent > 0 && i + sent < BATCH; i++) {
		worker->message[i] = worker->message[i + sent];
		worker->message[i + sent] = (struct magring_message){ 0 };
	}
	worker->sent += sent;
}

static void *send_on(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	uint32_t count = worker->kind == SEND ? 1 : BATCH;
	while (!over() && worker->made < SEQUENCES - BATCH) {
		int64_t timeout_ns = choose_timeout(&dice);
		if (!make_messages(worker, count, timeout_ns))
			continue;
		int rc = worker->kind == SEND
			? magring_send(game.queue, worker->message, timeout_ns)
			: magring_send_batch(game.queue, worker->message, count, timeout_ns);
		CHECK(rc >= 0 || (timeout_ns >= 0 && (rc == -ETIMEDOUT || rc == -EAGAIN)), "%s",
			strerror(-rc));
		if (rc >= 0)
			count_sent(worker, worker->kind == SEND ? 1 : (uint32_t)rc);
		pause_at_times(&dice);
	}
	/* Cancelled now, it is so here. */
	for (; !over(); pthread_testcancel())
		sleep_uncancelled(1000000);
	return NULL;
}

static void take_in(struct magring_message *message)
{
	struct stress_label label = { 0 };
	bool intact = stress_message_intact(message, &label);
	CHECK(intact && label.sender < SENDERS_MAX && label.sequence < SEQUENCES,
		"%" PRIu32 ":%" PRIu32, label.sender, label.sequence);
	if (intact)
		atomic_fetch_add_explicit(&game.seen[label.sender][label.sequence], 1,
			memory_order_relaxed);
	magring_message_free(message);
}

static void *receive_on(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	for (;;) {
		int64_t timeout_ns = choose_timeout(&dice);
		int rc = worker->kind == RECEIVE
			? magring_recv(game.queue, worker->message, timeout_ns)
			: magring_recv_batch(game.queue, worker->message, BATCH, timeout_ns);
		if (rc == -EPIPE)
			return NULL;
		CHECK(rc >= 0 || (timeout_ns >= 0 && (rc == -ETIMEDOUT || rc == -EAGAIN)), "%s",
			strerror(-rc));
		if (rc == 0 && worker->kind == RECEIVE)
			rc = 1;
		for (int i = 0; i < rc; i++)
			take_in(&worker->message[i]);
		pause_at_times(&dice);
	}
}

/* ------------------------------------------------------------------- games -- */

static void start(struct worker *worker, enum kind kind, uint32_t number)
{
	*worker = (struct worker){ .kind = kind,
		.number = number,
		.stream = game.games * SENDERS_MAX + number };
	stress_start(&worker->thread, kind <= SEND_BATCH ? send_on : receive_on, worker);
}

/* It has ended. What it has not sent is its own. */
static void close_sender(struct worker *worker)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		struct magring_message *message = &worker->message[i];
		struct stress_label label = { 0 };
		/* Not made, or sent in the call in which it was cancelled. */
		if (stress_message_empty(message))
			continue;
		CHECK(stress_message_intact(message, &label) && label.sender == worker->number,
			"%" PRIu32 ":%" PRIu32, label.sender, label.sequence);
		CHECK(label.sequence >= worker->sent && label.sequence < worker->made,
			"%" PRIu32 " of %" PRIu32 "...%" PRIu32, label.sequence, worker->sent,
			worker->made);
		atomic_fetch_add_explicit(&game.seen[label.sender][label.sequence], 1,
			memory_order_relaxed);
		magring_message_free(message);
		game.kept++;
	}
}

static void cancel(struct worker *worker)
{
	pthread_cancel(worker->thread);
	CHECK(stress_join(worker->thread) == PTHREAD_CANCELED, "kind %d", worker->kind);
	game.cancelled[worker->kind]++;
	if (worker->kind <= SEND_BATCH)
		close_sender(worker);
	stress_alive();
}

/* Every label was used for one message, which was received once or kept by its sender. */
static void check_seen(uint32_t senders)
{
	for (uint32_t sender = 0; sender < senders; sender++)
		for (uint32_t sequence = 0; sequence < SEQUENCES; sequence++) {
			uint8_t seen = atomic_exchange_explicit(&game.seen[sender][sequence], 0,
				memory_order_relaxed);
			CHECK(seen == (sequence < game.worker[sender].made),
				"%" PRIu32 ":%" PRIu32 " of %" PRIu32 ": %u times", sender,
				sequence, game.worker[sender].made, seen);
			game.messages += seen;
		}
}

static void check_slabs(void)
{
	struct magring_message message[SLABS + 1];
	for (int i = 0; i <= SLABS; i++) {
		int rc = magring_message_alloc(game.pool, &message[i], "", 0, PAYLOAD, 0);
		CHECK(rc == (i < SLABS ? 0 : -ENOBUFS), "slab %d: %d", i, rc);
	}
	for (int i = 0; i < SLABS; i++)
		magring_message_free(&message[i]);
	for (unsigned int i = 0; i < stress_pool_stats(game.pool).classes; i++)
		CHECK(!eventcount_has_waiters(&game.pool->memory[i]),
			"threads are said to wait for slabs");
}

static void check_eventcounts(void)
{
	for (int side = SENDER; side <= RECEIVER; side++)
		CHECK(!eventcount_has_waiters(&game.queue->eventcount[side]),
			"threads are said to wait, side %d", side);
}

static void play(struct dice *dice)
{
	struct worker *present[WORKERS];
	uint32_t workers = 0;
	game.pool = stress_pool(SLABS * SLAB, SLAB);
	game.queue = stress_queue(game.pool, 4);
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	for (; workers < WORKERS; workers++) {
		present[workers] = &game.worker[workers];
		start(present[workers], (enum kind)(workers % 4), workers);
	}
	while (workers < SENDERS_MAX) {
		uint32_t place = dice_throw(dice, WORKERS);
		if (dice_throw(dice, 2) == 0)
			stress_sleep_ns((long)dice_throw(dice, 300000));
		cancel(present[place]);
		present[place] = &game.worker[workers];
		start(present[place], (enum kind)(place % 4), workers);
		workers++;
	}
	/* Senders come to an end of their own: nobody sleeps on although somebody receives and frees. */
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (present[i]->kind <= SEND_BATCH) {
			stress_join(present[i]->thread);
			close_sender(present[i]);
		}
	magring_queue_close(game.queue);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (present[i]->kind > SEND_BATCH)
			stress_join(present[i]->thread);
	check_seen(workers);
	check_eventcounts();
	CHECK(magring_queue_release(game.queue) == 0, "destroy");
	check_slabs();
	stress_destroy(game.pool);
	game.games++;
	stress_alive();
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_cancel", argc, argv);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		play(&dice);
	printf("%" PRIu64 " games, %" PRIu64 " messages; cancelled %" PRIu64 " and %" PRIu64
	       " senders, which kept %" PRIu64 " messages, %" PRIu64 " and %" PRIu64 " receivers\n",
		game.games, game.messages, game.cancelled[SEND], game.cancelled[SEND_BATCH],
		game.kept, game.cancelled[RECEIVE], game.cancelled[RECEIVE_BATCH]);
	return stress_end();
}
