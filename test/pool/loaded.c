/* SPDX-License-Identifier: MIT */
/*
 * loaded LIBRARY unload|keys: the library as a program that was not linked with
 * it has it.
 *
 *	unload  it is closed while threads that have caches sleep in waits: it stays, they go on, wait for
 *	        more, and end after that
 *	keys    the process has no key for thread-specific data left: no thread can have a cache, and
 *	        all works without
 */
#include "stress.h"

#include <dlfcn.h>
#include <limits.h>
#include <sched.h>

#define THREADS 4
#define TURNS 2000
#define SLAB ((size_t)1024)
#define PAYLOAD (SLAB - 64)
#define SLABS 6

#define ENTRIES(entry) \
	entry(magring_pool_create) entry(magring_pool_destroy) entry(magring_pool_get_stats) \
		entry(magring_queue_create) entry(magring_queue_release) \
			entry(magring_queue_close) entry(magring_queue_get_stats) \
				entry(magring_message_alloc) entry(magring_message_free) \
					entry(magring_message_payload) entry(magring_send) \
						entry(magring_recv)

/* The library's, by name. */
static struct {
#define MEMBER(name) __typeof__(&name) name;
	ENTRIES(MEMBER)
} call;

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	_Atomic(uint64_t) received, made;
} game;

static void *load(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
#define LOOK_UP(name) call.name = (__typeof__(&name))(uintptr_t)dlsym(handle, #name);
	ENTRIES(LOOK_UP)
	return handle;
}

static struct magring_pool_stats stats_of_pool(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	CHECK(call.magring_pool_get_stats(game.pool, &stats) == 0, "statistics");
	return stats;
}

static void open_game(void)
{
	const struct magring_pool_options pool = { .size = sizeof(pool),
		.memory_limit = SLABS * SLAB };
	const struct magring_queue_options queue = { .size = sizeof(queue), .capacity = 2 };
	int rc = call.magring_pool_create(&game.pool, &pool);
	CHECK(rc == 0, "%s", strerror(-rc));
	rc = call.magring_queue_create(&game.queue, game.pool, &queue);
	CHECK(rc == 0, "%s", strerror(-rc));
}

/* There are as many caches as this of threads that live. */
static void close_game(uint64_t caches)
{
	CHECK(call.magring_queue_release(game.queue) == 0, "destroy");
	struct magring_pool_stats stats = stats_of_pool();
	CHECK(stats.allocated == stats.freed && stats.slabs_in_use == 0,
		"allocated %" PRIu64 ", freed %" PRIu64, stats.allocated, stats.freed);
	CHECK(stats.threads == caches, "%" PRIu64 " caches are attached", stats.threads);
	CHECK(call.magring_pool_destroy(game.pool) == 0, "destroy");
}

static struct magring_message make(unsigned char mark)
{
	struct magring_message message = { 0 };
	int rc = call.magring_message_alloc(game.pool, &message, NULL, 0, PAYLOAD, -1);
	CHECK(rc == 0, "%s", strerror(-rc));
	memset(call.magring_message_payload(&message, NULL), mark, PAYLOAD);
	atomic_fetch_add_explicit(&game.made, 1, memory_order_relaxed);
	return message;
}

static void take_in(struct magring_message *message)
{
	size_t size;
	const unsigned char *bytes = call.magring_message_payload(message, &size);
	CHECK(size == PAYLOAD && bytes[0] == bytes[PAYLOAD - 1], "not as it was sent");
	call.magring_message_free(message);
	atomic_fetch_add_explicit(&game.received, 1, memory_order_relaxed);
	stress_alive();
}

static void *receive(void *unused)
{
	struct magring_message message = make(0);
	call.magring_message_free(&message); /* it has a cache, if it can have one */
	while (call.magring_recv(game.queue, &message, -1) == 0)
		take_in(&message);
	return unused;
}

static void *send(void *unused)
{
	for (int turn = 0; turn < TURNS; turn++) {
		struct magring_message message = make((unsigned char)turn);
		int rc = call.magring_send(game.queue, &message, -1);
		CHECK(rc == 0, "%s", strerror(-rc));
	}
	return unused;
}

static void *wait_for_memory(void *unused)
{
	struct magring_message message = make(1);
	call.magring_message_free(&message);
	return unused;
}

/* ------------------------------------------------------------ unloading -- */

static uint64_t parked(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	CHECK(call.magring_queue_get_stats(game.queue, &stats) == 0, "statistics");
	return stats.parked;
}

static void play_unload(const char *library)
{
	struct magring_message all[SLABS];
	pthread_t receivers[THREADS], senders[THREADS], waiter;
	void *handle = load(library);
	open_game();
	for (int i = 0; i < THREADS; i++)
		stress_start(&receivers[i], receive, NULL);
	while (parked() < THREADS)
		sched_yield();
	for (int i = 0; i < SLABS; i++)
		all[i] = make(0);
	stress_start(&waiter, wait_for_memory, NULL);
	while (stats_of_pool().exhausted == 0)
		sched_yield();
	stress_sleep_ns(20000000);
	CHECK(dlclose(handle) == 0, "%s", dlerror());
	handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
	CHECK(handle != NULL, "it is gone");
	if (handle == NULL)
		abort(); /* with all threads in code that is not there */
	CHECK(dlclose(handle) == 0, "%s", dlerror());
	for (int i = 0; i < SLABS; i++)
		call.magring_message_free(&all[i]);
	stress_join(waiter);
	for (int i = 0; i < THREADS; i++)
		stress_start(&senders[i], send, NULL);
	for (int i = 0; i < THREADS; i++)
		stress_join(senders[i]);
	call.magring_queue_close(game.queue);
	for (int i = 0; i < THREADS; i++)
		stress_join(receivers[i]);
	CHECK(game.received == THREADS * TURNS, "%" PRIu64 " received", game.received);
	CHECK(stats_of_pool().exchanges > 0, "no thread had a cache");
	close_game(1);
}

/* ----------------------------------------------------------------- keys -- */

static void play_keys(const char *library)
{
	pthread_key_t key;
	unsigned int keys = 0;
	pthread_t receivers[THREADS], senders[THREADS];
	while (pthread_key_create(&key, NULL) == 0)
		keys++;
	CHECK(keys > 0 && keys <= PTHREAD_KEYS_MAX, "%u keys", keys);
	load(library);
	CHECK(pthread_key_create(&key, NULL) == EAGAIN, "there is a key left");
	open_game();
	for (int i = 0; i < THREADS; i++)
		stress_start(&receivers[i], receive, NULL);
	/* Or senders may have all slabs, and none be left for a receiver to begin with. */
	while (parked() < THREADS)
		sched_yield();
	for (int i = 0; i < THREADS; i++)
		stress_start(&senders[i], send, NULL);
	for (int i = 0; i < THREADS; i++)
		stress_join(senders[i]);
	CHECK(stats_of_pool().threads == 0, "a thread has a cache that nothing would take back");
	call.magring_queue_close(game.queue);
	for (int i = 0; i < THREADS; i++)
		stress_join(receivers[i]);
	CHECK(game.received == THREADS * TURNS, "%" PRIu64 " received", game.received);
	struct magring_message all[SLABS + 1];
	for (int i = 0; i <= SLABS; i++) {
		int rc = call.magring_message_alloc(game.pool, &all[i], NULL, 0, PAYLOAD, 0);
		CHECK(rc == (i < SLABS ? 0 : -ENOBUFS), "slab %d: %d", i, rc);
	}
	for (int i = 0; i < SLABS; i++)
		call.magring_message_free(&all[i]);
	close_game(0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s LIBRARY unload|keys\n", argv[0]);
		return 2;
	}
	stress_begin("loaded", 1, argv);
	if (strcmp(argv[2], "unload") == 0)
		play_unload(argv[1]);
	else
		play_keys(argv[1]);
	printf("%" PRIu64 " messages made, %" PRIu64 " received\n", game.made, game.received);
	return stress_end();
}
