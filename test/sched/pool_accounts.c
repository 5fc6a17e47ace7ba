/* SPDX-License-Identifier: MIT */
/*
 * Directed program: one thread carves, another trims, a third reads accounts.
 *
 * There are no magazines, so slabs lie on the overflow stack. The trim takes
 * them from there, and puts nothing back before it counts. So only its counts
 * tell the reader what was carved and taken.
 */
#include "pool_acts.h"
#include "pool/counts.h"
#include "pool_directed.h"

#define PAGE ((size_t)4096)

static uint64_t memory_before;

/* It does not end: an end orders its work before what others do. */
static void carve(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, PAGE, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&message);
	slabs_stay();
}

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

/* One or the other: each read may tell what the next one is about. */
static void watch(void *unused)
{
	(void)unused;
	if (sched_choose(2) == 0) {
		slabs_check_class(slab_class(PAGE));
		return;
	}
	uint64_t now = pool_memory(slabs_pool());
	sched_require(now >= memory_before, "%lu bytes of the system, %lu before", now,
		memory_before);
}

static bool has_begun(void)
{
	return atomic_load(&slabs_pool()->depot.chunks.begun) > 0;
}

static bool has_trimmed(void)
{
	return atomic_load(&slabs_pool()->depot.class[slab_class(PAGE)].trimmed) > 0;
}

static bool has_given_back(void)
{
	return atomic_load(&slabs_pool()->depot.chunks.absent_bytes) > 0;
}

static void run_until(unsigned int thread, bool (*is_so)(void))
{
	for (int i = 0; i < 4000 && !is_so(); i++)
		sched_run_alone(thread, 1);
}

static void run_accounts(void)
{
	struct magring_pool *pool = slabs_create(&(struct slabs_options){ .bytes = 2 * PAGE,
		.max_payload = PAGE,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	/* Seven more records are spare then. */
	struct chunk *record = chunk_record(&pool->depot.chunks);
	sched_require(record != NULL, "no record");
	chunk_forget(&pool->depot.chunks, record);
	slabs_leave_metadata(0, 0);
	memory_before = pool_memory(pool);
	unsigned int trimmer = slabs_spawn("trim", trim, NULL);
	/* The trim has read the counts of all frees before this one. */
	run_until(trimmer, has_begun);
	sched_run_alone(slabs_spawn("carve", carve, NULL), 2000);
	slabs_spawn("watch", watch, NULL);
	run_until(trimmer, sched_choose(2) == 0 ? has_trimmed : has_given_back);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_end(PAGE);
}

const struct sched_program pool_accounts = { "pool_accounts",
	"statistics beside a trim of what a third thread carved", run_accounts, 0 };
