/* SPDX-License-Identifier: MIT */
/*
 * Many threads allocate and free with few slabs, as fast as they can. Each of
 * them is served again and again, and none waits for ever: see turns.c.
 *
 *	single   messages are allocated and freed one by one
 *	batch    a batch of three and one of two, or what there is of them
 *	shared   a payload is shared, and the slab goes back with the last free
 *	held     each holds its message for longer than a turn
 *
 * On a machine that is busy with other things a thread may not run for long, so
 * how long a thread waits is told, and not bounded. Without turns one thread in
 * two is served once or not at all in so many seconds.
 */
#include "stress.h"

#include <sched.h>

#include "pool/pool.h"

#ifdef __has_feature
#define SLOW __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOW 1
#else
#define SLOW 0
#endif
#define THREADS (SLOW ? 40 : 200)
#define SLABS 4
#define PAYLOAD ((size_t)1000)
#define TIMEOUT_NS 10000000000 /* longer than a game by far: a lost wake-up */

enum game { SINGLE, BATCH, SHARED, HELD, GAMES };
static const char *const name[GAMES] = { "single", "batch", "shared", "held" };

static struct {
	struct magring_pool *pool;
	enum game game;
	_Atomic(bool) begun, over;
} now;

struct user {
	pthread_t thread;
	uint64_t served;
	int64_t longest_ns;
};

static int64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static int take(struct magring_message *messages)
{
	if (now.game == BATCH)
		return magring_message_alloc_batch(now.pool, messages, 3, PAYLOAD, TIMEOUT_NS);
	int rc = magring_message_alloc(now.pool, messages, NULL, 0, PAYLOAD, TIMEOUT_NS);
	return rc == 0 ? 1 : rc;
}

static void give(struct magring_message *messages, int count)
{
	struct magring_message other;
	if (now.game == HELD)
		stress_sleep_ns(2 * TURN_NS);
	if (now.game == SHARED) {
		CHECK(magring_message_share(messages, &other) == 0, "share");
		magring_message_free(messages);
		messages = &other;
	}
	if (now.game == BATCH)
		magring_message_free_batch(messages, (size_t)count);
	else
		magring_message_free(messages);
}

static void *use(void *argument)
{
	struct user *user = argument;
	while (!atomic_load_explicit(&now.begun, memory_order_relaxed))
		stress_sleep_ns(1000000);
	while (!atomic_load_explicit(&now.over, memory_order_relaxed)) {
		struct magring_message messages[3];
		int64_t begin_ns = now_ns();
		int count = take(messages);
		int64_t waited_ns = now_ns() - begin_ns;
		CHECK(count > 0, "%s: %s after %" PRId64 " ms", name[now.game], strerror(-count),
			waited_ns / 1000000);
		if (waited_ns > user->longest_ns)
			user->longest_ns = waited_ns;
		if (count <= 0)
			break;
		user->served++;
		give(messages, count);
	}
	stress_alive();
	return NULL;
}

/* 200 threads, or 40 if each holds its message for long. */
static void play(enum game game, uint64_t ms)
{
	static struct user users[200];
	uint32_t count = game == HELD ? 40 : THREADS;
	uint64_t least = UINT64_MAX, most = 0;
	int64_t longest_ns = 0;
	now.game = game;
	atomic_store_explicit(&now.begun, false, memory_order_relaxed);
	atomic_store_explicit(&now.over, false, memory_order_relaxed);
	now.pool = stress_pool(SLABS * 1024, PAYLOAD);
	for (uint32_t i = 0; i < count; i++) {
		users[i] = (struct user){ 0 };
		stress_start(&users[i].thread, use, &users[i]);
		stress_alive();
	}
	/* Threads at work would keep this one from starting more for long. */
	atomic_store_explicit(&now.begun, true, memory_order_relaxed);
	for (uint64_t i = 0; i < ms; i += 10) {
		stress_alive();
		stress_sleep_ns(10000000);
	}
	atomic_store_explicit(&now.over, true, memory_order_relaxed);
	for (uint32_t i = 0; i < count; i++) {
		stress_join(users[i].thread);
		least = users[i].served < least ? users[i].served : least;
		most = users[i].served > most ? users[i].served : most;
		longest_ns = users[i].longest_ns > longest_ns ? users[i].longest_ns : longest_ns;
	}
	printf("%-8s each of %" PRIu32 " served %" PRIu64 " to %" PRIu64 " times, after %" PRId64
	       " ms at most\n",
		name[game], count, least, most, longest_ns / 1000000);
	CHECK(least >= 2, "%s: a thread was served %" PRIu64 " times", name[game], least);
	stress_destroy(now.pool);
}

int main(int argc, char **argv)
{
	stress_begin("stress_fair", argc, argv);
	do
		for (enum game game = SINGLE; game < GAMES; game++)
			play(game, 1500);
	while (stress_goes_on());
	return stress_end();
}
