/* SPDX-License-Identifier: MIT */
/*
 * Waiting for memory when nothing more is freed than each waiting thread needs:
 * a wake-up that is lost is not made up for by the next one, and the watchdog
 * tells.
 *
 *	burst   as many slabs are freed at once as there are threads that wait, or will in a moment
 *	cancel  one slab is freed, and the thread that it wakes is cancelled
 *	hidden  the slab lies in the cache of a thread that is at work with other slabs
 */
#include "stress.h"

#include <ck_pr.h>
#include <sched.h>

#include "pool/pool.h"

#define SLABS_MAX 6
#define PAYLOAD ((size_t)8192)
#define OTHER_PAYLOAD ((size_t)1000)
#define GAMES 200 /* with one pool */

static struct {
	struct magring_pool *pool;
	uint32_t slabs;
	_Atomic(int32_t) to_be_served;
	_Atomic(bool) over;
} game;
static uint64_t bursts, cancelled, found;

struct waiter {
	pthread_t thread;
	struct magring_message message;
};

static uint64_t sleepers(void)
{
	struct eventcount *eventcount = &game.pool->memory[slab_class(PAYLOAD)];
	return atomic_load_explicit(&eventcount->word, memory_order_relaxed) / EVENTCOUNT_SLEEPER;
}

static void show(void)
{
	struct magring_pool_stats stats = stress_pool_stats(game.pool);
	fprintf(stderr,
		"  %" PRIu64 " asleep, %" PRIu64 " of %" PRIu32 " slabs in use; %" PRIu64
		" bursts, %" PRIu64 " cancelled, %" PRIu64 " found\n",
		sleepers(), stats.slabs_in_use, game.slabs, bursts, cancelled, found);
}

static void take(struct magring_message *message, size_t payload, int64_t timeout_ns)
{
	int rc = magring_message_alloc(game.pool, message, NULL, 0, payload, timeout_ns);
	CHECK(rc == 0, "%s", strerror(-rc));
}

static void *wait_for_slab(void *argument)
{
	struct waiter *waiter = argument;
	take(&waiter->message, PAYLOAD, -1);
	stress_alive();
	atomic_fetch_sub_explicit(&game.to_be_served, 1, memory_order_relaxed);
	/* A thread that ends wakes others, too. */
	while (atomic_load_explicit(&game.to_be_served, memory_order_relaxed) > 0)
		stress_sleep_ns(20000);
	return NULL;
}

static void start(struct waiter *waiter, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		waiter[i] = (struct waiter){ 0 };
		stress_start(&waiter[i].thread, wait_for_slab, &waiter[i]);
	}
}

static void await_sleepers(uint32_t count)
{
	while (sleepers() < count)
		sched_yield();
}

static void burst(struct dice *dice, struct magring_message *slab)
{
	struct waiter waiter[SLABS_MAX];
	uint32_t count = 1 + dice_throw(dice, game.slabs);
	atomic_store_explicit(&game.to_be_served, (int32_t)count, memory_order_relaxed);
	start(waiter, count);
	if (dice_throw(dice, 2) == 0)
		await_sleepers(count);
	else
		for (uint32_t pauses = dice_throw(dice, 2000); pauses > 0; pauses--)
			ck_pr_stall();
	for (uint32_t i = 0; i < count; i++)
		magring_message_free(&slab[i]);
	for (uint32_t i = 0; i < count; i++) {
		stress_join(waiter[i].thread);
		slab[i] = waiter[i].message;
	}
	bursts++;
}

static void cancel(struct magring_message *slab)
{
	struct waiter waiter[2];
	void *result;
	atomic_store_explicit(&game.to_be_served, 0, memory_order_relaxed);
	start(&waiter[0], 1);
	await_sleepers(1); /* so that it is the first to be woken */
	start(&waiter[1], 1);
	await_sleepers(2);
	magring_message_free(slab);
	pthread_cancel(waiter[0].thread);
	pthread_join(waiter[0].thread, &result);
	cancelled += result == PTHREAD_CANCELED;
	magring_message_free(&waiter[0].message); /* if it has one */
	stress_join(waiter[1].thread);
	*slab = waiter[1].message;
}

/* Leaves the slab in its cache and goes on with others. */
static void *neighbour(void *argument)
{
	struct magring_message message;
	magring_message_free(argument);
	while (!atomic_load_explicit(&game.over, memory_order_relaxed)) {
		take(&message, OTHER_PAYLOAD, -1);
		magring_message_free(&message);
	}
	return NULL;
}

static void hidden(struct magring_message *slab)
{
	pthread_t thread;
	struct waiter waiter;
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	atomic_store_explicit(&game.to_be_served, 1, memory_order_relaxed);
	stress_start(&thread, neighbour, slab);
	start(&waiter, 1);
	stress_join(waiter.thread);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	stress_join(thread);
	*slab = waiter.message;
	found++;
}

static void play(struct dice *dice)
{
	struct magring_message slab[SLABS_MAX], other;
	game.slabs = 1 + dice_throw(dice, SLABS_MAX);
	game.pool = stress_pool(game.slabs * PAYLOAD + 1024, PAYLOAD);
	take(&other, OTHER_PAYLOAD, 0);
	magring_message_free(&other);
	for (uint32_t i = 0; i < game.slabs; i++)
		take(&slab[i], PAYLOAD, 0);
	for (int i = 0; i < GAMES && stress_goes_on(); i++) {
		switch (dice_throw(dice, 3)) {
		case 0:
			burst(dice, slab);
			break;
		case 1:
			cancel(slab);
			break;
		default:
			hidden(slab);
			break;
		}
		CHECK(sleepers() == 0, "%" PRIu64 " are left behind", sleepers());
	}
	for (uint32_t i = 0; i < game.slabs; i++)
		magring_message_free(&slab[i]);
	stress_destroy(game.pool);
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_last_slab", argc, argv);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		play(&dice);
	printf("%" PRIu64 " bursts, %" PRIu64 " threads cancelled, %" PRIu64
	       " hidden slabs found\n",
		bursts, cancelled, found);
	return stress_end();
}
