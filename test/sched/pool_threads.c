/* SPDX-License-Identifier: MIT */
/*
 * Programs: threads and pools that come and go, and statistics beside them.
 */
#include "pool_acts.h"
#include "pool/counts.h"

#include <errno.h>

static const struct slabs_options some = { .bytes = 6 * 64, .rounds = 2, .chunk = 2 };

static struct magring_message kept[4];

/* Leaves slabs in its cache, and ends. */
static void come_and_go(void *keeps)
{
	struct magring_message mine[2];
	unsigned int count = 0;
	while (count < 2 && slabs_take(&mine[count], SLABS_SMALL, 0) == 0)
		count++;
	if (keeps != NULL && count > 0)
		slabs_give(&mine[--count]);
	while (count > 0)
		slabs_free(&mine[--count]);
}

static void flush(void)
{
	slabs_begin_call();
	int rc = magring_pool_flush_thread(slabs_pool());
	slabs_end_call();
	sched_require(rc == 0, "flush: %d", rc);
}

/* Comes to caches that are left, and takes what is in them. */
static void come_late(void *unused)
{
	struct magring_message mine;
	(void)unused;
	for (int i = 0; i < 3; i++) {
		if (slabs_receive(&mine) || slabs_take(&mine, SLABS_SMALL, 0) == 0)
			slabs_free(&mine);
		if (sched_choose(2) == 0)
			flush();
	}
}

static unsigned int live_caches(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0, "get_stats: %d", rc);
	return (unsigned int)stats.threads;
}

static void run_exit(void)
{
	slabs_create(&some);
	for (int i = 0; i < 3; i++)
		slabs_spawn("brief", come_and_go, i == 0 ? kept : NULL);
	for (int i = 0; i < 2; i++)
		slabs_spawn("late", come_late, NULL);
	slabs_wait();
	sched_require(live_caches() == 0, "%u caches have owners that are gone", live_caches());
	slabs_end(SLABS_SMALL);
}

static void watch(void *times)
{
	for (uintptr_t i = (uintptr_t)times; i > 0; i--)
		slabs_check_statistics();
}

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

static void run_statistics(void)
{
	struct slabs_options options = some;
	options.several = true;
	slabs_create(&options);
	slabs_spawn("watch", watch, (void *)(uintptr_t)3);
	slabs_spawn("brief", come_and_go, kept);
	slabs_spawn("late", come_late, NULL);
	slabs_spawn("trim", trim, NULL);
	slabs_wait();
	slabs_check_statistics();
	slabs_end(SLABS_SMALL);
}

/* Threads without caches share their counters. */
static void run_bare_statistics(void)
{
	slabs_create(&some);
	slabs_leave_metadata(0, 2 * 256);
	slabs_spawn("watch", watch, (void *)(uintptr_t)2);
	slabs_spawn("brief", come_and_go, kept);
	slabs_spawn("late", come_late, NULL);
	slabs_wait();
	slabs_check_statistics();
	slabs_end(SLABS_SMALL);
}

static void use_and_trim(void *payload)
{
	struct magring_message message;
	int rc = slabs_take(&message, (uintptr_t)payload, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&message);
	trim(NULL);
}

/* What was trimmed was carved before, and what is absent was taken. */
static void watch_account(void *class_index)
{
	for (int i = 0; i < 2; i++) {
		slabs_check_class((unsigned int)(uintptr_t)class_index);
		sched_require(pool_memory(slabs_pool()) >= sizeof(struct magring_pool),
			"more memory is absent than was taken");
	}
}

/* A thread carves and trims, and another reads how much there is. */
static void run_account(size_t payload)
{
	struct slabs_options options = { .bytes = 2 * payload,
		.max_payload = payload,
		.rounds = 1,
		.chunk = 1,
		.several = true };
	slabs_create(&options);
	slabs_spawn("trim", use_and_trim, (void *)payload);
	slabs_spawn("watch", watch_account, (void *)(uintptr_t)slab_class(payload));
	slabs_wait();
	slabs_end(payload);
}

static void run_trimmed(void)
{
	run_account(SLABS_SMALL);
}

/* A page goes to the system. */
static void run_absent(void)
{
	run_account(4096);
}

/* -------------------------------------------------------- without caches -- */

static const struct slabs_options bare = { .bytes = 4 * 64, .rounds = 1, .chunk = 2 };

static void trade(void *unused)
{
	(void)unused;
	slabs_trade(5, 2);
}

/* There is memory for few caches and magazines, or for none. */
static void run_overflow(void)
{
	slabs_create(&bare);
	slabs_leave_metadata(sched_choose(2), sched_choose(4) * 256);
	for (int i = 0; i < 3; i++)
		slabs_spawn("trader", trade, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_exit = { "memory_exit",
	"threads end, and others take over their caches", run_exit, SCHED_MAY_STOP };
const struct sched_program memory_statistics = { "memory_statistics",
	"statistics beside traffic and a trim", run_statistics, SCHED_MAY_STOP };
const struct sched_program memory_bare_statistics = { "memory_bare_statistics",
	"statistics beside threads without caches", run_bare_statistics, SCHED_MAY_STOP };
const struct sched_program memory_trimmed = { "memory_trimmed",
	"statistics beside a trim of what was just carved", run_trimmed, SCHED_MAY_STOP };
const struct sched_program memory_absent = { "memory_absent",
	"statistics beside a trim that gives pages back", run_absent, SCHED_MAY_STOP };
const struct sched_program memory_overflow = { "memory_overflow",
	"there is no memory for caches and magazines", run_overflow,
	SCHED_MAY_STOP | SCHED_MAY_DIE };
