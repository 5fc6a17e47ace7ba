/* SPDX-License-Identifier: MIT */
/*
 * Programs: threads that wait for memory. Nothing more is freed than they need,
 * so that a wake-up that is lost leaves a sleeper behind.
 */
#include "pool_acts.h"

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

static const struct slabs_options cool = { .bytes = 2 * 64, .rounds = 1, .chunk = 1, .cooling = 1 };

static struct magring_message held[4];

/* Perhaps until so many threads sleep, from thread 1 on; but not for ever. */
static void await_sleepers(unsigned int count)
{
	unsigned int asleep = 0;
	if (sched_choose(2) == 0)
		return;
	for (int i = 0; i < 300 && asleep < count; i++) {
		engine_yield();
		for (asleep = 0; asleep < count && sched_is_asleep(asleep + 1);)
			asleep++;
	}
}

/* Takes a slab, however long it takes, and frees it. */
static void use_one(void *timeout)
{
	struct magring_message message;
	if (slabs_take(&message, SLABS_SMALL, (intptr_t)timeout) == 0)
		slabs_free(&message);
}

/* A thread without a cache wakes no others as it ends. */
static void perhaps_no_caches(void)
{
	if (sched_choose(2) == 1)
		slabs_leave_metadata(0, 0);
}

static void free_held(void *count)
{
	await_sleepers(2);
	for (uintptr_t i = 0; i < (uintptr_t)count; i++)
		slabs_free(&held[i]);
}

/* As many are freed as there are threads that wait. None of them frees. */
static void run_burst(void)
{
	slabs_create(&two);
	slabs_take_all(held, SLABS_SMALL, 2);
	perhaps_no_caches();
	for (int i = 0; i < 2; i++)
		slabs_spawn("waiter", slabs_want, (void *)SLABS_SMALL);
	slabs_spawn("free", free_held, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void free_one(void *message)
{
	await_sleepers(3);
	slabs_free(message);
}

/* The same; each slab is freed by another thread, and three wait. */
static void run_wave(void)
{
	slabs_create(&full_magazines);
	slabs_take_all(held, SLABS_SMALL, 3);
	perhaps_no_caches();
	for (int i = 0; i < 3; i++)
		slabs_spawn("waiter", slabs_want, (void *)SLABS_SMALL);
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
	slabs_take_all(held, SLABS_SMALL, 2);
	for (int i = 0; i < 3; i++)
		slabs_spawn("user", use_one, (void *)(intptr_t)timeouts[sched_choose(5)]);
	slabs_spawn("waiter", use_one, (void *)(intptr_t)-1);
	slabs_spawn("free", free_held, (void *)(uintptr_t)2);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* --------------------------------------------------------- cancellation -- */

static void cancel(void *unused)
{
	(void)unused;
	await_sleepers(2);
	sched_cancel(1);
	sched_cancel(2);
}

/*
 * One slab is freed, and threads that it may wake are cancelled. None of them
 * has a cache, so none wakes others as it ends.
 */
static void run_cancel(void)
{
	slabs_create(&one);
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_leave_metadata(0, 0);
	slabs_spawn("cancelled", use_one, (void *)(intptr_t)-1);
	slabs_spawn("cancelled", use_one, (void *)(intptr_t)-1);
	slabs_spawn("waiter", use_one, (void *)(intptr_t)-1);
	slabs_spawn("free", free_held, (void *)(uintptr_t)1);
	slabs_spawn("cancel", cancel, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------- in others' caches -- */

/* Leaves the slab in its cache, goes on with others, and does not end. */
static void stay(void *unused)
{
	struct magring_message message;
	(void)unused;
	slabs_free(&held[0]);
	for (int i = 0; i < 6; i++)
		if (slabs_take(&message, OTHER, 0) == 0)
			slabs_free(&message);
	slabs_stay();
}

/* A thread that ends would wake the waiter. */
static void run_hidden(void)
{
	slabs_create(&apart);
	slabs_take_all(held, SLABS_SMALL, 1);
	slabs_spawn("neighbour", stay, NULL);
	slabs_spawn("waiter", slabs_want, (void *)SLABS_SMALL);
	slabs_wait();
	slabs_listen();
	slabs_end(SLABS_SMALL);
}

/* Its cache has room for what it frees. */
static void run_fast_free(void)
{
	slabs_create(&one);
	slabs_spawn("user", use_one, (void *)(intptr_t)-1);
	slabs_spawn("user", use_one, (void *)(intptr_t)-1);
	for (int i = 0; i < 2; i++) {
		struct magring_message message;
		if (slabs_take(&message, SLABS_SMALL, 0) != 0)
			continue;
		await_sleepers(2);
		slabs_free(&message);
	}
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ---------------------------------------------------- carved by others -- */

/* The slab of another class is carved, and not counted yet. */
static void carve_other(void *unused)
{
	struct magring_message message;
	(void)unused;
	if (slabs_take(&message, OTHER, 0) == 0)
		slabs_free(&message);
}

/*
 * Room for one slab of its class, which another thread may carve at the same
 * time. Then the class has one, and it will be free.
 */
static void run_carve(void)
{
	slabs_create(&one);
	slabs_spawn("user", use_one, (void *)(intptr_t)-1);
	slabs_spawn("user", use_one, (void *)(intptr_t)-1);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* There is a slab for each class. */
static void run_carve_both(void)
{
	struct slabs_options options = apart;
	options.bytes = 64 + 128;
	slabs_create(&options);
	slabs_spawn("other", carve_other, NULL);
	slabs_spawn("user", slabs_want, (void *)SLABS_SMALL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* Freed slabs cool, and are put aside by one thread while others wait. */
static void use_two(void *unused)
{
	(void)unused;
	use_one((void *)(intptr_t)-1);
	use_one((void *)(intptr_t)-1);
}

static void run_cool(void)
{
	slabs_create(&cool);
	slabs_take_all(held, SLABS_SMALL, 2);
	slabs_spawn("free", free_held, (void *)(uintptr_t)2);
	slabs_spawn("user", use_two, NULL);
	slabs_spawn("user", use_two, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------ in turns */

static void run_turns(void)
{
	static void (*const programs[])(void) = { run_burst, run_wave, run_line, run_timeouts,
		run_hidden, run_fast_free, run_cool };
	slabs_take_turns();
	programs[sched_choose(sizeof(programs) / sizeof(*programs))]();
}

static void run_turns_cancel(void)
{
	slabs_take_turns();
	run_cancel();
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
const struct sched_program memory_carve = { "memory_carve",
	"two threads want the slab that is not carved yet", run_carve, ALL };
const struct sched_program memory_carve_both = { "memory_carve_both",
	"a thread waits while another carves for another class", run_carve_both, ALL };
const struct sched_program memory_cool = { "memory_cool", "threads wait for slabs that cool",
	run_cool, ALL };
const struct sched_program memory_turns = { "memory_turns",
	"threads that wait for memory take turns", run_turns, ALL };
const struct sched_program memory_turns_cancel = { "memory_turns_cancel",
	"one of them is cancelled", run_turns_cancel, ALL };
const struct sched_program memory_fast_free = { "memory_fast_free",
	"the freed slab stays in the cache", run_fast_free, ALL };
