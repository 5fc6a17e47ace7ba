/* SPDX-License-Identifier: MIT */
/*
 * Programs: address space that is mapped as it is needed, by several threads.
 *
 * No byte is handed out twice, or before it is accessible. A thread alone is not
 * refused what is left, and all can be had in the end.
 */
#include "pool_acts.h"
#include "pool_directed.h"

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

const struct sched_program growth_region = { "growth_region",
	"threads take bytes of a region that grows", run_region, SCHED_MAY_STOP };
const struct sched_program growth_pool = { "growth_pool", "allocation in a pool that grows",
	run_pool, 0 };
