/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: an allocation without a timeout finds no memory, as another
 * thread has it in its hands. It is not refused, but tries again.
 *
 * The pool has one class, so the thread that looks has no others to trim. Each
 * of its tries passes one barrier, in thread_reclaim(). There the caches are
 * marked, so the mark tells how far it has come. What the other thread does
 * after that barrier no barrier tells.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#define MOST 2000

static struct magring_message kept, held;
static struct cache *cache;       /* the first: marked first, and unmarked last */
static unsigned int wants, moves; /* the threads: one looks, one moves memory */
static struct chunk *range;

static bool is_marked(void)
{
	return atomic_load(&cache->revoked) != 0;
}

static bool is_unmarked(void)
{
	return !is_marked();
}

/* As it is, and not as this thread may see it. */
static bool is_range_in_hands(void)
{
	struct chunks *chunks = &slabs_pool()->depot.chunks;
	for (unsigned int i = 0; i < chunks->classes; i++)
		if (!tagged_stack_is_empty(&chunks->free[i].stack))
			return false;
	return true;
}

static bool are_slabs_in_hands(void)
{
	struct depot *depot = &slabs_pool()->depot;
	return tagged_stack_is_empty(&depot->chunks.carved[0].stack) &&
		tagged_stack_is_empty(&depot->class[0].filled.stack);
}

static void run_until(unsigned int thread, bool (*is_so)(void))
{
	for (int i = 0; i < MOST && !is_so(); i++)
		sched_run_alone(thread, 1);
}

static void want_at_once(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, 0);
	sched_require(rc == 0, "refused, though the other thread is done: %d", rc);
	slabs_give(&message);
}

/* So many steps, and none beyond the mark of a try. */
static void run_within_try(unsigned int steps)
{
	for (; steps > 0 && !is_marked(); steps--)
		sched_run_alone(wants, 1);
}

static void pass_barrier(void)
{
	run_until(wants, is_marked);
	run_until(wants, is_unmarked);
}

/* Both to their ends. The thread that looks has another try, which misses nothing. */
static void end(void)
{
	run_until(wants, is_marked);
	memory_fence_of(&engine->threads[moves]);
	sched_run_alone(wants, MOST);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_free(&kept);
	slabs_end(SLABS_SMALL);
}

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

/* A trim has the only slab that is free. */
static void run_trim_beside(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(&kept, SLABS_SMALL, 1);
	slabs_take_all(&held, SLABS_SMALL, 1);
	slabs_free(&held);
	cache = slabs_cache(0);
	moves = slabs_spawn("trim", trim, NULL);
	run_until(moves, are_slabs_in_hands);
	wants = slabs_spawn("want", want_at_once, NULL);
	pass_barrier();
	run_within_try(sched_choose(80));
	sched_run_alone(moves, MOST);
	end();
}

/* Carving is one look for a range then, without a fence after it. */
static void leave_no_magazines(void)
{
	slabs_leave_metadata(2, 0);
	while (depot_take_empty(&slabs_pool()->depot) != NULL)
		;
}

/* All memory but one slab is a range, and in this thread's hands. */
static void begin_with_range(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 5 * 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(&kept, SLABS_SMALL, 1);
	cache = slabs_cache(0);
	struct chunks *chunks = &slabs_pool()->depot.chunks;
	range = chunk_take_rest(chunks);
	sched_require(range != NULL, "no range");
	sched_store((uint64_t *)&chunks->free_bytes, range->bytes, memory_order_relaxed);
	if (sched_choose(2) == 0)
		leave_no_magazines();
}

static void use_one(void *unused)
{
	(void)unused;
	slabs_take_all(&held, SLABS_SMALL, 1);
	slabs_free(&held);
	slabs_stay();
}

/*
 * The range comes back before the barrier, as if the thread that had it had
 * ended its move before the try. Another one cuts it after the barrier.
 */
static void run_cut_beside(void)
{
	begin_with_range();
	wants = slabs_spawn("want", want_at_once, NULL);
	run_until(wants, is_marked);
	chunk_put_range(&slabs_pool()->depot.chunks, range);
	memory_fence(__ATOMIC_SEQ_CST);
	run_until(wants, is_unmarked);
	moves = slabs_spawn("cut", use_one, NULL);
	run_until(moves, is_range_in_hands);
	run_within_try(sched_choose(80));
	sched_run_alone(moves, MOST);
	end();
}

static void put_range(void *unused)
{
	(void)unused;
	chunk_put_range(&slabs_pool()->depot.chunks, range);
	chunk_end_move(&slabs_pool()->depot.chunks);
	slabs_stay();
}

/* The range comes back at some moment. No fence tells of it before the next try. */
static void run_moved(void)
{
	begin_with_range();
	chunk_begin_move(&slabs_pool()->depot.chunks);
	wants = slabs_spawn("want", want_at_once, NULL);
	moves = slabs_spawn("put", put_range, NULL);
	run_within_try(sched_choose(200));
	sched_run_alone(moves, MOST);
	pass_barrier();
	end();
}

const struct sched_program pool_trim_beside = { "pool_trim_beside",
	"an allocation without a timeout beside a trim", run_trim_beside, 0 };
const struct sched_program pool_cut_beside = { "pool_cut_beside",
	"an allocation without a timeout beside threads that carve", run_cut_beside, 0 };
const struct sched_program pool_moved = { "pool_moved",
	"an allocation without a timeout as a range comes back", run_moved, 0 };
