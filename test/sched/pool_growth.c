/* SPDX-License-Identifier: MIT */
/*
 * Programs: address space that is mapped as it is needed, by several threads.
 *
 * No byte is handed out twice, or before it is accessible. A thread alone is not
 * refused what is left, and all can be had in the end.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#include <errno.h>

#include "memory.h"

#define PAGES ((size_t)6)
#define UNIT ((size_t)2)
#define MAPPED_MAX ((size_t)4096)
#define LARGE ((size_t)4096)

static struct region region, beside;
static unsigned int at_work; /* threads in a call, or stopped in one */
static unsigned int begun;   /* calls so far */
static size_t taken;

static size_t take(size_t most)
{
	size_t offset, left = PAGES * 4096 - taken;
	unsigned int calls = ++begun;
	bool alone = at_work++ == 0;
	size_t bytes = region_take(&region, 1024, most, &offset);
	sched_require(bytes > 0 || left < 1024 || !alone || calls != begun,
		"a refusal, and %zu bytes are left", left);
	at_work--;
	if (bytes == 0)
		return 0;
	taken += bytes;
	/* A race, if another thread has them. */
	sched_write(region.base + offset, bytes);
	sched_write(beside.base + offset / UNIT, bytes / UNIT);
	return bytes;
}

static void take_some(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		take(1 + sched_choose(8));
}

static void run_region(void)
{
	taken = 0;
	at_work = begun = 0;
	sched_require(region_init(&region, PAGES * 4096, false) == 0 &&
			region_init(&beside, PAGES * 4096 / UNIT, false) == 0,
		"a region");
	region_put_beside(&region, &beside, UNIT);
	for (int i = 0; i < 3; i++)
		sched_spawn("taker", take_some, NULL);
	sched_wait();
	sched_resume_all();
	sched_wait();
	at_work = 0;
	while (take(1) > 0)
		;
	sched_require(taken == PAGES * 4096, "%zu bytes", taken);
	region_fini(&beside);
	region_fini(&region);
}

/* -------------------------------------------------------------------- pool -- */

static const struct slabs_options large = { .bytes = 4 * LARGE,
	.max_payload = LARGE,
	.rounds = 1,
	.chunk = 1,
	.several = true };

static void trade(void *unused)
{
	(void)unused;
	slabs_trade(8, 3);
}

static void want(void *payload)
{
	struct magring_message message;
	int rc = slabs_take(&message, (uintptr_t)payload, -1);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&message);
}

static void run_pool(void)
{
	sched_limit_mappings(MAPPED_MAX);
	sched_require(region_grows(&slabs_create(&large)->depot.slabs), "reserved as a whole");
	for (int i = 0; i < 2; i++)
		slabs_spawn("trader", trade, NULL);
	for (int i = 0; i < 2; i++)
		slabs_spawn("want", want, (void *)LARGE);
	slabs_wait();
	slabs_end(LARGE);
}

/* ------------------------------------------------- mapped, and not counted -- */

static struct magring_message kept[3];
static unsigned int opened; /* mappings and changes of rights before */

/* A thread has mapped fresh memory, and has told nobody. */
static bool is_mapped(void)
{
	return memory->opened > opened;
}

static bool is_revoked(void)
{
	return atomic_load(&slabs_cache(0)->revoked) != 0;
}

static bool is_over(void)
{
	return !is_revoked();
}

static void run_until(unsigned int thread, bool (*is_so)(void))
{
	for (int i = 0; i < 2000 && !is_so() && !sched_has_ended(thread); i++)
		sched_run_alone(thread, 1);
}

static void want_and_give(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, LARGE, 0);
	sched_require(rc == 0, "refused beside a thread that maps memory: %d", rc);
	slabs_give(&message);
}

/*
 * A slab is out. Another thread wants the next one, and has mapped it. It has
 * no cache: a thread at work in a cache hides things, too.
 */
static unsigned int create_with_mapper(void)
{
	sched_limit_mappings(MAPPED_MAX);
	slabs_create(&large);
	slabs_take_all(kept, LARGE, 1);
	slabs_leave_metadata(0, 0);
	opened = memory->opened;
	unsigned int mapper = slabs_spawn("map", want_and_give, NULL);
	run_until(mapper, is_mapped);
	size_t writable = atomic_load(&slabs_pool()->depot.slabs.writable);
	sched_require(is_mapped() && writable == LARGE, "%zu bytes are counted", writable);
	return mapper;
}

static void end(void)
{
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	for (int i = 0; i < 3; i++)
		if (kept[i].private_header != 0)
			slabs_free(&kept[i]);
	slabs_end(LARGE);
}

/* The memory is counted as the other thread is about to try again. */
static void run_beside(void)
{
	unsigned int mapper = create_with_mapper();
	unsigned int wants = slabs_spawn("want", want_and_give, NULL);
	run_until(wants, is_revoked);
	run_until(wants, is_over);
	run_until(wants, is_revoked);
	sched_run_alone(mapper, 2000);
	sched_run_alone(wants, 2000);
	end();
}

static void be_refused(void *unused)
{
	struct magring_message message;
	(void)unused;
	slabs_listen();
	uint64_t begin = sched_steps();
	int rc = slabs_take(&message, LARGE, 0);
	sched_require(rc == -ENOBUFS, "memory that is not counted: %d", rc);
	sched_require(sched_steps() - begin < 2000, "a refusal takes %lu steps",
		(unsigned long)(sched_steps() - begin));
	rc = slabs_take(&message, LARGE, 1000000);
	sched_require(rc == -ETIMEDOUT, "memory that is not counted: %d", rc);
	/* What was taken before circulates. */
	slabs_free(&kept[0]);
	rc = slabs_take(&kept[0], LARGE, 0);
	sched_require(rc == 0, "a slab that was freed: %d", rc);
	slabs_tell();
}

/* The thread that has mapped memory has stopped. The others have no more until
 * it goes on, and do not wait for it. */
static void run_stopped(void)
{
	create_with_mapper();
	slabs_tell();
	unsigned int refused = slabs_spawn("refused", be_refused, NULL);
	sched_wait();
	sched_require(sched_has_ended(refused), "a thread waits for one that has stopped");
	unsigned int waits = slabs_spawn("wait", want, (void *)LARGE);
	sched_run_alone(waits, 4000);
	sched_require(!sched_has_ended(waits), "memory that is not counted");
	end();
}

const struct sched_program growth_region = { "growth_region",
	"threads take bytes of a region that grows", run_region, SCHED_MAY_STOP };
const struct sched_program growth_pool = { "growth_pool", "allocation in a pool that grows",
	run_pool, 0 };
const struct sched_program growth_beside = { "growth_beside",
	"a thread wants what another one is about to map", run_beside, 0 };
const struct sched_program growth_stopped = { "growth_stopped",
	"a thread has stopped as it maps memory", run_stopped, 0 };
