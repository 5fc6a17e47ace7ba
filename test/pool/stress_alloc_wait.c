/* SPDX-License-Identifier: MIT */
/*
 * Waiting for memory: more threads than slabs, all of which wait without limit, or for
 * a while, or are cancelled while they wait. Slabs are freed by the thread that
 * has them or by another one, after a queue. Nobody sleeps on beside a free slab, which the
 * watchdog would tell, and in the end the budget serves its number of slabs.
 *
 * In some rounds a thread that has slabs in its cache does nothing, or nothing but allocate
 * and free slabs of its own.
 */
#include "stress.h"

#include <sched.h>

#include "pool/pool.h"

#define WORKERS 6
#define SLAB ((size_t)8192)
#define SLABS_MAX 8
#define TURNS 300

static struct round {
	struct magring_pool *pool;
	struct magring_queue *queue;
	uint32_t slabs;
	bool neighbour_works;
	_Atomic(bool) over;
} game;
static _Atomic(uint64_t) timed_out, cancelled, made;

struct worker {
	uint32_t number;
	uint64_t stream;
	pthread_t thread;
};

static void show(void)
{
	struct magring_pool_stats stats = stress_pool_stats(game.pool);
	fprintf(stderr,
		"  allocated %" PRIu64 " freed %" PRIu64 " of %" PRIu32 " slabs, exhausted %" PRIu64
		"\n",
		stats.allocated, stats.freed, game.slabs, stats.exhausted);
}

static void use(struct dice *dice, struct magring_message *message)
{
	struct stress_label label = { 0 };
	if (dice_throw(dice, 4) == 0)
		sched_yield();
	/* Sent to whoever comes, who frees it; if there is no room, freed here. */
	if (dice_throw(dice, 2) == 0 && magring_send(game.queue, message, 0) == 0 &&
		magring_recv(game.queue, message, 0) != 0)
		return; /* another one frees it */
	CHECK(stress_message_intact(message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
		label.sequence);
	magring_message_free(message);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		struct magring_message message;
		struct stress_label label = { .sender = worker->number, .sequence = turn };
		int64_t timeout_ns =
			dice_throw(&dice, 3) == 0 ? (int64_t)dice_throw(&dice, 200000) : -1;
		int rc = stress_message_wait(game.pool, &message, label, 8, SLAB - 64, timeout_ns);
		CHECK(rc == 0 ||
				(timeout_ns >= 0 &&
					rc == (timeout_ns == 0 ? -ENOBUFS : -ETIMEDOUT)),
			"%s", strerror(-rc));
		stress_alive();
		if (rc != 0) {
			atomic_fetch_add_explicit(&timed_out, 1, memory_order_relaxed);
			continue;
		}
		atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
		use(&dice, &message);
	}
	/* What others left in the queue has to be freed by somebody. */
	struct magring_message message;
	while (magring_recv(game.queue, &message, 0) == 0)
		magring_message_free(&message);
	return NULL;
}

/* Waits for memory, and is cancelled there. */
static void *be_cancelled(void *argument)
{
	struct worker *worker = argument;
	struct magring_message message;
	struct stress_label label = { .sender = worker->number };
	while (!atomic_load_explicit(&game.over, memory_order_relaxed)) {
		if (stress_message_wait(game.pool, &message, label, 8, SLAB - 64, -1) == 0)
			magring_message_free(&message);
		pthread_testcancel();
	}
	return NULL;
}

/* Has slabs in its cache. */
static void *neighbour(void *unused)
{
	struct magring_message message;
	struct stress_label label = { .sender = WORKERS };
	do {
		if (stress_message_wait(game.pool, &message, label, 8, SLAB - 64, 0) == 0)
			magring_message_free(&message);
		if (!game.neighbour_works)
			usleep(1000);
	} while (!atomic_load_explicit(&game.over, memory_order_relaxed));
	return unused;
}

static void play(struct dice *dice, uint64_t number)
{
	struct worker workers[WORKERS + 1];
	pthread_t idler;
	struct magring_message all[SLABS_MAX + 1];
	game.slabs = 1 + dice_throw(dice, SLABS_MAX);
	game.neighbour_works = dice_throw(dice, 2);
	game.pool = stress_pool(game.slabs * SLAB, SLAB);
	game.queue = stress_queue(game.pool, 4);
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	stress_start(&idler, neighbour, NULL);
	for (uint32_t i = 0; i <= WORKERS; i++) {
		workers[i] = (struct worker){ .number = i, .stream = number * 16 + i };
		stress_start(&workers[i].thread, i < WORKERS ? work : be_cancelled, &workers[i]);
	}
	usleep((useconds_t)dice_throw(dice, 3000));
	pthread_cancel(workers[WORKERS].thread);
	atomic_fetch_add_explicit(&cancelled, 1, memory_order_relaxed);
	for (uint32_t i = 0; i <= WORKERS; i++)
		stress_join(workers[i].thread);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	stress_join(idler);
	struct magring_message message;
	while (magring_recv(game.queue, &message, 0) == 0)
		magring_message_free(&message);

	struct stress_label label = { 0 };
	for (uint32_t i = 0; i < game.slabs; i++)
		CHECK(stress_message_wait(game.pool, &all[i], label, 8, SLAB - 64, 0) == 0,
			"slab %" PRIu32 " of %" PRIu32, i, game.slabs);
	CHECK(stress_message_wait(game.pool, &message, label, 8, SLAB - 64, 1000) == -ETIMEDOUT,
		"more than %" PRIu32 " slabs", game.slabs);
	for (uint32_t i = 0; i < game.slabs; i++)
		magring_message_free(&all[i]);
	CHECK(magring_queue_release(game.queue) == 0, "destroy");
	stress_destroy(game.pool);
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_alloc_wait", argc, argv);
	struct dice dice = dice_of(0);
	uint64_t rounds = 0;
	for (; stress_goes_on(); rounds++)
		play(&dice, rounds + 1);
	printf("%" PRIu64 " rounds, %" PRIu64 " messages, %" PRIu64 " waits timed out, %" PRIu64
	       " threads cancelled\n",
		rounds, atomic_load_explicit(&made, memory_order_relaxed),
		atomic_load_explicit(&timed_out, memory_order_relaxed),
		atomic_load_explicit(&cancelled, memory_order_relaxed));
	return stress_end();
}
