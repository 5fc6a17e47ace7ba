/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: what a thread that ends, or flushes its cache, leaves for
 * others; and what a thread does that meets such a moment.
 */
#include "pool_acts.h"
#include "pool_directed.h"

static struct magring_message held[8];
static bool freed;

/* ---------------------------------------------------------- who is woken -- */

static void free_and_end(void *unused)
{
	(void)unused;
	slabs_free(&held[0]);
	slabs_tell(); /* and all stores have left its buffer */
	freed = true;
	slabs_begin_call();
}

static void free_and_flush(void *unused)
{
	free_and_end(unused);
	int rc = magring_pool_flush_thread(slabs_pool());
	sched_require(rc == 0, "flush: %d", rc);
	slabs_stay();
}

/*
 * A thread empties its cache, with the only free slab in its hands. Another one
 * meets it there, and sleeps. It is woken when the first is done: time alone,
 * after which it would try again unasked, does not pass.
 */
static void run_leaves(void (*run)(void *))
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 1);
	unsigned int leaves = sched_spawn("leaves", run, NULL);
	for (int i = 0; i < 2000 && !freed; i++)
		sched_run_alone(leaves, 1);
	for (int i = 0; i < 2000 && atomic_load(&slabs_cache(1)->busy) == 0; i++)
		sched_run_alone(leaves, 1);
	sched_run_alone(leaves, 2); /* past its fence, if it has one */
	unsigned int wants = slabs_spawn("want", slabs_want, (void *)SLABS_SMALL);
	sched_run_alone(wants, 2000);
	/* In TSO memory the slab may be in the depot before the cache is busy. */
	sched_require(sched_is_asleep(wants) || sched_memory_kind() == SCHED_TSO,
		"it has got the slab");
	sched_run_alone(leaves, 2000);
	sched_require(!sched_is_asleep(wants), "nobody wakes it");
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_end(SLABS_SMALL);
}

static void run_end_wakes(void)
{
	run_leaves(free_and_end);
}

static void run_flush_wakes(void)
{
	run_leaves(free_and_flush);
}

/* ------------------------------------------------------- what is left over -- */

static void use_two_and_end(void *unused)
{
	(void)unused;
	for (int i = 1; i < 3; i++) {
		int rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %d: %d", i, rc);
	}
	for (int i = 1; i < 3; i++)
		slabs_free(&held[i]);
}

/* Nobody carves more while there is what a thread left at its end. */
static void run_left_over(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	slabs_create(&(struct slabs_options){ .bytes = 8 * 64, .rounds = 2, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_spawn("ends", use_two_and_end, NULL);
	slabs_wait();
	for (int i = 1; i < 3; i++) {
		int rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %d: %d", i, rc);
	}
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0 && stats.slab_bytes_carved == 3 * 64, "%lu bytes were carved",
		stats.slab_bytes_carved);
	for (int i = 0; i < 3; i++)
		slabs_free(&held[i]);
	slabs_end(SLABS_SMALL);
}

const struct sched_program pool_end_wakes = { "pool_end_wakes",
	"a thread ends with the slab in its hands that another wants", run_end_wakes, 0 };
const struct sched_program pool_flush_wakes = { "pool_flush_wakes",
	"a thread flushes its cache, and another wants what is in it", run_flush_wakes, 0 };
const struct sched_program pool_left_over = { "pool_left_over",
	"a thread has ended, and another wants as much as it had", run_left_over, 0 };
