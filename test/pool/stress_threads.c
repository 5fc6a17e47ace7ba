/* SPDX-License-Identifier: MIT */
/*
 * Threads that come and go by the thousand, in every way a thread can end,
 * while others work and read the statistics.
 *
 *	steady      two threads that send and receive all the time
 *	visitors    use the pool and the queue a little, then return or pthread_exit()
 *	cancelled   are cancelled where they are parked: in a receive from a queue that
 *	            is empty, in a send to one that is full, in a receive beside traffic
 *	observer    reads statistics and metrics
 *	landlords   make pools, and destroy them while threads that used them end;
 *	            make and destroy queues that the observer may be reading
 *
 * No message is lost or invented, none of a cancelled call; what threads cached
 * is back in the pool; caches are used again rather than made anew.
 */
#include "stress.h"

#include <sched.h>

#define TENANTS 3
#define VISITORS 8 /* of a host at a time */

static struct {
	struct magring_pool *pool;
	struct magring_queue *traffic; /* for everybody */
	struct magring_queue *empty;   /* no thread sends */
	struct magring_queue *full;    /* no thread receives */
	_Atomic(bool) over;
	_Atomic(uint64_t) sent, received;
	_Atomic(uint64_t) visits, cancellations, observations, pools;
} game;

static void show(void)
{
	stress_print_queue(game.traffic);
	stress_print_queue(game.empty);
	stress_print_queue(game.full);
}

static void count(_Atomic(uint64_t) *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool is_over(void)
{
	return atomic_load_explicit(&game.over, memory_order_relaxed);
}

static bool send_one(struct magring_queue *queue, struct dice *dice, int64_t timeout_ns)
{
	struct magring_message message;
	struct stress_label label = { .sender = dice_throw(dice, 1000),
		.sequence = dice_throw(dice, 1000) };
	int rc = stress_message_make(game.pool, &message, label, 8, dice_throw(dice, 600));
	CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
	rc = magring_send(queue, &message, timeout_ns);
	CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT, "magring_send: %s", strerror(-rc));
	if (rc != 0)
		magring_message_free(&message);
	return rc == 0;
}

static bool receive_one(struct magring_queue *queue, int64_t timeout_ns)
{
	struct magring_message message;
	struct stress_label label = { 0 };
	int rc = magring_recv(queue, &message, timeout_ns);
	CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT || rc == -EPIPE, "magring_recv: %s",
		strerror(-rc));
	if (rc != 0)
		return false;
	CHECK(stress_message_intact(&message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
		label.sequence);
	magring_message_free(&message);
	return true;
}

static void *steady(void *argument)
{
	const uint64_t *stream = argument;
	struct dice dice = dice_of(*stream);
	while (!is_over()) {
		if (send_one(game.traffic, &dice, 100000))
			count(&game.sent);
		if (receive_one(game.traffic, 100000))
			count(&game.received);
		if (dice_throw(&dice, 64) == 0)
			magring_pool_flush_thread(game.pool);
		/* The processors are for threads that come and go. */
		if (dice_throw(&dice, 16) == 0)
			stress_sleep_ns(200000);
		stress_alive();
	}
	return NULL;
}

struct visit {
	uint64_t stream;
	enum { RETURN, EXIT, CANCEL_RECEIVER, CANCEL_SENDER, CANCEL_AMID, KINDS } kind;
	pthread_t thread;
};

static void visit_a_little(struct dice *dice)
{
	for (uint32_t i = dice_throw(dice, 6); i > 0; i--) {
		if (send_one(game.traffic, dice, 0))
			count(&game.sent);
		if (receive_one(game.traffic, 0))
			count(&game.received);
	}
}

/* Its message is parked with it, so a cancelled sender frees it. */
static void free_message(void *message)
{
	magring_message_free(message);
}

static void park_in_send(void)
{
	struct magring_message message = { 0 };
	struct stress_label label = { 0 };
	pthread_cleanup_push(free_message, &message);
	int rc = stress_message_make(game.pool, &message, label, 8, 200);
	CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
	rc = magring_send(game.full, &message, -1);
	CHECK(false, "a full queue took a message: %d", rc);
	pthread_cleanup_pop(1);
}

static void *visitor(void *argument)
{
	struct visit *visit = argument;
	struct dice dice = dice_of(visit->stream);
	visit_a_little(&dice);
	switch (visit->kind) {
	case EXIT:
		pthread_exit(visit);
	case CANCEL_RECEIVER:
		CHECK(!receive_one(game.empty, -1), "a message out of an empty queue");
		break;
	case CANCEL_SENDER:
		park_in_send();
		break;
	case CANCEL_AMID:
		while (receive_one(game.traffic, -1))
			count(&game.received);
		break;
	default:
		break;
	}
	return visit;
}

/* Starts visitors a few at a time, cancels those that have to be, and joins. */
static void *host(void *argument)
{
	const uint64_t *stream = argument;
	struct dice dice = dice_of(*stream);
	struct visit visits[VISITORS];
	for (uint64_t number = *stream << 32; !is_over(); number += VISITORS) {
		for (unsigned int i = 0; i < VISITORS; i++) {
			visits[i] = (struct visit){ .stream = number + i,
				.kind = dice_throw(&dice, KINDS) };
			stress_start(&visits[i].thread, visitor, &visits[i]);
		}
		/* Sometimes before they are parked, sometimes after. */
		for (uint32_t i = dice_throw(&dice, 30); i > 0; i--)
			sched_yield();
		for (unsigned int i = 0; i < VISITORS; i++) {
			bool cancelled = visits[i].kind >= CANCEL_RECEIVER;
			if (cancelled)
				pthread_cancel(visits[i].thread);
			void *result = stress_join(visits[i].thread);
			CHECK(result == (cancelled ? PTHREAD_CANCELED : &visits[i]), "kind %d",
				visits[i].kind);
			count(&game.visits);
			if (cancelled)
				count(&game.cancellations);
			stress_alive();
		}
	}
	return NULL;
}

static void *observer(void *unused)
{
	FILE *nowhere = fopen("/dev/null", "w");
	(void)unused;
	if (nowhere == NULL)
		abort();
	while (!is_over()) {
		struct magring_pool_stats stats = stress_pool_stats(game.pool);
		CHECK(stats.freed <= stats.allocated && stats.slabs_in_use < 1000,
			"allocated %" PRIu64 " freed %" PRIu64, stats.allocated, stats.freed);
		CHECK(stats.slab_bytes_carved <= stats.memory_limit, "carved %" PRIu64,
			stats.slab_bytes_carved);
		CHECK(stats.threads < 64, "threads %" PRIu64, stats.threads);
		struct magring_queue_stats traffic = stress_queue_stats(game.traffic);
		CHECK(traffic.received <= traffic.sent && traffic.returned <= traffic.received,
			"sent %" PRIu64 " received %" PRIu64, traffic.sent, traffic.received);
		struct magring_class_stats class = { .size = sizeof(class) };
		CHECK(magring_pool_get_class_stats(game.pool, 3, &class) == 0 &&
				class.freed <= class.allocated,
			"allocated %" PRIu64 " freed %" PRIu64, class.allocated, class.freed);
		int rc = magring_pool_write_metrics(game.pool, nowhere);
		CHECK(rc == 0, "magring_pool_write_metrics: %s", strerror(-rc));
		count(&game.observations);
		stress_sleep_ns(200000);
	}
	fclose(nowhere);
	return NULL;
}

struct house {
	struct magring_pool *pool;
	struct magring_queue *queue;
	_Atomic(unsigned int) done; /* tenants that will not touch the pool again */
};

/* Uses the pool and ends: its cache goes back while the pool goes. */
static void *tenant(void *argument)
{
	struct house *house = argument;
	struct magring_message messages[4];
	for (uint32_t i = 0; i < 4; i++) {
		struct stress_label label = { .sender = i, .sequence = i };
		int rc = stress_message_make(house->pool, &messages[i], label, 8, 100);
		CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
	}
	int rc = magring_send(house->queue, &messages[0], 0);
	CHECK(rc == 0, "magring_send: %s", strerror(-rc));
	for (int i = 0; i < 4; i++)
		magring_message_free(&messages[i]);
	/* As a program would tell that it is done. */
	atomic_fetch_add_explicit(&house->done, 1, memory_order_release);
	return NULL;
}

static void *landlord(void *unused)
{
	(void)unused;
	while (!is_over()) {
		struct house house = { .pool = stress_pool(1 << 20, 0) };
		struct magring_queue *observed = stress_queue(game.pool, 2);
		pthread_t threads[TENANTS];
		house.queue = stress_queue(house.pool, 16);
		for (int i = 0; i < TENANTS; i++)
			stress_start(&threads[i], tenant, &house);
		while (atomic_load_explicit(&house.done, memory_order_acquire) < TENANTS)
			sched_yield();
		magring_queue_release(house.queue);
		stress_destroy(house.pool);
		magring_queue_release(observed);
		for (int i = 0; i < TENANTS; i++)
			stress_join(threads[i]);
		count(&game.pools);
		stress_alive();
	}
	return NULL;
}

static void check_end(void)
{
	/* What is left in the traffic. */
	while (receive_one(game.traffic, 0))
		count(&game.received);
	CHECK(game.sent == game.received, "sent %" PRIu64 " received %" PRIu64, game.sent,
		game.received);
	struct magring_queue_stats traffic = stress_queue_stats(game.traffic);
	CHECK(traffic.sent - traffic.returned == game.sent && traffic.received == traffic.sent,
		"sent %" PRIu64 " received %" PRIu64, traffic.sent, traffic.received);
	magring_queue_release(game.full);
	magring_queue_release(game.empty);
	magring_queue_release(game.traffic);
	struct magring_pool_stats stats = stress_pool_stats(game.pool);
	/*
	 * Only this thread is left. A cache is some 10 KiB, a magazine 256
	 * bytes.
	 */
	CHECK(stats.threads <= 1, "threads %" PRIu64, stats.threads);
	CHECK(stats.memory_bytes < ((size_t)8 << 20), "memory %" PRIu64, stats.memory_bytes);
}

int main(int argc, char **argv)
{
	static void *(*const functions[])(void *) = {
		steady,
		steady,
		host,
		host,
		observer,
		landlord,
		landlord,
	};
	enum { THREADS = sizeof(functions) / sizeof(functions[0]) };
	pthread_t threads[THREADS];
	uint64_t streams[THREADS];
	stress_show = show;
	stress_begin("stress_threads", argc, argv);
	struct dice dice = dice_of(0);
	game.pool = stress_pool(0, 0);
	game.traffic = stress_queue(game.pool, 64);
	game.empty = stress_queue(game.pool, 2);
	game.full = stress_queue(game.pool, 2);
	while (send_one(game.full, &dice, 0))
		;
	for (unsigned int i = 0; i < THREADS; i++) {
		streams[i] = i + 1;
		stress_start(&threads[i], functions[i], &streams[i]);
	}
	while (stress_goes_on())
		stress_sleep_ns(1000000);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	for (unsigned int i = 0; i < THREADS; i++)
		stress_join(threads[i]);
	check_end();
	printf("%" PRIu64 " threads came and went, %" PRIu64 " of them cancelled, %" PRIu64
	       " messages, %" PRIu64 " observations, %" PRIu64 " pools\n",
		game.visits, game.cancellations, game.received, game.observations, game.pools);
	stress_destroy(game.pool);
	return stress_end();
}
