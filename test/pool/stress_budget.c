/* SPDX-License-Identifier: MIT */
/*
 * A pool of a few slabs, shared by more threads than it has slabs, beside
 * threads that do nothing but have slabs in their caches.
 *
 * A worker that is told -ENOBUFS holds nothing, receives and frees what it can,
 * and tries again: each of them gets its slab in the end. No slab is in two
 * hands, which its pattern shows, and none is lost: when all is quiet the
 * budget serves its number of slabs to one thread, whatever others cache, and
 * not one more.
 *
 * Every other pool has no memory for magazines left, nor for caches, but for a
 * few: most threads then work on the depot directly.
 */
#include "stress.h"

#include <sched.h>

#include "pool/pool.h"

#define WORKERS 6
#define IDLERS 2
#define SLAB ((size_t)8192) /* a magazine has 32 of these */
#define SLABS_MAX 80
#define TURNS 200 /* allocations of a worker in a round */

static struct round {
	struct magring_pool *pool;
	struct magring_queue *queue;
	uint32_t slabs;
	pthread_barrier_t idle, over; /* idlers have filled their caches; workers are done */
} round_;

struct worker {
	uint32_t number;
	uint64_t stream;
	uint64_t refused;
	uint64_t slowest_ns; /* from the first try to success */
	pthread_t thread;
};

static void show(void)
{
	struct magring_pool_stats stats = stress_pool_stats(round_.pool);
	fprintf(stderr,
		"  allocated %" PRIu64 " freed %" PRIu64 " of %" PRIu32 " slabs, carved %" PRIu64
		" bytes, exhausted %" PRIu64 " reclaimed %" PRIu64 "\n",
		stats.allocated, stats.freed, round_.slabs, stats.slab_bytes_carved,
		stats.exhausted, stats.reclaimed);
	stress_print_queue(round_.queue);
}

static bool receive_and_free(void)
{
	struct magring_message message;
	struct stress_label label = { 0 };
	if (magring_recv(round_.queue, &message, 0) != 0)
		return false;
	CHECK(stress_message_intact(&message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
		label.sequence);
	magring_message_free(&message);
	return true;
}

static void take_a_slab(struct worker *worker, struct magring_message *message, uint32_t sequence,
	size_t payload_size)
{
	struct stress_label label = { .sender = worker->number, .sequence = sequence };
	uint64_t begin_ns = stress_now_ns();
	for (;;) {
		int rc = stress_message_make(round_.pool, message, label, 8, payload_size);
		if (rc == 0)
			break;
		CHECK(rc == -ENOBUFS, "magring_message_alloc: %s", strerror(-rc));
		worker->refused++;
		if (!receive_and_free())
			sched_yield();
		/* Others may be getting on: the watchdog would not see it. */
		if (stress_now_ns() - begin_ns > (uint64_t)stress_watchdog_s * 1000000000) {
			fprintf(stderr, "%s: worker %" PRIu32 " starves\n", stress_name,
				worker->number);
			show();
			abort();
		}
	}
	uint64_t took_ns = stress_now_ns() - begin_ns;
	if (took_ns > worker->slowest_ns)
		worker->slowest_ns = took_ns;
	stress_alive();
}

static void *worker(void *argument)
{
	struct worker *self = argument;
	struct dice dice = dice_of(self->stream);
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		struct magring_message message;
		struct stress_label label = { 0 };
		take_a_slab(self, &message, turn, SLAB - dice_throw(&dice, 100));
		if (dice_throw(&dice, 4) == 0)
			sched_yield();
		CHECK(stress_message_intact(&message, &label) && label.sender == self->number &&
				label.sequence == turn,
			"%" PRIu32 ":%" PRIu32 " has its slab in two hands", self->number, turn);
		if (dice_throw(&dice, 2) == 0 || magring_send(round_.queue, &message, 0) != 0)
			magring_message_free(&message);
		if (dice_throw(&dice, 2) == 0)
			receive_and_free();
		if (dice_throw(&dice, 50) == 0)
			magring_pool_flush_thread(round_.pool);
	}
	return NULL;
}

/* Fills its cache with all that the pool has, and then only exists. */
static void *idler(void *unused)
{
	struct magring_message messages[SLABS_MAX];
	uint32_t got = 0;
	(void)unused;
	while (got < round_.slabs &&
		magring_message_alloc(round_.pool, &messages[got], NULL, 0, SLAB, 0) == 0)
		got++;
	while (got > 0)
		magring_message_free(&messages[--got]);
	pthread_barrier_wait(&round_.idle);
	pthread_barrier_wait(&round_.over);
	return NULL;
}

/* While no thread is at work, all slabs can be had, and no more. */
static void check_budget(void)
{
	struct magring_message messages[SLABS_MAX + 1];
	uint32_t got = 0;
	while (got <= round_.slabs &&
		magring_message_alloc(round_.pool, &messages[got], NULL, 0, SLAB, 0) == 0)
		got++;
	CHECK(got == round_.slabs, "%" PRIu32 " of %" PRIu32 " slabs", got, round_.slabs);
	while (got > 0)
		magring_message_free(&messages[--got]);
	stress_alive();
}

/*
 * Leave room for one cache and a magazine or two of what bookkeeping may take.
 */
static void starve_of_magazines(struct magring_pool *pool, struct dice *dice)
{
	struct depot *depot = &pool->depot;
	pool->registry.most = 1;
	depot->metadata.limit = (1 + dice_throw(dice, 3)) * sizeof(struct magazine);
}

struct totals {
	uint64_t rounds, turns, refused, reclaimed, slowest_ns;
};

static void play(struct dice *dice, struct totals *totals)
{
	struct worker workers[WORKERS];
	pthread_t idlers[IDLERS];
	round_.slabs = 2 + dice_throw(dice, SLABS_MAX - 1);
	if (dice_throw(dice, 2) == 0)
		round_.slabs = 2 + dice_throw(dice, 4);
	round_.pool = stress_pool(round_.slabs * SLAB, SLAB);
	if (totals->rounds % 2 == 1)
		starve_of_magazines(round_.pool, dice);
	round_.queue = stress_queue(round_.pool, 8);
	for (int i = 0; i < IDLERS; i++)
		stress_start(&idlers[i], idler, NULL);
	pthread_barrier_wait(&round_.idle);
	check_budget();
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i] =
			(struct worker){ .number = i, .stream = (totals->rounds + 1) * 16 + i };
		stress_start(&workers[i].thread, worker, &workers[i]);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		stress_join(workers[i].thread);
		totals->refused += workers[i].refused;
		if (workers[i].slowest_ns > totals->slowest_ns)
			totals->slowest_ns = workers[i].slowest_ns;
	}
	while (receive_and_free())
		;
	check_budget();
	struct magring_pool_stats stats = stress_pool_stats(round_.pool);
	totals->reclaimed += stats.reclaimed;
	totals->turns += WORKERS * TURNS;
	totals->rounds++;
	pthread_barrier_wait(&round_.over);
	for (int i = 0; i < IDLERS; i++)
		stress_join(idlers[i]);
	magring_queue_release(round_.queue);
	stress_destroy(round_.pool);
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_budget", argc, argv);
	struct dice dice = dice_of(0);
	struct totals totals = { 0 };
	pthread_barrier_init(&round_.idle, NULL, IDLERS + 1);
	pthread_barrier_init(&round_.over, NULL, IDLERS + 1);
	while (stress_goes_on())
		play(&dice, &totals);
	CHECK(totals.reclaimed > 0, "no slab was taken out of another thread's cache");
	printf("%" PRIu64 " rounds, %" PRIu64 " slabs taken, %" PRIu64 " refused, %" PRIu64
	       " reclaimed, the slowest took %.1f ms\n",
		totals.rounds, totals.turns, totals.refused, totals.reclaimed,
		(double)totals.slowest_ns / 1e6);
	return stress_end();
}
