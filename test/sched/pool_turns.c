/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: a thread looks for memory while another has it in its
 * hands, and puts it back at the worst moment.
 */
#include "pool_slabs.h"
#include "pool_directed.h"

#include <errno.h>

#define LARGE ((size_t)256)

static struct magring_message held[8];

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

static void free_all(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %u: %d", i, rc);
	}
	for (unsigned int i = 0; i < count; i++)
		slabs_free(&held[i]);
}

/* There is memory for it at all times, in another thread's hands at worst. */
static void want(void *payload)
{
	struct magring_message message;
	int rc = slabs_take(&message, (uintptr_t)payload, -1);
	sched_require(rc == 0, "a waiting allocation: %d", rc);
	slabs_free(&message);
}

/* One alone, the other alone, the first to its end. Then both go on. */
static void take_turns(unsigned int first, unsigned int most, unsigned int second)
{
	sched_run_alone(first, sched_choose(most));
	sched_run_alone(second, 20 + sched_choose(280));
	sched_run_alone(first, sched_choose(2) == 0 ? 2000 : sched_choose(most));
	sched_resume_all();
}

/* A trim has the only slab during a try, and has put it back after it. */
static void run_turn_over(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	free_all(1);
	unsigned int trimmer = slabs_spawn("trim", trim, NULL);
	take_turns(trimmer, 200, slabs_spawn("want", want, (void *)SLABS_SMALL));
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void use_small(void *unused)
{
	struct magring_message message;
	(void)unused;
	if (slabs_take(&message, SLABS_SMALL, 0) == 0)
		slabs_free(&message);
}

/* All memory is one range, with room for both threads. One of them cuts it. */
static void run_cut(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 5 * 64,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	free_all(5);
	trim(NULL);
	unsigned int user = slabs_spawn("small", use_small, NULL);
	take_turns(user, 100, slabs_spawn("large", want, (void *)LARGE));
	slabs_wait();
	slabs_end(LARGE);
}

static bool is_in_hands(void)
{
	struct chunks *chunks = &slabs_pool()->depot.chunks;
	return atomic_load(&chunks->begun) != atomic_load(&chunks->ended);
}

static void run_until_it_cuts(unsigned int thread)
{
	for (int i = 0; i < 400 && !is_in_hands(); i++)
		sched_run_alone(thread, 1);
	sched_run_alone(thread, 4 + sched_choose(4));
}

static void use_two_small(void *unused)
{
	struct magring_message message[2];
	unsigned int count = 0;
	(void)unused;
	while (count < 2 && slabs_take(&message[count], SLABS_SMALL, 0) == 0)
		count++;
	while (count > 0)
		slabs_free(&message[--count]);
}

/*
 * A barrier tells the thread that misses the range of the first cut. It misses
 * the range again, as it is cut once more, and this time no barrier tells it.
 * Or there is no second cut, and it must know what was put back.
 */
static void run_cut_twice(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 6 * 64,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	free_all(6);
	trim(NULL);
	unsigned int user = slabs_spawn("small", use_two_small, NULL);
	unsigned int other = slabs_spawn("large", want, (void *)LARGE);
	run_until_it_cuts(user);
	sched_run_alone(other, 90 + sched_choose(150));
	for (int i = 0; i < 400 && is_in_hands(); i++)
		sched_run_alone(user, 1);
	if (sched_choose(2) == 0)
		run_until_it_cuts(user);
	sched_run_alone(other, 2000);
	sched_resume_all();
	slabs_wait();
	slabs_end(LARGE);
}

/* --------------------------------------------------------- trimmed slabs -- */

static void give_kept(void *unused)
{
	(void)unused;
	slabs_free(&held[7]);
}

/*
 * A class had slabs, which were trimmed. The memory is another class's since,
 * and a free of that serves a thread that waits.
 */
static void want_small(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, -1);
	sched_require(rc == 0, "a slab of another class is free: %d", rc);
	slabs_free(&message);
}

static void run_tail(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 4 * 64,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	free_all(4);
	trim(NULL);
	int rc = slabs_take(&held[7], LARGE, 0);
	sched_require(rc == 0, "large: %d", rc);
	slabs_spawn("want", want_small, NULL);
	slabs_spawn("give", give_kept, NULL);
	slabs_wait();
	slabs_end(LARGE);
}

/* ------------------------------------------------------ pages of magazines -- */

#define MAGAZINES 33

static bool in_hands[64];

static void take_two(void *unused)
{
	struct depot *depot = &slabs_pool()->depot;
	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct magazine *magazine = depot_take_empty(depot);
		sched_require(magazine != NULL, "no magazine");
		size_t number = (size_t)((unsigned char *)magazine - depot->metadata.base) / 256;
		sched_require(number < 64 && !in_hands[number], "magazine %zu twice", number);
		in_hands[number] = true;
	}
}

/*
 * The magazine on top is in a page that stays, and those behind it are in pages
 * that go. A pop that began before the trim must not succeed after it.
 */
static void run_pages(void)
{
	static struct magazine *made[MAGAZINES];
	struct depot *depot =
		&slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 })
			 ->depot;
	for (int i = 0; i < MAGAZINES; i++)
		made[i] = depot_take_empty(depot);
	for (int i = 0; i < MAGAZINES; i++)
		depot_put(depot, 0, made[i]);
	unsigned int user = slabs_spawn("user", take_two, NULL);
	unsigned int trimmer = slabs_spawn("trim", trim, NULL);
	sched_run_alone(user, 1 + sched_choose(12));
	sched_run_alone(trimmer, 4000);
	sched_resume_all();
	slabs_spawn("user", take_two, NULL);
	slabs_spawn("user", take_two, NULL);
	slabs_wait();
}

const struct sched_program pool_turn_over = { "pool_turn_over",
	"a trim puts back what a thread has just missed", run_turn_over, SCHED_MAY_INTERRUPT };
const struct sched_program pool_cut = { "pool_cut", "a thread cuts the range that another misses",
	run_cut, SCHED_MAY_INTERRUPT };
const struct sched_program pool_cut_twice = { "pool_cut_twice",
	"a thread misses the same range twice", run_cut_twice, SCHED_MAY_INTERRUPT };
const struct sched_program pool_tail = { "pool_tail",
	"a class without slabs waits for those of another", run_tail, SCHED_MAY_INTERRUPT };
const struct sched_program pool_pages = { "pool_pages", "a pop begins before pages of magazines go",
	run_pages, 0 };
