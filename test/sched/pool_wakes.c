/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: which sleeper is woken, and by what.
 *
 * Two wake-ups are under way at most. So a thread that has stopped after it was
 * woken keeps no other one asleep, and more sleepers are woken by those that
 * were.
 */
#include "pool_acts.h"
#include "pool_directed.h"

static struct magring_message held[4];

static unsigned int sleeper_that(void (*run)(void *))
{
	unsigned int thread = slabs_spawn("waiter", run, (void *)SLABS_SMALL);
	sched_run_alone(thread, 2000);
	sched_require(sched_is_asleep(thread), "thread %u does not sleep", thread);
	return thread;
}

static unsigned int sleeper(void)
{
	return sleeper_that(slabs_want);
}

static void free_all(void *count)
{
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		slabs_free(&held[i]);
}

/* A thread that ends would wake all. */
static void free_all_and_stay(void *count)
{
	free_all(count);
	slabs_stay();
}

/* Three sleep, and three slabs are freed at once. */
static void run_pass_on(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 3 * 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 3);
	slabs_leave_metadata(0, 0);
	for (int i = 0; i < 3; i++)
		sleeper();
	sched_run_alone(slabs_spawn("free", free_all, (void *)(uintptr_t)3), 2000);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/*
 * The first sleeper stops after it was woken, so the second one is woken by
 * nothing but the second free. That one is fast: the magazine has room.
 */
static void run_second_wake(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * 64, .rounds = 2, .chunk = 2 });
	slabs_take_all(held, SLABS_SMALL, 2);
	unsigned int first = sleeper(), second = sleeper();
	unsigned int frees = slabs_spawn("free", free_all_and_stay, (void *)(uintptr_t)2);
	for (int i = 0; i < 2000 && sched_is_asleep(first); i++)
		sched_run_alone(frees, 1);
	sched_stop(first);
	sched_run_alone(frees, 2000);
	sched_wait();
	sched_require(sched_has_ended(second), "the second free wakes nobody");
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* A thread that was cancelled in its sleep is not counted any more. */
static void run_left(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_leave_metadata(0, 0);
	unsigned int cancelled = sleeper();
	sched_cancel(cancelled);
	slabs_wait();
	sched_require(eventcount_peek(&slabs_pool()->memory[0]) < EVENTCOUNT_SLEEPER,
		"a sleeper is counted that is gone");
	slabs_free(&held[0]);
	slabs_end(SLABS_SMALL);
}

static void use(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, -1);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&message);
}

/* A thread is cancelled as it wakes, and the wake-up is the only one. */
static void run_cancelled(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_leave_metadata(0, 0); /* without a cache, its end wakes no other */
	unsigned int first = sleeper_that(use), second = sleeper_that(use);
	sched_run_alone(slabs_spawn("free", free_all_and_stay, (void *)(uintptr_t)1), 2000);
	unsigned int woken = sched_is_asleep(first) ? second : first;
	sched_require(!sched_is_asleep(woken), "the free wakes nobody");
	sched_cancel(woken);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

const struct sched_program pool_cancelled = { "pool_cancelled",
	"a sleeper is cancelled as it wakes", run_cancelled, 0 };
const struct sched_program pool_pass_on = { "pool_pass_on",
	"three slabs are freed at once beside three sleepers", run_pass_on, 0 };
const struct sched_program pool_second_wake = { "pool_second_wake",
	"a sleeper stops after it was woken", run_second_wake, 0 };
const struct sched_program pool_left = { "pool_left", "a sleeper is cancelled", run_left, 0 };
