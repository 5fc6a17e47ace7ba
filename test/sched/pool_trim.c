/* SPDX-License-Identifier: MIT */
/*
 * Programs: trims, which take all free memory into one thread's hands.
 */
#include "pool_acts.h"

#include <errno.h>

#define LARGE ((size_t)256) /* payload of class 3 */

static const struct slabs_options two_classes = { .bytes = 4 * 64 + 2 * 256,
	.max_payload = LARGE,
	.rounds = 2,
	.chunk = 2,
	.cooling = 1,
	.several = true };
static const struct slabs_options one_large = { .bytes = 256,
	.max_payload = LARGE,
	.rounds = 2,
	.chunk = 2,
	.several = true };

static const struct slabs_options only = { .bytes = 64, .rounds = 1, .chunk = 1 };

static struct magring_message held[8];

static void trim(void *times)
{
	for (uintptr_t i = (uintptr_t)times; i > 0; i--) {
		size_t bytes = 0;
		slabs_begin_call();
		int rc = magring_pool_trim(slabs_pool(), 0, &bytes);
		slabs_end_call();
		sched_require(rc == 0 || rc == -EBUSY, "trim: %d", rc);
	}
}

/* Slabs of two classes, which it frees, or hands to others. */
static void trade(void *turns)
{
	struct magring_message mine[2];
	unsigned int count = 0;
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		size_t payload = sched_choose(2) == 0 ? SLABS_SMALL : LARGE;
		if (count < 2 && sched_choose(2) == 0)
			count += slabs_take(&mine[count], payload, 0) == 0;
		else if (count > 0 && sched_choose(2) == 0)
			slabs_give(&mine[--count]);
		else if (count > 0)
			slabs_free(&mine[--count]);
	}
	while (count > 0)
		slabs_free(&mine[--count]);
}

static void run_beside(void)
{
	slabs_create(&two_classes);
	slabs_spawn("trim", trim, (void *)(uintptr_t)2);
	slabs_spawn("trader", trade, (void *)(uintptr_t)6);
	slabs_spawn("trader", trade, (void *)(uintptr_t)6);
	slabs_wait();
	slabs_end(sched_choose(2) == 0 ? SLABS_SMALL : LARGE);
}

static void run_two_trims(void)
{
	slabs_create(&two_classes);
	slabs_spawn("trim", trim, (void *)(uintptr_t)1);
	slabs_spawn("trim", trim, (void *)(uintptr_t)1);
	slabs_spawn("trader", trade, (void *)(uintptr_t)6);
	slabs_wait();
	slabs_end(LARGE);
}

/* ----------------------------------------------------------- one waits -- */

static void fill(size_t payload)
{
	unsigned int count = (unsigned int)slabs_room(payload);
	for (unsigned int i = 0; i < count; i++) {
		int rc = slabs_take(&held[i], payload, 0);
		sched_require(rc == 0, "slab %u: %d", i, rc);
	}
}

static void free_all(size_t payload)
{
	for (unsigned int i = 0; i < slabs_room(payload); i++)
		slabs_free(&held[i]);
}

static void use_small(void *unused)
{
	struct magring_message message;
	(void)unused;
	if (slabs_take(&message, SLABS_SMALL, 0) == 0)
		slabs_free(&message);
}

/*
 * All memory is another class's, and free. A thread must get some of it, sooner
 * or later, before a trim, beside it and after it.
 */
static void want_large(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, LARGE, -1);
	sched_require(rc == 0, "refused, though all memory is free: %d", rc);
	slabs_free(&message);
}

static void run_hopeless(void)
{
	slabs_create(&one_large);
	fill(SLABS_SMALL);
	free_all(SLABS_SMALL);
	slabs_spawn("trim", trim, (void *)(uintptr_t)1);
	slabs_spawn("waiter", want_large, NULL);
	slabs_wait();
	slabs_end(LARGE);
}

static void two_want_large(void)
{
	slabs_spawn("waiter", want_large, NULL);
	slabs_spawn("waiter", want_large, NULL);
	slabs_spawn("small", use_small, NULL);
	slabs_wait();
	slabs_end(LARGE);
}

/* Two threads trim for themselves, beside one of the class that has it all. */
static void run_two_press(void)
{
	slabs_create(&one_large);
	fill(SLABS_SMALL);
	free_all(SLABS_SMALL);
	two_want_large();
}

/* The only thing that frees is a thread of another class. */
static void free_small(void *unused)
{
	(void)unused;
	free_all(SLABS_SMALL);
}

static void run_press_asleep(void)
{
	slabs_create(&one_large);
	fill(SLABS_SMALL);
	slabs_spawn("waiter", want_large, NULL);
	slabs_spawn("free", free_small, NULL);
	slabs_wait();
	slabs_end(LARGE);
}

/*
 * All is free, and no part of it suffices: a slab of another class, and what is
 * left of the budget.
 */
static void run_rest(void)
{
	struct magring_message message;
	slabs_create(&one_large);
	int rc = slabs_take(&message, SLABS_SMALL, 0);
	sched_require(rc == 0, "the first slab: %d", rc);
	slabs_free(&message);
	if (sched_choose(2) == 1)
		trim((void *)(uintptr_t)1);
	two_want_large();
}

static void use_again(void *times)
{
	struct magring_message message;
	for (uintptr_t i = (uintptr_t)times; i > 0; i--) {
		if (slabs_take(&message, SLABS_SMALL, sched_choose(2) == 0 ? -1 : 1) == 0)
			slabs_free(&message);
	}
}

/* The only slab is free, or in the hands of a trim. */
static void run_only_slab(void)
{
	slabs_create(&only);
	slabs_spawn("trim", trim, (void *)(uintptr_t)3);
	slabs_spawn("user", use_again, (void *)(uintptr_t)6);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void free_and_trim(void *unused)
{
	(void)unused;
	free_all(SLABS_SMALL);
	trim((void *)(uintptr_t)1);
}

static void want_middle(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, 128, -1);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_free(&message);
}

static struct magring_message kept;

/* What is freed is another class's, and only its trim brings a slab. */
static void run_wake(void)
{
	struct slabs_options options = one_large;
	options.bytes = 2 * 256;
	options.chunk = 1;
	slabs_create(&options);
	int rc = slabs_take(&kept, LARGE, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	for (int i = 0; i < 4; i++) {
		rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %d: %d", i, rc);
	}
	unsigned int waiter = slabs_spawn("waiter", slabs_want, (void *)LARGE);
	slabs_spawn("trim", free_and_trim, NULL);
	slabs_stand_still();
	/* The waiter was at work in a cache, which that trim left alone. */
	if (!sched_has_ended(waiter))
		trim((void *)(uintptr_t)1);
	slabs_wait();
	slabs_free(&kept);
	slabs_end(LARGE);
}

/*
 * A free range has room for a slab of each class, and one thread has it in its
 * hands. The class of the thread that waits has another slab, in use.
 */
static void run_ranges(void)
{
	struct slabs_options options = { .bytes = 6 * 64,
		.max_payload = 128,
		.rounds = 1,
		.chunk = 1,
		.several = true };
	slabs_create(&options);
	int rc = slabs_take(&kept, 128, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	for (int i = 0; i < 4; i++) {
		rc = slabs_take(&held[i], SLABS_SMALL, 0);
		sched_require(rc == 0, "slab %d: %d", i, rc);
	}
	for (int i = 0; i < 4; i++)
		slabs_free(&held[i]);
	trim((void *)(uintptr_t)1);
	slabs_spawn("waiter", want_middle, NULL);
	slabs_spawn("user", use_small, NULL);
	slabs_spawn("user", use_small, NULL);
	slabs_wait();
	slabs_free(&kept);
	slabs_end(128);
}

/*
 * Magazines of one slab. The one on top belongs to a chunk that must stay, and
 * the next ones to a chunk that goes. So a pop that began before the trim may
 * find its entry on top again, with another one behind it.
 */
static void take_and_free(void *times)
{
	struct magring_message mine[2];
	for (uintptr_t i = (uintptr_t)times; i > 0; i--) {
		unsigned int count = 0;
		while (count < 2 && slabs_take(&mine[count], SLABS_SMALL, 0) == 0)
			count++;
		while (count > 0)
			slabs_free(&mine[--count]);
		slabs_begin_call();
		(void)magring_pool_flush_thread(slabs_pool());
		slabs_end_call();
	}
}

static void run_pops(void)
{
	struct slabs_options options = { .bytes = 4 * 64,
		.rounds = 1,
		.chunk = 2,
		.several = true };
	slabs_create(&options);
	fill(SLABS_SMALL);
	for (int i = 3; i > 0; i--) {
		slabs_free(&held[i]);
		(void)magring_pool_flush_thread(slabs_pool());
	}
	slabs_spawn("trim", trim, (void *)(uintptr_t)1);
	slabs_spawn("user", take_and_free, (void *)(uintptr_t)1);
	slabs_spawn("user", take_and_free, (void *)(uintptr_t)1);
	slabs_wait();
	slabs_free(&held[0]);
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_trim = { "memory_trim", "a trim beside threads of two classes",
	run_beside, SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_two_trims = { "memory_two_trims",
	"two trims beside a thread of two classes", run_two_trims, SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_hopeless = { "memory_hopeless",
	"a thread waits for what a trim has in its hands", run_hopeless,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_two_press = { "memory_two_press",
	"two threads trim for memory beside one of another class", run_two_press,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_press_asleep = { "memory_press_asleep",
	"a sleeper is served by frees of another class", run_press_asleep,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_rest = { "memory_rest",
	"what is left of the budget serves with what is free", run_rest,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_only_slab = { "memory_only_slab",
	"the only slab is in the hands of a trim", run_only_slab,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_trim_wakes = { "memory_trim_wakes",
	"a thread waits for what another class has", run_wake,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_ranges = { "memory_ranges", "a range serves two classes",
	run_ranges, SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program memory_pops = { "memory_pops",
	"pops begin before a trim and end after it", run_pops, SCHED_MAY_STOP };
