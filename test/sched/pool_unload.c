/* SPDX-License-Identifier: MIT */
/*
 * Programs: the library is loaded beside threads that use it already, a process
 * ends beside threads that go on, and the library is unloaded before threads
 * that have used it end.
 */
#include "pool_slabs.h"
#include "pool_directed.h"

static const struct slabs_options some = { .bytes = 6 * 64, .rounds = 2, .chunk = 2 };

/* Each thread sets the key when it first uses the pool, if there is a key. */
static void use(void *unused)
{
	struct magring_message mine[2];
	unsigned int count = 0;
	(void)unused;
	while (count < 2 && slabs_take(&mine[count], SLABS_SMALL, 0) == 0)
		count++;
	while (count > 0)
		slabs_free(&mine[--count]);
}

/* As if by a constructor that came first. Such threads do without caches. */
static void run_load(void)
{
	slabs_create(&some);
	sched_exit_process();
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", use, NULL);
	sched_load_library();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void run_at_exit(void)
{
	slabs_create(&some);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", use, NULL);
	sched_pass(sched_choose(60));
	sched_exit_process();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* One thread is at that place, and the process ends in the middle of it. */
static void run_exit_beside(void)
{
	slabs_create(&some);
	sched_run_alone(slabs_spawn("user", use, NULL), sched_choose(40));
	sched_resume_all();
	sched_exit_process();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static bool is_unloaded;
static unsigned int outside; /* threads that are done with the library */

static void use_and_outlive(void *unused)
{
	use(unused);
	slabs_tell();
	outside++;
	while (!is_unloaded)
		sched_pass(1);
}

/* No thread is in the library any more, but all have set the key. */
static void run_unload(void)
{
	slabs_create(&some);
	for (int i = 0; i < 2; i++)
		sched_run_alone(sched_spawn("user", use_and_outlive, NULL), 2000);
	sched_require(outside == 2, "%u threads are done", outside);
	slabs_listen();
	slabs_end(SLABS_SMALL);
	sched_unload_library();
	is_unloaded = true;
	sched_resume_all();
	sched_wait();
}

const struct sched_program pool_load = { "pool_load",
	"threads use the library before it is loaded to the end", run_load, SCHED_MAY_STOP };
const struct sched_program pool_at_exit = { "pool_at_exit",
	"a process ends beside threads that come to a pool", run_at_exit,
	SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program pool_exit_beside = { "pool_exit_beside",
	"a process ends as a thread is about to have a cache", run_exit_beside, 0 };
const struct sched_program pool_unload = { "pool_unload",
	"the library is unloaded before threads that have used it end", run_unload, 0 };
