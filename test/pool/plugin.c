/* SPDX-License-Identifier: MIT */
/*
 * A plugin with the library inside, and with what is checked at exit(): see
 * plugin_host.c.
 */
#include "pool/plugin.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "magring.h"

#define CHECK(condition) \
	((condition) ? (void)0 \
		     : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

/* Slabs of one class, which are the whole budget. */
enum { SLABS = 64, SLAB = 1024, THREADS = 4, KEYS = 32 };

static struct magring_pool *create(void)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = SLABS * SLAB };
	struct magring_pool *pool;
	CHECK(magring_pool_create(&pool, &options) == 0);
	return pool;
}

static uint64_t caches(struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	CHECK(magring_pool_get_stats(pool, &stats) == 0);
	return stats.threads;
}

static void use(struct magring_pool *pool)
{
	struct magring_message message;
	/* It waits: free slabs may be in a cache in which another thread is stopped. */
	CHECK(magring_message_alloc(pool, &message, NULL, 0, SLAB, -1) == 0);
	memset(magring_message_payload(&message, NULL), 1, SLAB);
	magring_message_free(&message);
}

static void work(void)
{
	struct magring_pool *pool = create();
	use(pool);
	CHECK(caches(pool) == 1);
	CHECK(magring_pool_destroy(pool) == 0);
}

/* ----------------------------------------------------------------- exit -- */

static struct {
	struct magring_pool *pool; /* NULL: no such game */
	pthread_t workers[THREADS], starter;
	_Atomic(unsigned int) started, turns;
	_Atomic(bool) stop;
	pthread_key_t keys[KEYS];
} game;

static bool has_other_keys(void)
{
	for (int i = 0; i < KEYS; i++)
		if (pthread_getspecific(game.keys[i]) != NULL)
			return true;
	return false;
}

/* Uses the pool until the end: its cache is of before exit(). */
static void *keep_working(void *unused)
{
	for (; !game.stop; game.turns++)
		use(game.pool);
	return unused;
}

static void *use_once(void *unused)
{
	use(game.pool);
	return unused;
}

/* Threads that attach, and end, beside exit(). */
static void *keep_starting(void *unused)
{
	for (; !game.stop; game.started++) {
		pthread_t thread;
		CHECK(pthread_create(&thread, NULL, use_once, NULL) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	return unused;
}

static void *use_and_look(void *unused)
{
	use(game.pool);
	CHECK(!has_other_keys());
	return unused;
}

static void work_until_exit(void)
{
	game.pool = create();
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&game.workers[i], NULL, keep_working, NULL) == 0);
	CHECK(pthread_create(&game.starter, NULL, keep_starting, NULL) == 0);
	while (game.started < 10 || game.turns < 1000)
		sched_yield();
}

/* After the library's own: destructors of a lower priority come later. */
static __attribute__((destructor(101))) void check_at_exit(void)
{
	struct magring_message all[SLABS];
	pthread_t thread;
	if (game.pool == NULL)
		return;
	/* Keys that take the number of one that was deleted. */
	for (int i = 0; i < KEYS; i++)
		CHECK(pthread_key_create(&game.keys[i], NULL) == 0);
	unsigned int started = game.started, turns = game.turns;
	while (game.started < started + 10 || game.turns < turns + 1000)
		sched_yield();
	uint64_t before = caches(game.pool);
	CHECK(pthread_create(&thread, NULL, use_and_look, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	game.stop = true;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(game.workers[i], NULL) == 0);
	CHECK(pthread_join(game.starter, NULL) == 0);
	CHECK(caches(game.pool) <= before);
	for (int i = 0; i < SLABS; i++)
		CHECK(magring_message_alloc(game.pool, &all[i], NULL, 0, SLAB, 0) == 0);
	for (int i = 0; i < SLABS; i++)
		magring_message_free(&all[i]);
	CHECK(magring_pool_destroy(game.pool) == 0);
	static const char done[] = "all slabs are there at exit\n";
	CHECK(write(STDOUT_FILENO, done, sizeof(done) - 1) == sizeof(done) - 1);
}

const struct plugin plugin = { work, work_until_exit };
