/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: magazines that cool. Threads that free what others have
 * allocated put them into the places.
 */
#include "pool_acts.h"
#include "pool_directed.h"

static struct magring_message held[8];

/* Magazines of one slab: the first one of three cools. */
static void free_three(void *first)
{
	struct magring_message *message = first;
	for (int i = 0; i < 3; i++)
		slabs_free(&message[i]);
}

/* Its cache keeps what it holds, and it is in no call. */
static void free_three_and_stay(void *first)
{
	free_three(first);
	slabs_stay();
}

/* Two threads put a magazine into one place. */
static void run_cool_over(void)
{
	slabs_create(
		&(struct slabs_options){ .bytes = 6 * 64, .rounds = 1, .chunk = 1, .cooling = 1 });
	slabs_take_all(held, SLABS_SMALL, 6);
	slabs_spawn("free", free_three, &held[0]);
	slabs_spawn("free", free_three, &held[3]);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

#define LARGE ((size_t)256)

/* What cools is of one class, and the other one wants it. */
static void run_cool_class(void)
{
	struct magring_message large;
	slabs_create(&(struct slabs_options){ .bytes = 4 * 64,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 1,
		.cooling = 1,
		.several = true });
	slabs_take_all(held, SLABS_SMALL, 4);
	slabs_spawn("free", free_three, &held[1]);
	slabs_wait();
	sched_require(slabs_take(&large, LARGE, 0) != 0, "a large slab of small memory");
	slabs_free(&held[0]);
	slabs_end(LARGE);
}

static void take_empties(void)
{
	while (depot_take_empty(&slabs_pool()->depot) != NULL)
		;
}

/* There is no empty magazine for the thread that wants what cools. */
static void run_cool_bare(void)
{
	slabs_create(
		&(struct slabs_options){ .bytes = 3 * 64, .rounds = 1, .chunk = 1, .cooling = 1 });
	slabs_take_all(held, SLABS_SMALL, 3);
	sched_run_alone(slabs_spawn("free", free_three_and_stay, &held[0]), 2000);
	slabs_listen();
	slabs_leave_metadata(0, 0);
	for (unsigned int i = 0; i < 3; i++) {
		(void)magring_pool_flush_thread(slabs_pool());
		take_empties();
		int rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %u of 3: %d", i, rc);
	}
	for (unsigned int i = 0; i < 3; i++)
		slabs_free(&held[i]);
	slabs_end(SLABS_SMALL);
}

static unsigned int freed;
static struct cache *cache; /* thread 0's, which every thread looks at last */

static void free_five(void *unused)
{
	(void)unused;
	for (; freed < 5; freed++)
		slabs_free(&held[freed]);
	slabs_stay();
}

static void want_one(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, 0);
	/* What is old in weak memory may be all that it has seen. */
	sched_require(rc == 0 || sched_memory_kind() == SCHED_WEAK, "no second try: %d", rc);
	if (rc == 0)
		slabs_give(&message);
}

static void run_until_revoked(unsigned int thread, bool is_revoked)
{
	for (int i = 0; i < 2000 && (atomic_load(&cache->revoked) != 0) != is_revoked; i++)
		sched_run_alone(thread, 1);
}

/*
 * A thread has looked at every cache. Before it looks at the depot, another
 * frees all slabs, one of which is hot: two are in its hands, on the way into a
 * place and out of it.
 */
static void run_cool_moves(void)
{
	struct depot *depot = &slabs_create(
		&(struct slabs_options){ .bytes = 5 * 64, .rounds = 1, .chunk = 1, .cooling = 3 })
				       ->depot;
	depot->class[0].places = 2;
	slabs_take_all(held, SLABS_SMALL, 5);
	cache = slabs_cache(0);
	unsigned int wants = slabs_spawn("want", want_one, NULL);
	run_until_revoked(wants, true);
	run_until_revoked(wants, false);
	unsigned int frees = slabs_spawn("free", free_five, NULL);
	for (int i = 0; i < 2000 && freed < 4; i++)
		sched_run_alone(frees, 1);
	sched_require(atomic_load(&depot->cooling.place[1]) != 0, "nothing cools");
	/* As if others had come and gone: the place is the first of the next two. */
	sched_store((uint64_t *)&depot->cooling.next, 1, memory_order_relaxed);
	for (int i = 0; i < 2000 && atomic_load(&depot->cooling.place[1]) != 0; i++)
		sched_run_alone(frees, 1);
	run_until_revoked(wants, true);
	sched_run_alone(frees, 2000);
	sched_run_alone(wants, 2000);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_end(SLABS_SMALL);
}

const struct sched_program pool_cool_moves = { "pool_cool_moves",
	"a magazine leaves its place as a thread looks for it", run_cool_moves, 0 };
const struct sched_program pool_cool_over = { "pool_cool_over",
	"one magazine takes the place of another", run_cool_over, SCHED_MAY_STOP };
const struct sched_program pool_cool_class = { "pool_cool_class",
	"what cools is another class's, until a trim", run_cool_class, SCHED_MAY_STOP };
const struct sched_program pool_cool_bare = { "pool_cool_bare",
	"what cools is all there is, and there are no magazines", run_cool_bare, 0 };
