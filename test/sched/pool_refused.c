/* SPDX-License-Identifier: MIT */
/*
 * Programs: the system refuses memory, now and then or for a while.
 *
 * A call that is refused says so and leaves nothing behind. Nothing is lost: as
 * soon as the system gives memory again, all slabs can be had.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#include <errno.h>

#define ODDS 4

static const struct slabs_options some = { .bytes = 6 * 64, .rounds = 2, .chunk = 2 };
#define LARGE ((size_t)4096) /* each needs an mprotect() */

static const struct slabs_options two_classes = { .bytes = 4 * LARGE,
	.max_payload = LARGE,
	.rounds = 1,
	.chunk = 1,
	.several = true };

static void trade(void *unused)
{
	(void)unused;
	slabs_trade(8, 3);
}

/* A thread that cannot be told of its end has no cache. */
static void check_owners(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0 && stats.threads == 0, "%lu caches have owners that are gone",
		(unsigned long)stats.threads);
}

static void run_traffic(void)
{
	slabs_create(&some);
	sched_refuse(ODDS);
	for (int i = 0; i < 3; i++)
		slabs_spawn("trader", trade, NULL);
	slabs_wait();
	check_owners();
	sched_refuse(0);
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------------------ waits -- */

/* A chunk without a record is never trimmed: chunk.c. So there are records. */
static void create_with_records(void)
{
	struct chunks *chunks = &slabs_create(&two_classes)->depot.chunks;
	chunk_forget(chunks, chunk_record(chunks));
}

/* No wait is in vain: it ends with a slab, or as there is none to wait for. */
static void want(void *payload)
{
	struct magring_message message;
	int rc = slabs_take(&message, (uintptr_t)payload, sched_choose(2) == 0 ? -1 : 1000000);
	sched_require(rc == 0 || rc == -ENOBUFS || rc == -ETIMEDOUT, "alloc: %d", rc);
	if (rc == 0)
		slabs_free(&message);
}

static void run_waits(void)
{
	create_with_records();
	sched_refuse(sched_choose(2) == 0 ? 2 : ODDS);
	for (int i = 0; i < 4; i++)
		slabs_spawn("want", want, (void *)(i % 2 == 0 ? SLABS_SMALL : LARGE));
	slabs_wait();
	sched_refuse(0);
	slabs_end(LARGE);
}

/* As long as everything is refused, nobody has memory, and nobody waits. */
static void run_nothing(void)
{
	struct magring_message message;
	slabs_create(&some);
	sched_refuse(1);
	for (int i = 0; i < 2; i++)
		slabs_spawn("want", want, (void *)SLABS_SMALL);
	slabs_wait();
	for (int timeout_ns = -1; timeout_ns < 1; timeout_ns++) {
		int rc = slabs_take(&message, SLABS_SMALL, timeout_ns);
		sched_require(rc == -ENOBUFS, "memory of nothing: %d", rc);
	}
	sched_refuse(0);
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------------------ trims -- */

static void use_and_trim(void *payload)
{
	struct magring_message message;
	for (int i = 0; i < 2; i++) {
		if (slabs_take(&message, (uintptr_t)payload, 0) == 0)
			slabs_free(&message);
		slabs_begin_call();
		unsigned int refused = sched_refused();
		int rc = magring_pool_trim(slabs_pool(), 0, NULL);
		slabs_end_call();
		sched_require(rc == 0 || rc == -EBUSY ||
				(rc == -ENOMEM && sched_refused() != refused),
			"trim: %d", rc);
	}
}

static void run_trim(void)
{
	create_with_records();
	sched_refuse(ODDS);
	slabs_spawn("trim", use_and_trim, (void *)SLABS_SMALL);
	slabs_spawn("trim", use_and_trim, (void *)LARGE);
	slabs_wait();
	sched_refuse(0);
	slabs_check_statistics();
	slabs_end(LARGE);
}

/* ---------------------------------------------------- create and destroy -- */

/* What cannot be made is refused as a whole. */
static void make_all(void)
{
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 64,
		.sample_bytes = sched_choose(2) };
	const struct magring_queue_options of_queue = { .size = sizeof(of_queue), .capacity = 2 };
	struct magring_pool *pool = NULL;
	struct magring_queue *queue = NULL;
	unsigned int refused = sched_refused(), pieces = sched_pieces();
	int rc = magring_pool_create(&pool, &options);
	if (rc == -ENOTSUP)
		return; /* samples, in a C library without backtrace() */
	/* The advice about huge pages may be refused. */
	sched_require(rc == 0 || refused != sched_refused(), "pool: %d", rc);
	sched_require(rc == 0 || (rc == -ENOMEM && pool == NULL), "pool: %d", rc);
	sched_require(rc == 0 || pieces == sched_pieces(), "a pool has left %u of %u pieces",
		sched_pieces() - pieces, sched_pieces());
	unsigned int before = sched_pieces();
	refused = sched_refused();
	rc = magring_queue_create(&queue, pool, &of_queue);
	sched_require((rc == 0) == (refused == sched_refused()), "queue: %d, %u refusals", rc,
		sched_refused() - refused);
	sched_require(rc == 0 || (rc == -ENOMEM && queue == NULL), "queue: %d", rc);
	sched_require(rc == 0 || before == sched_pieces(), "a queue has left something");
	if (rc == 0 && (rc = magring_queue_release(queue)) != 0)
		sched_fail("queue_release: %d", rc);
	if (pool != NULL && (rc = magring_pool_destroy(pool)) != 0)
		sched_fail("pool_destroy: %d", rc);
	sched_require(pieces == sched_pieces(), "%u pieces, and %u before", sched_pieces(), pieces);
}

static void run_create(void)
{
	sched_refuse(ODDS);
	for (int i = 0; i < 4; i++)
		make_all();
}

/* -------------------------------------------------------------- samples -- */

/* What cannot be noted is no sample. */
static void run_sampled(void)
{
	static void *frames[] = { (void *)1, (void *)2 };
	struct slabs_options options = some;
	options.sample = 1;
	unsigned int pieces = sched_pieces();
	sched_set_stack(frames, 2);
	slabs_create(&options);
	sched_refuse(ODDS);
	for (int i = 0; i < 2; i++)
		slabs_spawn("trader", trade, NULL);
	slabs_wait();
	sched_refuse(0);
	slabs_end(SLABS_SMALL);
	sched_require(pieces == sched_pieces(), "%u pieces are left", sched_pieces() - pieces);
}

/* A library without a key has no caches, and is as good without. */
static void run_load(void)
{
	slabs_create(&some);
	sched_exit_process();
	sched_refuse(2);
	sched_load_library();
	for (int i = 0; i < 2; i++)
		slabs_spawn("trader", trade, NULL);
	slabs_wait();
	sched_refuse(0);
	slabs_end(SLABS_SMALL);
}

const struct sched_program refused_traffic = { "refused_traffic",
	"traffic while the system refuses memory now and then", run_traffic,
	SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program refused_waits = { "refused_waits",
	"threads wait for memory that the system refuses", run_waits,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program refused_nothing = { "refused_nothing",
	"the system refuses everything for a while", run_nothing, SCHED_MAY_STOP };
const struct sched_program refused_trim = { "refused_trim", "trims while the system refuses memory",
	run_trim, SCHED_MAY_STOP };
const struct sched_program refused_create = { "refused_create",
	"pools and queues are made while the system refuses memory", run_create, 0 };
const struct sched_program refused_samples = { "refused_samples",
	"samples while the system refuses memory", run_sampled, SCHED_MAY_STOP };
const struct sched_program refused_load = { "refused_load",
	"the library is loaded while the system refuses memory", run_load, SCHED_MAY_STOP };
