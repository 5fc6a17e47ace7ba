/* SPDX-License-Identifier: MIT */
/*
 * Programs: allocation and free by threads with caches, of one size class.
 */
#include "pool_slabs.h"

#include <errno.h>

static const struct slabs_options few = { .bytes = 4 * 64, .rounds = 1, .chunk = 1 };
static const struct slabs_options pairs = { .bytes = 6 * 64, .rounds = 2, .chunk = 3 };
static const struct slabs_options cooling = { .bytes = 5 * 64,
	.rounds = 1,
	.chunk = 2,
	.cooling = 1 };

/* Holds some, and frees its own and those that it is given. */
static void trade(void *turns)
{
	struct magring_message held[3];
	unsigned int count = 0;
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		switch (sched_choose(4)) {
		case 0:
		case 1:
			if (count < 3)
				count += slabs_take(&held[count], SLABS_SMALL, 0) == 0;
			break;
		case 2:
			if (count > 0)
				slabs_free(&held[--count]);
			break;
		default:
			if (count > 0)
				slabs_give(&held[--count]);
			else if (slabs_receive(&held[0]))
				slabs_free(&held[0]);
		}
	}
	while (count > 0)
		slabs_free(&held[--count]);
}

static void run_trade(const struct slabs_options *options, unsigned int threads, uintptr_t turns)
{
	slabs_create(options);
	if (options->cooling > 0 && sched_choose(2) == 1)
		slabs_leave_metadata(3, sched_choose(8) * 256);
	for (unsigned int i = 0; i < threads; i++)
		slabs_spawn("trader", trade, (void *)turns);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void run_few(void)
{
	run_trade(&few, 2, 8);
}

static void run_pairs(void)
{
	run_trade(&pairs, 3, 8);
}

static void run_cooling(void)
{
	run_trade(&cooling, 3, 8);
}

const struct sched_program memory_few = { "memory_few", "two threads, magazines of one round",
	run_few, SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_pairs = { "memory_pairs",
	"three threads, magazines of two rounds", run_pairs, SCHED_MAY_STOP | SCHED_MAY_DIE };
const struct sched_program memory_cooling = { "memory_cooling", "three threads, freed slabs cool",
	run_cooling, SCHED_MAY_STOP | SCHED_MAY_DIE };
