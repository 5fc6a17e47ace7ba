/* SPDX-License-Identifier: MIT */
/*
 * Programs: what threads that have ended leave behind. Their counters move to
 * the accounts of the pool, and their records to others or to the system.
 */
#include "pool_acts.h"
#include "pool/counts.h"

static const struct slabs_options some = { .bytes = 8 * 64, .rounds = 2, .chunk = 2 };

enum { ENDING = 3, EACH = 2 };

static void use_and_end(void *unused)
{
	struct magring_message mine;
	(void)unused;
	for (int i = 0; i < EACH; i++) {
		int rc = slabs_take(&mine, SLABS_SMALL, 0);
		sched_require(rc == 0, "alloc: %d", rc);
		slabs_free(&mine);
	}
}

/* Counts never fall, and nothing is counted twice. */
static void watch_counts(unsigned int times)
{
	struct class_counts last = { 0 }, now;
	for (unsigned int i = 0; i < times; i++) {
		pool_count_class(slabs_pool(), 0, &now);
		sched_require(now.freed <= now.allocated, "%lu freed of %lu", now.freed,
			now.allocated);
		sched_require(now.allocated <= ENDING * EACH, "%lu allocated", now.allocated);
		sched_require(now.allocated >= last.allocated && now.freed >= last.freed,
			"from %lu to %lu allocated, from %lu to %lu freed", last.allocated,
			now.allocated, last.freed, now.freed);
		sched_require(now.allocated_bytes <= ENDING * EACH * SLABS_SMALL &&
				now.allocated_bytes >= last.allocated_bytes &&
				now.freed_bytes <= now.allocated_bytes,
			"%lu bytes allocated", now.allocated_bytes);
		last = now;
	}
}

static void watch(void *unused)
{
	(void)unused;
	watch_counts(3);
}

static void check_all(void)
{
	struct class_counts counts;
	pool_count_class(slabs_pool(), 0, &counts);
	sched_require(counts.allocated == ENDING * EACH && counts.freed == ENDING * EACH &&
			counts.allocated_bytes == ENDING * EACH * SLABS_SMALL &&
			counts.freed_bytes == ENDING * EACH * SLABS_SMALL,
		"%lu allocated, %lu freed", counts.allocated, counts.freed);
}

static void run_ends(void)
{
	slabs_create(&some);
	for (int i = 0; i < ENDING; i++)
		slabs_spawn("ends", use_and_end, NULL);
	slabs_spawn("watch", watch, NULL);
	slabs_wait();
	check_all();
	slabs_end(SLABS_SMALL);
}

static void fork_and_watch(void *unused)
{
	(void)unused;
	sched_become_child();
	watch_counts(2);
}

static void run_ends_fork(void)
{
	slabs_create(&some);
	for (int i = 0; i < ENDING; i++)
		slabs_spawn("ends", use_and_end, NULL);
	slabs_spawn("fork", fork_and_watch, NULL);
	sched_wait();
}

static void trim(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		slabs_begin_call();
		int rc = magring_pool_trim(slabs_pool(), 0, NULL);
		slabs_end_call();
		sched_require(rc == 0, "trim: %d", rc);
	}
}

/* Takes all there is, out of other caches too. */
static void take_all(void *unused)
{
	struct magring_message mine[8];
	unsigned int count = 0;
	(void)unused;
	while (count < 8 && slabs_take(&mine[count], SLABS_SMALL, 0) == 0)
		count++;
	while (count > 0)
		slabs_free(&mine[--count]);
}

static void run_given_back(void)
{
	slabs_create(&some);
	for (int i = 0; i < 2; i++) {
		slabs_spawn("brief", take_all, NULL);
		slabs_spawn("all", take_all, NULL);
	}
	slabs_spawn("trim", trim, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_ends = { "memory_ends",
	"threads end beside one another, and a thread reads their counts", run_ends,
	SCHED_MAY_STOP };
const struct sched_program memory_ends_fork = { "memory_ends_fork",
	"a thread goes on as a forked child beside threads that end", run_ends_fork, 0 };
const struct sched_program memory_given_back = { "memory_given_back",
	"a trim gives back caches beside threads that reclaim and end", run_given_back,
	SCHED_MAY_STOP };
