/* SPDX-License-Identifier: MIT */
/*
 * Programs: threads and pools that come and go, and statistics beside them.
 */
#include "memory_slabs.h"

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

/* A page goes to the system while another thread reads how much there is. */
static void run_absent(void)
{
	struct slabs_options options = { .bytes = 2 * 4096,
		.max_payload = 4096,
		.rounds = 1,
		.chunk = 1,
		.several = true };
	slabs_create(&options);
	struct magring_message page;
	int rc = slabs_take(&page, 4096, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&page);
	slabs_spawn("trim", trim, NULL);
	slabs_spawn("watch", watch, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(4096);
}

/* -------------------------------------------------------- without caches -- */

static const struct slabs_options bare = { .bytes = 4 * 64, .rounds = 1, .chunk = 2 };

static void trade(void *turns)
{
	struct magring_message mine[2];
	unsigned int count = 0;
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		if (count < 2 && sched_choose(2) == 0)
			count += slabs_take(&mine[count], SLABS_SMALL, 0) == 0;
		else if (count > 0 && sched_choose(2) == 0)
			slabs_give(&mine[--count]);
		else if (count > 0)
			slabs_free(&mine[--count]);
	}
	while (count > 0)
		slabs_free(&mine[--count]);
}

/* There is memory for few caches and magazines, or for none. */
static void run_overflow(void)
{
	slabs_create(&bare);
	size_t cache = (slabs_pool()->registry.cache_size + 255) / 256 * 256;
	slabs_leave_metadata(sched_choose(2) * cache + sched_choose(4) * 256);
	for (int i = 0; i < 3; i++)
		slabs_spawn("trader", trade, (void *)(uintptr_t)5);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------------ other pools -- */

static struct magring_pool *other;

static struct magring_pool *pool_of(size_t bytes)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = bytes,
		.max_payload = SLABS_SMALL };
	struct magring_pool *pool;
	int rc = magring_pool_create(&pool, &options);
	sched_require(rc == 0, "pool_create: %d", rc);
	return pool;
}

static bool is_done; /* with the other pool */

static void use_and_end(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = magring_message_alloc(other, &message, NULL, 0, SLABS_SMALL, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	magring_message_free(&message);
	slabs_tell();
	is_done = true;
}

static void destroy_when_done(void *unused)
{
	(void)unused;
	while (!is_done)
		engine_yield();
	/* That thread may be ending at this moment. */
	slabs_listen();
	int rc = magring_pool_destroy(other);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	/* Its number may be another's now. */
	other = pool_of(64);
	use_and_end(NULL);
}

static void run_destroy(void)
{
	slabs_create(&some);
	other = pool_of(128);
	slabs_spawn("brief", come_and_go, NULL);
	slabs_spawn("ending", use_and_end, NULL);
	slabs_spawn("destroy", destroy_when_done, NULL);
	slabs_wait();
	int rc = magring_pool_destroy(other);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------------------ stack -- */

static bool in_hands[8];

/* Two magazines, on and off one stack. */
static void push_and_pop(void *turns)
{
	struct depot *depot = &slabs_pool()->depot;
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		struct magazine *mine[2];
		int count = 1 + (int)sched_choose(2);
		for (int m = 0; m < count; m++) {
			mine[m] = depot_take_empty(depot);
			if (mine[m] == NULL)
				continue;
			size_t number = mine[m]->reserved;
			sched_require(!in_hands[number], "magazine %zu twice", number);
			in_hands[number] = true;
		}
		for (int m = 0; m < count; m++) {
			if (mine[m] == NULL)
				continue;
			in_hands[mine[m]->reserved] = false;
			depot_put(depot, 0, mine[m]);
		}
	}
}

static void run_stack(void)
{
	struct depot *depot = &slabs_create(&bare)->depot;
	struct magazine *made[3];
	for (uint32_t i = 0; i < 3; i++) {
		made[i] = depot_take_empty(depot);
		made[i]->reserved = i;
	}
	slabs_leave_metadata(0);
	for (int i = 0; i < 3; i++)
		depot_put(depot, 0, made[i]);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", push_and_pop, (void *)(uintptr_t)3);
	slabs_wait();
	for (int i = 0; i < 3; i++)
		sched_require(depot_take_empty(depot) != NULL, "%d of 3 magazines are left", i);
	sched_require(depot_take_empty(depot) == NULL, "a magazine too many");
}

const struct sched_program memory_exit = { "memory_exit",
	"threads end, and others take over their caches", run_exit, SCHED_MAY_STOP };
const struct sched_program memory_statistics = { "memory_statistics",
	"statistics beside traffic and a trim", run_statistics, SCHED_MAY_STOP };
const struct sched_program memory_absent = { "memory_absent",
	"statistics beside a trim that gives pages back", run_absent, SCHED_MAY_STOP };
const struct sched_program memory_overflow = { "memory_overflow",
	"there is no memory for caches and magazines", run_overflow,
	SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_destroy = { "memory_destroy",
	"a pool is destroyed beside a thread that ends", run_destroy, SCHED_MAY_STOP };
const struct sched_program memory_stack = { "memory_stack", "three magazines on one stack",
	run_stack, SCHED_MAY_STOP };
