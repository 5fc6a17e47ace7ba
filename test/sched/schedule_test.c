/* SPDX-License-Identifier: MIT */
/*
 * Schedules: how many a search runs, and that runs repeat.
 *
 * Two threads of n steps each run in blocks in turn. With m blocks, the first
 * thread to run has ceil(m/2) of them and the other floor(m/2). A thread's n
 * steps are cut into k blocks in C(n - 1, k - 1) ways. Either thread may be the
 * first. The last switch is at the end of a thread and costs nothing, so m
 * blocks have m - 2 deviations. A search with at most b of them runs
 *
 *	2 * sum over m = 2 .. b + 2 of
 *		C(n - 1, ceil(m/2) - 1) * C(n - 1, floor(m/2) - 1)
 *
 * schedules, and C(2n, n) if b is no limit.
 */
#include "engine_test.h"
#include "shim.h"

#include <stdlib.h>

#define THREAD(name) static void name(void *unused __attribute__((unused)))

static uint64_t choose(unsigned int n, unsigned int k)
{
	uint64_t result = 1;
	if (k > n)
		return 0;
	for (unsigned int i = 1; i <= k; i++)
		result = result * (n - k + i) / i;
	return result;
}

static uint64_t schedules(unsigned int n, unsigned int bound)
{
	uint64_t sum = 0;
	for (unsigned int m = 2; m <= bound + 2; m++)
		sum += 2 * choose(n - 1, (m + 1) / 2 - 1) * choose(n - 1, m / 2 - 1);
	return sum;
}

static void begin_hash(void)
{
	tally->hash = 0xcbf29ce484222325;
}

/* Each step is told apart by its thread and number. */
static void take_steps(uint64_t thread, unsigned int n)
{
	for (unsigned int i = 1; i <= n; i++) {
		W(z, 1, RLX);
		hash_step(thread * 100 + i);
	}
}
#define STEPS(n) \
	THREAD(one_##n) \
	{ \
		take_steps(1, n); \
	} \
	THREAD(two_##n) \
	{ \
		take_steps(2, n); \
	} \
	static void run_##n(void) \
	{ \
		begin_hash(); \
		run_threads((void (*const[4])(void *)){ one_##n, two_##n }); \
	} \
	static const struct sched_program steps_##n = { "steps", "", run_##n, 0 };
STEPS(1)
STEPS(2)
STEPS(3)
STEPS(5)
STEPS(6)

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? -1 : one > other;
}

static uint64_t different(void)
{
	uint64_t count = 1;
	qsort(tally->hashes, tally->runs, sizeof(uint64_t), compare);
	for (uint64_t i = 1; i < tally->runs; i++)
		count += tally->hashes[i] != tally->hashes[i - 1];
	return count;
}

static void check_search(const struct sched_program *program, unsigned int n, unsigned int bound)
{
	bool whole = run_many(program, SCHED_SC, EXHAUSTIVE, bound, NULL);
	check(whole && tally->failed == 0, "%u steps, bound %u: %s", n, bound, tally->failure);
	check(tally->runs == schedules(n, bound), "%u steps, bound %u: %lu schedules, not %lu", n,
		bound, (unsigned long)tally->runs, (unsigned long)schedules(n, bound));
	check(different() == tally->runs, "%u steps, bound %u: %lu of %lu differ", n, bound,
		(unsigned long)different(), (unsigned long)tally->runs);
}

static void search_tests(void)
{
	static const struct {
		const struct sched_program *program;
		unsigned int n;
	} programs[] = { { &steps_1, 1 }, { &steps_2, 2 }, { &steps_3, 3 }, { &steps_5, 5 },
		{ &steps_6, 6 } };
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		for (unsigned int bound = 0; bound < 12; bound++)
			check_search(programs[i].program, programs[i].n, bound);
	check(schedules(3, 12) == 20 && schedules(5, 12) == choose(10, 5), "the formula");
}

/* A choice is no deviation: each combination is run once. */
static void choose_thrice(void)
{
	begin_hash();
	for (int i = 0; i < 3; i++)
		hash_step(sched_choose(4) + 10);
}
static const struct sched_program choices = { "choices", "", choose_thrice, 0 };

/* Four threads in any order, and no deviation: 4! orders. */
THREAD(one_step)
{
	hash_step(sched_self());
	W(z, 1, RLX);
}
static void run_four(void)
{
	begin_hash();
	run_threads((void (*const[4])(void *)){ one_step, one_step, one_step, one_step });
}
static const struct sched_program four = { "four", "", run_four, 0 };

void schedule_tests(void)
{
	search_tests();
	run_many(&choices, SCHED_SC, EXHAUSTIVE, 0, NULL);
	check(tally->runs == 64 && different() == 64, "3 choices of 4: %lu runs",
		(unsigned long)tally->runs);
	run_many(&four, SCHED_SC, EXHAUSTIVE, 0, NULL);
	check(tally->runs == 24 && different() == 24, "4 threads: %lu runs",
		(unsigned long)tally->runs);
	run_many(&four, SCHED_SC, RANDOM, 3000, NULL);
	check(different() == 24, "4 threads, random: %lu orders", (unsigned long)different());
	run_many(&four, SCHED_SC, PCT, 3000, NULL);
	check(different() == 24, "4 threads, pct: %lu orders", (unsigned long)different());
}
