/* SPDX-License-Identifier: MIT */
/*
 * More threads at once than there is memory for caches, and for magazines.
 * Threads come and go, send slabs to one another and free them; which of them
 * have a cache changes. All are served, never are there more caches than there
 * is room for, and in the end the accounts balance and the budget serves its
 * number of slabs: to a thread without a cache and to one with.
 */
#include "stress.h"

#include "pool/pool.h"

#define THREADS 12
#define CACHES_MAX 4
#define TURNS 200
#define SLABS 300

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	pthread_barrier_t barrier;
	uint32_t room; /* for caches */
	uint64_t games, with, without, served;
	_Atomic(uint64_t) made, intact;
} game;

static bool has_cache(void)
{
	return thread_cache_at_hand(&game.pool->registry) != NULL;
}

/* All that is left for bookkeeping. */
static void leave_no_metadata(void)
{
	struct region *metadata = &game.pool->depot.metadata;
	size_t offset,
		left = metadata->limit -
		atomic_load_explicit(&metadata->taken, memory_order_relaxed);
	left = left / 256 * 256;
	CHECK(region_take(metadata, left, 1, &offset) == left, "bookkeeping");
}

static void free_all(struct magring_message *messages, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		magring_message_free(&messages[i]);
}

/* How many can be had. */
static uint32_t take_all(struct magring_message *messages)
{
	uint32_t got = 0;
	struct stress_label label = { 0 };
	while (got <= SLABS && stress_message_make(game.pool, &messages[got], label, 8, 64) == 0)
		got++;
	return got;
}

static void *come_and_go(void *argument)
{
	uint32_t number = *(uint32_t *)argument;
	struct dice dice = dice_of(game.games * THREADS + number);
	struct magring_message message;
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		struct stress_label label = { .sender = number, .sequence = turn };
		size_t size = dice_throw(&dice, 2) == 0 ? 64 : 128;
		CHECK(stress_message_wait(game.pool, &message, label, 8, size, -1) == 0, "alloc");
		atomic_fetch_add_explicit(&game.made, 1, memory_order_relaxed);
		if (magring_send(game.queue, &message, 0) == 0 &&
			magring_recv(game.queue, &message, 0) != 0)
			continue;
		bool intact = stress_message_intact(&message, &label);
		atomic_fetch_add_explicit(&game.intact, intact, memory_order_relaxed);
		CHECK(intact, "%" PRIu32 ":%" PRIu32, label.sender, label.sequence);
		magring_message_free(&message);
	}
	/* All have used the pool. */
	pthread_barrier_wait(&game.barrier);
	*(uint32_t *)argument = has_cache();
	pthread_barrier_wait(&game.barrier);
	stress_alive();
	return NULL;
}

static void play_once(void)
{
	pthread_t threads[THREADS];
	uint32_t answers[THREADS], with = 0;
	pthread_barrier_init(&game.barrier, NULL, THREADS + 1);
	for (uint32_t i = 0; i < THREADS; i++) {
		answers[i] = i;
		stress_start(&threads[i], come_and_go, &answers[i]);
	}
	pthread_barrier_wait(&game.barrier);
	uint64_t attached = stress_pool_stats(game.pool).threads;
	pthread_barrier_wait(&game.barrier);
	for (uint32_t i = 0; i < THREADS; i++) {
		stress_join(threads[i]);
		with += answers[i];
	}
	pthread_barrier_destroy(&game.barrier);
	/* Magazines may have taken what was left for one. */
	CHECK(attached == with && with <= game.room,
		"%" PRIu64 " caches, %" PRIu32 " threads with one, room for %" PRIu32, attached,
		with, game.room);
	CHECK(stress_pool_stats(game.pool).threads == 0, "of threads that have ended");
	game.with += with;
	game.without += THREADS - with;
}

static void *take_and_free_all(void *got)
{
	struct magring_message messages[SLABS + 1];
	*(uint32_t *)got = take_all(messages);
	free_all(messages, *(uint32_t *)got);
	return NULL;
}

/* A thread that asks for all, with a cache or without. */
static void check_all_served(void)
{
	uint32_t got[2] = { 0, 0 };
	pthread_t thread;
	for (int i = 0; i < 2; i++) {
		stress_start(&thread, take_and_free_all, &got[i]);
		stress_join(thread);
		game.served += got[i];
	}
	CHECK(got[0] == got[1] && got[0] > 0, "%" PRIu32 " slabs, then %" PRIu32, got[0], got[1]);
	/* Larger slabs serve as well. */
	uint64_t there = 0;
	for (unsigned int i = 0; i < stress_pool_stats(game.pool).classes; i++) {
		struct magring_class_stats class = { .size = sizeof(class) };
		CHECK(magring_pool_get_class_stats(game.pool, i, &class) == 0, "class %u", i);
		there += class.carved - class.trimmed;
	}
	CHECK(there == got[0], "%" PRIu64 " slabs are there, %" PRIu32 " can be had", there,
		got[0]);
}

static void play(struct dice *dice)
{
	struct magring_message message;
	game.pool = stress_pool(SLABS * 64, 128);
	game.queue = stress_queue(game.pool, 4);
	game.room = dice_throw(dice, CACHES_MAX + 1);
	leave_no_metadata();
	game.pool->registry.most = game.room;
	for (int lap = 0; lap < 3; lap++)
		play_once();
	while (magring_recv(game.queue, &message, 0) == 0)
		magring_message_free(&message);
	check_all_served();
	CHECK(magring_queue_release(game.queue) == 0, "destroy");
	stress_destroy(game.pool);
	game.games++;
}

int main(int argc, char **argv)
{
	stress_begin("stress_caches", argc, argv);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		play(&dice);
	CHECK(game.without > game.with && game.with > 0, "%" PRIu64 " with a cache", game.with);
	printf("%" PRIu64 " games, %" PRIu64 " threads with a cache and %" PRIu64
	       " without, %" PRIu64 " messages, %" PRIu64 " slabs\n",
		game.games, game.with, game.without, game.made, game.served);
	return stress_end();
}
