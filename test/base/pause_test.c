/* SPDX-License-Identifier: MIT */
/* lib/base/pause.h: what a pause costs, and waits of so many nanoseconds. */
#include "base/pause.h"
#include "given.h"

enum { TURNS = 200 };

/* The least of some tries: what it takes on a thread that keeps its processor. */
static int64_t least_ns(void (*work)(void))
{
	int64_t least = INT64_MAX;
	for (int i = 0; i < TURNS; i++) {
		int64_t begin = now_ns();
		work();
		int64_t took = now_ns() - begin;
		least = took < least ? took : least;
	}
	return least;
}

enum { MANY = 10000 };

static void pause_many_times(void)
{
	pause_times(MANY);
}

static void pause_ten_us(void)
{
	pause_for(10000);
}

Test(pause, the_cost_is_what_a_long_loop_takes)
{
	uint64_t cost_ps = (uint64_t)least_ns(pause_many_times) * 1000 / MANY;
	cr_assert_leq(pause_cost_ps, 2 * cost_ps, "%llu ps, and in a loop %llu ps",
		(unsigned long long)pause_cost_ps, (unsigned long long)cost_ps);
	cr_assert_geq(2 * pause_cost_ps, cost_ps, "%llu ps, and in a loop %llu ps",
		(unsigned long long)pause_cost_ps, (unsigned long long)cost_ps);
}

Test(pause, ten_microseconds_take_five_to_thirty)
{
	int64_t took = least_ns(pause_ten_us);
	cr_assert_geq(took, 5000, "%lld ns", (long long)took);
	cr_assert_leq(took, 30000, "%lld ns", (long long)took);
}

Test(pause, the_shortest_wait_is_one_pause)
{
	assert_same(pauses_in(0), 1);
	assert_same(pauses_in(1), pause_cost_ps > 2000 ? 1 : pauses_in(1));
}

Test(pause, a_time_is_as_many_pauses_as_come_nearest)
{
	uint64_t cost_ps = pause_cost_ps;
	pause_cost_ps = 20000;
	assert_same(pauses_in(20), 1);
	assert_same(pauses_in(29), 1);
	assert_same(pauses_in(30), 2);
	assert_same(pauses_in(5120), 256);
	pause_cost_ps = 250;
	assert_same(pauses_in(20), 80);
	pause_cost_ps = 1000000;
	assert_same(pauses_in(20), 1);
	pause_cost_ps = cost_ps;
}

Test(pause, the_cost_is_measured_once)
{
	uint64_t cost_ps = pause_cost_ps;
	pause_cost_ps = 1;
	pause_init();
	assert_same(pause_cost_ps, 1);
	pause_cost_ps = cost_ps;
}
