/* SPDX-License-Identifier: MIT */
/*
 * Programs: a pool that goes beside threads that end, or comes beside one that
 * looks at all pools; and one stack alone.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#include <errno.h>
#include <stdio.h>

static const struct slabs_options bare = { .bytes = 4 * 64, .rounds = 1, .chunk = 2 };

static void come_and_go(void *unused)
{
	struct magring_message mine;
	(void)unused;
	if (slabs_take(&mine, SLABS_SMALL, 0) == 0)
		slabs_free(&mine);
}

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
	slabs_create(&bare);
	other = pool_of(128);
	slabs_spawn("brief", come_and_go, NULL);
	slabs_spawn("ending", use_and_end, NULL);
	slabs_spawn("destroy", destroy_when_done, NULL);
	slabs_wait();
	int rc = magring_pool_destroy(other);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	slabs_end(SLABS_SMALL);
}

/*
 * Two pools go, one after the other. The thread that ends begins its section
 * before the first one goes, and counts itself after it.
 */
static void run_two_go(void)
{
	slabs_create(&bare);
	struct magring_pool *first = pool_of(64);
	other = pool_of(128);
	unsigned int ending = slabs_spawn("ending", use_and_end, NULL);
	for (int i = 0; i < 2000 && !is_done; i++)
		sched_run_alone(ending, 1);
	slabs_listen();
	sched_run_alone(ending, sched_choose(12));
	memory_fence_of(&engine->threads[ending]);
	memory_fence(__ATOMIC_SEQ_CST);
	if (thread_sections_busy())
		sched_resume_all();
	int rc = magring_pool_destroy(first);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	if (sched_has_stopped(ending))
		sched_run_alone(ending, sched_choose(24));
	sched_resume_all();
	rc = magring_pool_destroy(other);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------------ all pools -- */

static FILE *sink; /* of the process: no run opens it */

__attribute__((constructor)) static void open_sink(void)
{
	sink = fopen("/dev/null", "w");
	if (sink != NULL)
		setvbuf(sink, NULL, _IONBF, 0);
}

static void create_other(void *unused)
{
	(void)unused;
	other = pool_of(64);
	slabs_stay();
}

/* It has never used the other pool, and no thread has told it of it. */
static void write_metrics(void *unused)
{
	(void)unused;
	int rc = magring_write_metrics(sink, 0);
	sched_require(rc == 0, "write_metrics: %d", rc);
}

/* The metrics of all pools are written beside a thread that makes one. */
static void run_all(void)
{
	slabs_create(&bare);
	sched_run_alone(slabs_spawn("create", create_other, NULL), 4000);
	sched_require(other != NULL, "the pool is not made yet");
	slabs_spawn("write", write_metrics, NULL);
	slabs_wait();
	slabs_listen();
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
	slabs_leave_metadata(0, 0);
	for (int i = 0; i < 3; i++)
		depot_put(depot, 0, made[i]);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", push_and_pop, (void *)(uintptr_t)3);
	slabs_wait();
	for (int i = 0; i < 3; i++)
		sched_require(depot_take_empty(depot) != NULL, "%d of 3 magazines are left", i);
	sched_require(depot_take_empty(depot) == NULL, "a magazine too many");
}

const struct sched_program memory_destroy = { "memory_destroy",
	"a pool is destroyed beside a thread that ends", run_destroy, SCHED_MAY_STOP };
const struct sched_program pool_two_go = { "pool_two_go",
	"two pools are destroyed beside a thread that ends", run_two_go, 0 };
const struct sched_program pool_all = { "pool_all",
	"metrics of all pools are written as one has been made", run_all, 0 };
const struct sched_program memory_stack = { "memory_stack", "three magazines on one stack",
	run_stack, SCHED_MAY_STOP };
