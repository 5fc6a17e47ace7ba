/* SPDX-License-Identifier: MIT */
/*
 * The capacity of a queue is a promise. Threads are preempted, and stopped by
 * signals, in the middle of their calls, so that their cells are taken from
 * them; and then
 *
 * - as many messages as the capacity circulate: each thread receives some and
 *   sends them back without a limit. Should the queue have less room than it
 *   says, all would soon wait to send, and the watchdog tells.
 * - when all threads have been joined, as many fit as the capacity, and no more
 *   than twice as many, without waiting; again and again.
 *
 * Beside it a thread reads the statistics: no count ever falls.
 */
#include <sched.h>
#include <signal.h>

#include "queue/stopped.h"

#define THREADS_MAX 64
#define BATCH_MAX 130
#define CAPACITIES 12 /* 2, 4, ... 4096 */
#define NUMBERS (3 << CAPACITIES)
#define SIGNAL SIGRTMIN
/* ThreadSanitizer keeps signals back until a thread does something harmless. */
#ifdef STOPPED_THREAD_SANITIZER
enum { SIGNALS = 0 };
#else
enum { SIGNALS = 1 };
#endif

static struct magring_pool *pool;

static struct {
	struct magring_queue *queue;
	uint32_t threads;
	uint32_t batch;
	bool waits; /* messages circulate; else calls have a timeout of 0 */
	_Atomic(bool) over;
	_Atomic(bool) watched;
	unsigned char seen[NUMBERS];
} game;

struct worker {
	pthread_t thread;
	uint64_t stream;
};

static _Atomic(uint64_t) messages;
static uint64_t games, quarantined, returned;

static void show(void)
{
	if (game.queue == NULL)
		return;
	stress_print_queue(game.queue);
	fprintf(stderr, "  %" PRIu32 " threads, batches of %" PRIu32 " at most, size %zu\n",
		game.threads, game.batch, magring_queue_size(game.queue));
}

static struct magring_message numbered(uint32_t number)
{
	struct magring_message message;
	int rc = stress_message_make(pool, &message, (struct stress_label){ 0, number }, 8, 0);
	CHECK(rc == 0, "a message: %s", strerror(-rc));
	return message;
}

static uint32_t number_of(struct magring_message *message)
{
	struct stress_label label = { 0, UINT32_MAX };
	CHECK(stress_message_intact(message, &label), "a torn message");
	return label.sequence;
}

/* Where it meets a thread, there that one stands still for a while. */
static void stand_still(int signal_number)
{
	(void)signal_number;
	int saved = errno;
	stress_sleep_ns(200000);
	errno = saved;
}

static void pass_some_on(struct dice *dice, struct magring_message *held)
{
	int64_t timeout_ns = game.waits ? -1 : 0;
	uint32_t count = 1 + dice_throw(dice, game.batch);
	int n = count == 1 ? magring_recv(game.queue, held, timeout_ns)
			   : magring_recv_batch(game.queue, held, count, timeout_ns);
	n = n == 0 ? 1 : n;
	CHECK(n > 0 ? n <= (int)count : !game.waits && n == -EAGAIN, "receive: %d", n);
	for (int sent = 0; sent < n;) {
		int m = n - sent == 1 ? magring_send(game.queue, &held[sent], timeout_ns)
				      : magring_send_batch(game.queue, &held[sent],
						(size_t)(n - sent), timeout_ns);
		m = m == 0 ? 1 : m;
		/* Others that are in the middle of their calls may hold the
		 * room at the moment. */
		CHECK(m > 0 ? !game.waits || m == n - sent : !game.waits && m == -EAGAIN,
			"send: %d", m);
		if (m < 0) {
			sched_yield();
			continue;
		}
		sent += m;
		stress_alive();
	}
	if (n > 0)
		atomic_fetch_add_explicit(&messages, (uint64_t)n, memory_order_relaxed);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	struct magring_message held[BATCH_MAX];
	while (!atomic_load_explicit(&game.over, memory_order_relaxed))
		pass_some_on(&dice, held);
	return NULL;
}

static void *watch(void *unused)
{
	struct magring_queue_stats last = stress_queue_stats(game.queue);
	while (!atomic_load_explicit(&game.watched, memory_order_relaxed)) {
		struct magring_queue_stats now = stress_queue_stats(game.queue);
		CHECK(now.sent >= last.sent && now.received >= last.received &&
				now.returned >= last.returned,
			"sent %" PRIu64 " then %" PRIu64 ", received %" PRIu64 " then %" PRIu64,
			last.sent, now.sent, last.received, now.received);
		CHECK(now.received <= now.sent && now.returned <= now.received,
			"sent %" PRIu64 " received %" PRIu64 " returned %" PRIu64, now.sent,
			now.received, now.returned);
		last = now;
		stress_sleep_ns(100000);
	}
	return unused;
}

/* Stop them, as the kernel does now and then by itself. */
static void disturb(struct worker *workers, struct dice *dice, uint64_t until_ns)
{
	while (stress_now_ns() < until_ns) {
		uint32_t which = dice_throw(dice, game.threads);
		if (SIGNALS)
			pthread_kill(workers[which].thread, SIGNAL);
		stress_sleep_ns(20000 + (long)dice_throw(dice, 100000));
	}
}

/* Nobody is in a call. */
static void check_at_rest(size_t capacity)
{
	struct magring_message message;
	size_t before = magring_queue_size(game.queue), size = before;
	for (int turn = 0; turn < 3; turn++) {
		while (message = numbered((uint32_t)(capacity + size)),
			magring_send(game.queue, &message, 0) == 0)
			size++;
		magring_message_free(&message);
		CHECK(size >= capacity && size <= 2 * capacity, "%zu fit in %zu, of %zu before",
			size, capacity, before);
		CHECK(magring_queue_size(game.queue) == size, "%zu of %zu",
			magring_queue_size(game.queue), size);
		memset(game.seen, 0, sizeof(game.seen));
		for (; magring_recv(game.queue, &message, 0) == 0; size--) {
			uint32_t number = number_of(&message);
			CHECK(number < NUMBERS && game.seen[number]++ == 0, "%" PRIu32 " twice",
				number);
			magring_message_free(&message);
		}
		CHECK(size == 0, "%zu are lost", size);
		for (uint32_t i = 0; turn == 0 && i < before; i++)
			CHECK(game.seen[i] == 1, "%" PRIu32 " is lost", i);
		size = before = 0;
	}
}

static void on_processors(struct dice *dice, const cpu_set_t *all)
{
	cpu_set_t some = *all;
	if (dice_throw(dice, 2) == 0) {
		CPU_ZERO(&some);
		CPU_SET(sched_getcpu(), &some);
	}
	sched_setaffinity(0, sizeof(some), &some);
}

static void play(struct dice *dice)
{
	struct worker workers[THREADS_MAX];
	pthread_t watcher;
	size_t capacity = (size_t)2 << dice_throw(dice, CAPACITIES);
	game.queue = stress_queue(pool, capacity);
	CHECK(magring_queue_capacity(game.queue) == capacity, "%zu",
		magring_queue_capacity(game.queue));
	game.threads = 2u << dice_throw(dice, 6);
	game.batch = dice_throw(dice, 3) == 0 ? 1
					      : 1 +
			dice_throw(dice,
				capacity + 2 < BATCH_MAX ? (uint32_t)capacity + 2 : BATCH_MAX);
	game.waits = dice_throw(dice, 2) == 0;
	for (uint32_t i = 0; i < capacity; i++) {
		struct magring_message message = numbered(i);
		CHECK(magring_send(game.queue, &message, 0) == 0, "%" PRIu32 " of %zu", i,
			capacity);
	}
	atomic_store(&game.over, false);
	atomic_store(&game.watched, false);
	stress_start(&watcher, watch, NULL);
	for (uint32_t i = 0; i < game.threads; i++) {
		workers[i].stream = (games + 1) * THREADS_MAX + i;
		stress_start(&workers[i].thread, work, &workers[i]);
	}
	disturb(workers, dice, stress_now_ns() + 50000000 + dice_throw(dice, 200000000));
	atomic_store(&game.over, true);
	for (uint32_t i = 0; i < game.threads; i++) {
		stress_join(workers[i].thread);
		stress_alive();
	}
	check_at_rest(capacity);
	atomic_store(&game.watched, true);
	stress_join(watcher);
	struct magring_queue_stats stats = stress_queue_stats(game.queue);
	CHECK(stats.sent == stats.received, "sent %" PRIu64 " received %" PRIu64, stats.sent,
		stats.received);
	quarantined += stats.quarantined;
	returned += stats.returned;
	games++;
	magring_queue_release(game.queue);
	game.queue = NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stand_still, .sa_flags = SA_RESTART };
	cpu_set_t all;
	stress_show = show;
	setenv("MAGRING_STRESS_SECONDS", "10", 0);
	stress_begin("stress_capacity", argc, argv);
	sigaction(SIGNAL, &action, NULL);
	sched_getaffinity(0, sizeof(all), &all);
	pool = stress_pool(0, 0);
	struct dice dice = dice_of(0);
	while (stress_goes_on()) {
		on_processors(&dice, &all);
		play(&dice);
	}
	printf("%" PRIu64 " games, %" PRIu64 " messages; %" PRIu64 " cells quarantined, %" PRIu64
	       " messages returned\n",
		games, atomic_load(&messages), quarantined, returned);
	CHECK(quarantined > 0 || !SIGNALS, "nobody was in the way");
	stress_destroy(pool);
	return stress_end();
}
