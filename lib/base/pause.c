/* SPDX-License-Identifier: MIT */
/*
 * The cost of a pause is the least that several runs of many pauses have shown.
 * A run in which the thread loses its processor shows more, and does not count
 * as long as another run is undisturbed. A run that is too short for the clock
 * is not used. It makes the next one twice as long.
 *
 * What the runs show includes one reading of the clock: 20 ns in 2 us where the
 * clock is read without a system call. The bounds on the result are for clocks
 * that stand still or jump.
 */
#include "base/pause.h"
#include "base/clock.h"
#include "tuning.h"

#include <pthread.h>
#include <stdbool.h>

uint64_t pause_cost_ps = PAUSE_COST_PS;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool measured;

static uint64_t least_cost_ps(void)
{
	uint64_t least = UINT64_MAX;
	unsigned int pauses = PAUSE_RUN_FEWEST;
	for (int run = 0; run < PAUSE_RUNS; run++) {
		int64_t begin = clock_now();
		if (begin == CLOCK_REFUSED)
			break;
		pause_times(pauses);
		int64_t took = clock_now() - begin;
		if (took < PAUSE_RUN_NS) {
			pauses *= 2;
			continue;
		}
		uint64_t cost = (uint64_t)took * 1000 / pauses;
		least = cost < least ? cost : least;
	}
	return least;
}

static void measure(void)
{
	if (measured)
		return;
	uint64_t cost = least_cost_ps();
	measured = true;
	if (cost == UINT64_MAX)
		return; /* no run was long enough: the clock does not tell */
	cost = cost > PAUSE_COST_MIN_PS ? cost : PAUSE_COST_MIN_PS;
	pause_cost_ps = cost < PAUSE_COST_MAX_PS ? cost : PAUSE_COST_MAX_PS;
}

void pause_init(void)
{
	pthread_once(&once, measure);
}

void pause_forget_measuring(void)
{
	static const pthread_once_t undone = PTHREAD_ONCE_INIT;
	once = undone;
}

/* Before other constructors: see fence.c. */
static __attribute__((constructor(101))) void pause_at_load(void)
{
	pause_init();
}
