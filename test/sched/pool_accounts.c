/* SPDX-License-Identifier: MIT */
/*
 * Directed program: one thread carves, another trims, a third reads accounts.
 *
 * There are no magazines, so slabs lie on the overflow stack. The trim takes
 * them from there, and puts nothing back before it counts. So only its counts
 * tell the reader what was carved and taken.
 */
#include "pool_slabs.h"
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
	slabs_tell();
	engine_block(WAITING);
}

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

static void watch(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		slabs_check_class(slab_class(PAGE));
		uint64_t now = pool_memory(slabs_pool());
		sched_require(now >= memory_before, "%lu bytes of the system, %lu before", now,
			memory_before);
	}
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
	slabs_leave_metadata(0);
	memory_before = pool_memory(pool);
	sched_run_alone(slabs_spawn("carve", carve, NULL), 2000);
	unsigned int trimmer = slabs_spawn("trim", trim, NULL);
	slabs_spawn("watch", watch, NULL);
	sched_run_alone(trimmer, 60 + sched_choose(100));
	slabs_wait();
	slabs_listen();
	slabs_end(PAGE);
}

const struct sched_program pool_accounts = { "pool_accounts",
	"statistics beside a trim of what a third thread carved", run_accounts, 0 };
