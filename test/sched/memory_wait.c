/* SPDX-License-Identifier: MIT */
/*
 * Programs: threads that wait for memory. Nothing more is freed than they need,
 * so that a wake-up that is lost leaves a sleeper behind.
 */
#include "memory_slabs.h"

#include <errno.h>

#define OTHER ((size_t)128) /* payload of another class */

static const struct slabs_options one = { .bytes = 64, .rounds = 1, .chunk = 1 };
static const struct slabs_options two = { .bytes = 2 * 64, .rounds = 1, .chunk = 1 };
static const struct slabs_options full_magazines = { .bytes = 3 * 64, .rounds = 3, .chunk = 3 };
static const struct slabs_options apart = { .bytes = 64 + 2 * 128,
	.max_payload = OTHER,
	.rounds = 1,
	.chunk = 1,
	.several = true };

static struct magring_message held[4];

/* Takes a slab, however long it takes, and frees it. */
static void use_one(void *timeout)
{
	struct magring_message message;
	if (slabs_take(&message, SLABS_SMALL, (intptr_t)timeout) == 0)
		slabs_free(&message);
}

/* The same, and keeps it for the next one that asks. */
static void pass_on(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, -1);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_give(&message);
}

static void fill(size_t payload, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int rc = slabs_take(&held[i], payload, 0);
		sched_require(rc == 0, "slab %u: %d", i, rc);
	}
}

static void free_held(void *count)
{
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		slabs_free(&held[i]);
}

/* As many are freed as there are threads that wait. None of them frees. */
static void run_burst(void)
{
	slabs_create(&two);
	fill(SLABS_SMALL, 2);
	for (int i = 0; i < 2; i++)
		slabs_spawn("waiter", pass_on, NULL);
	slabs_spawn("free", free_held, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void free_one(void *message)
{
	slabs_free(message);
}

/* The same; each slab is freed by another thread, and three wait. */
static void run_wave(void)
{
	slabs_create(&full_magazines);
	fill(SLABS_SMALL, 3);
	for (int i = 0; i < 3; i++)
		slabs_spawn("waiter", pass_on, NULL);
	for (int i = 0; i < 3; i++)
		slabs_spawn("free", free_one, &held[i]);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* One slab goes from one to the next. */
static void run_line(void)
{
	slabs_create(&one);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", use_one, (void *)(intptr_t)-1);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void run_timeouts(void)
{
	static const int64_t timeouts[] = { 0, 1, 1000, 2000000, INT64_MAX };
	slabs_create(&two);
	fill(SLABS_SMALL, 2);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", use_one, (void *)(intptr_t)timeouts[sched_choose(5)]);
	slabs_spawn("waiter", use_one, (void *)(intptr_t)-1);
	slabs_spawn("free", free_held, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* --------------------------------------------------------- cancellation -- */

static void cancel(void *thread)
{
	sched_cancel((unsigned int)(uintptr_t)thread);
}

/*
 * One slab is freed, and the thread that it may wake is cancelled. None of them
 * has a cache, so none wakes others as it ends.
 */
static void run_cancel(void)
{
	slabs_create(&one);
	fill(SLABS_SMALL, 1);
	slabs_leave_metadata(0);
	unsigned int first = slabs_spawn("cancelled", use_one, (void *)(intptr_t)-1);
	slabs_spawn("waiter", use_one, (void *)(intptr_t)-1);
	slabs_spawn("free", free_held, (void *)(uintptr_t)1);
	slabs_spawn("cancel", cancel, (void *)(uintptr_t)first);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------- in others' caches -- */

/* Leaves the slab in its cache, and goes on with others. */
static void leave_and_go_on(void *turns)
{
	struct magring_message message;
	slabs_free(&held[0]);
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--)
		if (slabs_take(&message, OTHER, 0) == 0)
			slabs_free(&message);
}

static void run_hidden(void)
{
	slabs_create(&apart);
	int rc = slabs_take(&held[1], OTHER, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&held[1]);
	fill(SLABS_SMALL, 1);
	slabs_spawn("neighbour", leave_and_go_on, (void *)(uintptr_t)4);
	slabs_spawn("waiter", pass_on, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

#define ALL (SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
const struct sched_program memory_burst = { "memory_burst",
	"one thread frees as many slabs as others wait for", run_burst, ALL };
const struct sched_program memory_wave = { "memory_wave",
	"three threads free as many slabs as others wait for", run_wave, ALL };
const struct sched_program memory_line = { "memory_line", "one slab for three threads", run_line,
	ALL };
const struct sched_program memory_timeouts = { "memory_timeouts", "waits of different length end",
	run_timeouts, ALL };
const struct sched_program memory_cancel = { "memory_cancel",
	"a sleeper is cancelled beside another", run_cancel, ALL };
const struct sched_program memory_hidden = { "memory_hidden",
	"the slab is in the cache of a thread at work", run_hidden, ALL };
