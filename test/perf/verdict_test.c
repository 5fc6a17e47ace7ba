/* SPDX-License-Identifier: MIT */
/* Ahead, equal or behind: against the right queue, and only if the rounds say so. */
#include "report/verdict.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROUNDS = 7 };

static const struct queue ours = { .name = "magring" };
static const struct queue our_ring = { .name = "magring ring" };
static const struct queue slow = { .name = "slow" };
static const struct queue fast = { .name = "fast" };
static const struct queue none = { .name = "none", .flags = QUEUE_LINKED_TO_NOTHING };
static const struct queue buffers = { .name = "buffers", .flags = QUEUE_NO_PEER };
static const struct queue *all[] = { &ours, &our_ring, &slow, &fast, &none, &buffers };
enum { QUEUES = sizeof(all) / sizeof(*all), FAST = 3 };

static struct scenario scenario = { .name = "s",
	.values = { { "v", "", true } },
	.value_count = 1 };
static const struct setting setting = { .name = "a setting" };
static struct sample samples[ROUNDS][QUEUES];
static struct round rounds[ROUNDS];
static struct group group = { &scenario, &setting, all, NULL, QUEUES, rounds, ROUNDS };
static struct options options;
static struct results results = { .options = &options,
	.groups = &group,
	.group_count = 1,
	.first = &ours };

/* The verdict, where the fast queue is so many times as good as ours, in each round. */
static enum verdict of(const double *times)
{
	struct interval ratio;
	unsigned int other = QUEUES;
	enum verdict verdict;

	for (unsigned int r = 0; r < ROUNDS; r++) {
		double mood = 1 + r;

		rounds[r] = (struct round){ .kept = true, .samples = samples[r] };
		for (unsigned int q = 0; q < QUEUES; q++)
			samples[r][q].values[0] = mood * (q == 0 ? 100 : q == 2 ? 10 : 10000);
		samples[r][FAST].values[0] = mood * 100 * times[r];
	}
	verdict = verdict_of(&results, &group, &ratio, &other);
	cr_assert_eq(other, FAST, "against %u", other);
	return verdict;
}

Test(verdict, of_rounds)
{
	const double better[ROUNDS] = { 1.1, 1.2, 1.1, 1.3, 1.1, 1.2, 1.2 };
	const double worse[ROUNDS] = { 0.9, 0.8, 0.9, 0.7, 0.9, 0.8, 0.8 };
	const double either[ROUNDS] = { 1.5, 1.2, 1.1, 0.9, 1.1, 1.2, 1.2 };
	const double hardly[ROUNDS] = { 1.02, 1.02, 1.02, 1.02, 1.02, 1.02, 1.02 };

	cr_assert_eq(of(better), VERDICT_BEHIND);
	cr_assert_eq(of(worse), VERDICT_AHEAD);
	cr_assert_eq(of(either), VERDICT_EQUAL);
	cr_assert_eq(of(hardly), VERDICT_EQUAL);
}

Test(verdict, of_nothing_to_compare)
{
	struct interval ratio;
	unsigned int other;

	of((const double[ROUNDS]){ 1, 1, 1, 1, 1, 1, 1 });
	group.queue_count = 2;
	cr_assert_eq(verdict_of(&results, &group, &ratio, &other), VERDICT_NONE);
}

Test(verdict, what_disturbs)
{
	results.rounds_in_all = 10;
	cr_assert_null(verdict_disturbance(&results));
	results.rounds_left_out = 4;
	cr_assert_not_null(strstr(verdict_disturbance(&results), "4 of 10 rounds"));
	results.steal_share = 0.05;
	cr_assert_not_null(strstr(verdict_disturbance(&results), "5.0 %"));
	results.others = 0.5;
	cr_assert_not_null(strstr(verdict_disturbance(&results), "0.50 CPUs"));
}
