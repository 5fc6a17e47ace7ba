/* SPDX-License-Identifier: MIT */
/*
 * Threads that poll: no call waits, and a call in vain is made again at once.
 * The queues are the library's, by calls that may answer "not now" and by calls
 * with a timeout of 0, and the plain ring. Scenarios:
 *
 *	1x1     one sender and one receiver poll one queue
 *	burst   one thread sends bursts of 4 to 100 queues in turn, with 16 bursts
 *	        under way, and another one polls all of the queues
 *	vain    one thread polls 100 empty queues
 *
 * Usage: polls [SECONDS [ROUNDS]]. Prints medians, in millions of messages a
 * second, or of polls. The queues take turns in each round.
 */
#include <err.h>
#include <errno.h>
#include <magring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/cpus.h"
#include "core/median.h"
#include "queues/plain_ring.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { QUEUES = 100, BURST = 4, BURSTS = 16, CAPACITY = 64, ROUNDS_MAX = 64 };
enum kind { TRY, TIMEOUT_0, PLAIN, KINDS };
enum scenario { ONE, BURSTS_OF_4, VAIN, SCENARIOS };
static const char *const kinds[] = { "magring_try", "timeout 0", "plain ring" };
static const char *const scenarios[] = { "1x1", "burst", "vain" };

static struct {
	void *queues[QUEUES];
	size_t count;
	_Atomic(bool) stop;
	_Alignas(128) _Atomic(uint64_t) received;
} game;

ALWAYS_INLINE bool send_one(enum kind kind, void *queue, struct magring_message *message)
{
	message->private_header = (uint64_t)1 << 56 | sizeof(message->private_body);
	if (kind == PLAIN)
		return plain_push(queue, message) == 1;
	if (kind == TRY)
		return magring_try_send(queue, message) == 0;
	return magring_send(queue, message, 0) == 0;
}

ALWAYS_INLINE bool receive_one(enum kind kind, void *queue, struct magring_message *ret_message)
{
	if (kind == PLAIN)
		return plain_pop(queue, ret_message) == 1;
	if (kind == TRY)
		return magring_try_recv(queue, ret_message) == 0;
	return magring_recv(queue, ret_message, 0) == 0;
}

static bool is_over(void)
{
	return atomic_load_explicit(&game.stop, memory_order_relaxed);
}

/* With a single queue there is no limit but its capacity. */
ALWAYS_INLINE void send_bursts(enum kind kind)
{
	struct magring_message message = { 0 };
	uint64_t sent = 0;
	for (size_t at = 0; !is_over(); at = at + 1 == game.count ? 0 : at + 1) {
		while (game.count > 1 && !is_over() &&
			sent - atomic_load_explicit(&game.received, memory_order_relaxed) >
				(uint64_t)BURST * (BURSTS - 1))
			;
		for (int i = 0; i < BURST && !is_over(); sent++, i++) {
			message.private_body[0] = sent;
			while (!send_one(kind, game.queues[at], &message) && !is_over())
				;
		}
	}
}

/* How many calls there were. */
ALWAYS_INLINE uint64_t receive_all(enum kind kind)
{
	struct magring_message message;
	uint64_t received = 0, polls = 0, sum = 0;
	while (!is_over())
		for (size_t at = 0; at < game.count; at++, polls++) {
			while (receive_one(kind, game.queues[at], &message) && !is_over()) {
				sum += message.private_body[0];
				received++;
			}
			if (game.count > 1)
				atomic_store_explicit(&game.received, received,
					memory_order_relaxed);
		}
	__asm__ volatile("" : : "r"(sum));
	atomic_store_explicit(&game.received, received, memory_order_relaxed);
	return polls;
}

static void *sender(void *argument)
{
	enum kind kind = *(enum kind *)argument;
	cpus_pin(0);
	kind == TRY             ? send_bursts(TRY)
		: kind == PLAIN ? send_bursts(PLAIN)
				: send_bursts(TIMEOUT_0);
	return NULL;
}

static void *receiver(void *argument)
{
	static uint64_t polls;
	enum kind kind = *(enum kind *)argument;
	cpus_pin(1);
	polls = kind == TRY     ? receive_all(TRY)
		: kind == PLAIN ? receive_all(PLAIN)
				: receive_all(TIMEOUT_0);
	return &polls;
}

static void create(enum kind kind, size_t capacity)
{
	struct magring_queue_options options = { .size = sizeof(options), .capacity = capacity };
	for (size_t i = 0; i < game.count; i++) {
		struct magring_queue *queue = NULL;
		if (kind == PLAIN) {
			game.queues[i] = aligned_alloc(128, sizeof(struct plain_ring));
			if (game.queues[i] == NULL || plain_init(game.queues[i], capacity) != 0)
				errx(2, "no memory");
			continue;
		}
		if (magring_queue_create(&queue, NULL, &options) != 0)
			errx(2, "magring_queue_create");
		game.queues[i] = queue;
	}
}

static void destroy(enum kind kind)
{
	for (size_t i = 0; i < game.count; i++) {
		if (kind != PLAIN) {
			magring_queue_release(game.queues[i]);
			continue;
		}
		plain_fini(game.queues[i]);
		free(game.queues[i]);
	}
}

/* Millions a second. */
static double measure(enum scenario scenario, enum kind kind, double seconds)
{
	pthread_t threads[2];
	void *polls;
	game.count = scenario == ONE ? 1 : QUEUES;
	atomic_store(&game.stop, false);
	atomic_store(&game.received, 0);
	create(kind, scenario == ONE ? 4096 : CAPACITY);
	double begin = cpus_now();
	if (pthread_create(&threads[0], NULL, receiver, &kind) != 0 ||
		(scenario != VAIN && pthread_create(&threads[1], NULL, sender, &kind) != 0))
		errx(2, "pthread_create");
	while (cpus_now() - begin < seconds)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	atomic_store(&game.stop, true);
	double took = cpus_now() - begin;
	pthread_join(threads[0], &polls);
	if (scenario != VAIN)
		pthread_join(threads[1], NULL);
	destroy(kind);
	uint64_t count = scenario == VAIN ? *(uint64_t *)polls : atomic_load(&game.received);
	return (double)count / took / 1e6;
}

int main(int argc, char **argv)
{
	static double figures[SCENARIOS][KINDS][ROUNDS_MAX];
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.2;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	if (argc > 3 || seconds <= 0 || rounds < 1 || rounds > ROUNDS_MAX)
		errx(2, "usage: polls [SECONDS [ROUNDS]]");
	for (size_t round = 0; round < rounds; round++)
		for (int scenario = 0; scenario < SCENARIOS; scenario++)
			for (int kind = 0; kind < KINDS; kind++)
				figures[scenario][kind][round] = measure(scenario, kind, seconds);
	for (int scenario = 0; scenario < SCENARIOS; scenario++)
		for (int kind = 0; kind < KINDS; kind++)
			printf("%-6s %-12s %8.1f\n", scenarios[scenario], kinds[kind],
				median(figures[scenario][kind], rounds));
	return 0;
}
