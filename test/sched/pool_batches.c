/* SPDX-License-Identifier: MIT */
/*
 * Programs: messages made and freed by the batch.
 */
#include "pool_acts.h"
#include "pool_directed.h"
#include "pool_programs.h"

static struct magring_message held[4];

static void add(void *count)
{
	slabs_free_batch(held, (uintptr_t)count);
}

/* A thread that ends would wake all. */
static void add_and_stay(void *count)
{
	add(count);
	slabs_stay();
}

static unsigned int sleeper(void)
{
	unsigned int thread = slabs_spawn("waiter", slabs_want, (void *)SLABS_SMALL);
	sched_run_alone(thread, 2000);
	sched_require(sched_is_asleep(thread), "thread %u does not sleep", thread);
	return thread;
}

/* Three sleep, and one call frees three slabs. */
static void run_wakes(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 3 * 64, .rounds = 3, .chunk = 3 });
	slabs_take_all(held, SLABS_SMALL, 3);
	for (int i = 0; i < 3; i++)
		sleeper();
	slabs_spawn("free", add_and_stay, (void *)(uintptr_t)3);
	sched_wait();
	for (unsigned int i = 1; i <= 3; i++)
		sched_require(sched_has_ended(i), "thread %u is not woken", i);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static bool has_taken;

static void take_and_free(void *unused)
{
	(void)unused;
	slabs_take_all(held, SLABS_SMALL, 2);
	has_taken = true;
	add_and_stay((void *)(uintptr_t)2);
}

/*
 * The first sleeper stops as it is woken. The second one gets its slab. The
 * thread that frees has a cache with room, so its batch is one run.
 */
static void run_second(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * 64, .rounds = 2, .chunk = 2 });
	unsigned int frees = slabs_spawn("free", take_and_free, NULL);
	for (int i = 0; i < 2000 && !has_taken; i++)
		sched_run_alone(frees, 1);
	unsigned int first = sleeper(), second = sleeper();
	for (int i = 0; i < 2000 && sched_is_asleep(first); i++)
		sched_run_alone(frees, 1);
	sched_stop(first);
	sched_run_alone(frees, 2000);
	sched_wait();
	sched_require(sched_has_ended(second), "no second sleeper is woken");
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static struct magring_message batch[3];

/* Two slabs are free, or one and another that comes. Three are wanted. */
static void take_three(void *unused)
{
	(void)unused;
	slabs_listen();
	int got = slabs_take_batch(batch, 3, SLABS_SMALL, 0);
	sched_require(got < 3, "%d slabs, and one is out", got);
	slabs_stay();
}

/*
 * A batch is cut short beside a thread that waits. The slabs of a third thread's
 * cache are in the batch's hands for a moment. What the batch does not take the
 * other one gets, although nothing is freed any more.
 */
static void run_cut(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 3 * 64, .rounds = 2, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 3);
	unsigned int waits = sleeper();
	slabs_tell();
	slabs_spawn("cut", take_three, NULL);
	slabs_spawn("free", add_and_stay, (void *)(uintptr_t)2);
	slabs_stand_still();
	size_t left = 3 * 64 - slabs_held();
	sched_require(sched_has_ended(waits) || left == 0,
		"a thread sleeps, and %zu bytes are free", left);
	slabs_listen();
	for (int i = 0; i < 3; i++)
		if (batch[i].private_header != 0)
			slabs_free(&batch[i]);
	slabs_free(&held[2]);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* Batches of one to three, beside others, and so beside reclaimers. */
static void trade(void *turns)
{
	struct magring_message mine[3];
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		size_t wanted = 1 + sched_choose(3), given = 0;
		int got = slabs_take_batch(mine, wanted, SLABS_SMALL, 0);
		size_t count = got > 0 ? (size_t)got : 0;
		if (count > 1 && sched_choose(2) == 0) {
			slabs_give(&mine[--count]);
			given = 1;
		}
		if (given == 0 && count < 3 && slabs_receive(&mine[count]))
			count++;
		slabs_free_batch(mine, count);
	}
}

static void run_trade(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 5 * 64, .rounds = 2, .chunk = 2 });
	if (sched_choose(4) == 0)
		slabs_leave_metadata(1, sched_choose(4) * 256);
	for (unsigned int i = 0; i < 3; i++)
		slabs_spawn("trader", trade, (void *)(uintptr_t)4);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* Two wait without limit for what others free by the batch. */
static void want_and_free(void *turns)
{
	struct magring_message mine[2];
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		int got = slabs_take_batch(mine, 2, SLABS_SMALL, -1);
		sched_require(got > 0, "a batch: %d", got);
		slabs_free_batch(mine, (size_t)got);
	}
}

static void run_wait(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * 64, .rounds = 2, .chunk = 2 });
	for (unsigned int i = 0; i < 3; i++)
		slabs_spawn("waiter", want_and_free, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void run_turns(void)
{
	slabs_take_turns();
	run_wait();
}

const struct sched_program memory_turns_batches = { "memory_turns_batches",
	"the same, and they take turns", run_turns, SCHED_MAY_STOP };
const struct sched_program pool_batch_wakes = { "pool_batch_wakes",
	"a batch of three slabs beside three sleepers", run_wakes, 0 };
const struct sched_program pool_batch_second = { "pool_batch_second",
	"a sleeper stops as a batch wakes it", run_second, 0 };
const struct sched_program memory_batches = { "memory_batches",
	"three threads make and free batches", run_trade, SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_batches_wait = { "memory_batches_wait",
	"three threads wait for batches", run_wait, SCHED_MAY_STOP };
const struct sched_program pool_batch_cut = { "pool_batch_cut",
	"a batch is cut short beside a thread that waits", run_cut, 0 };
