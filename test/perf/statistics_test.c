/* SPDX-License-Identifier: MIT */
/*
 * What a run amounts to: intervals, ratios, and which rounds count.
 *
 * The ranks are those of the published tables of the sign test: its critical value at 5 %, two
 * sides, and one more. All other expectations were worked out by hand.
 */
#include "core/bunch.h"
#include "core/options.h"
#include "core/order.h"
#include "core/statistics.h"
#include "core/summary.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

static const struct queue ours = { .name = "ours" };
static const struct queue theirs = { .name = "theirs" };

Test(statistics, ranks_of_an_interval_are_those_of_the_sign_test)
{
	static const struct {
		size_t count;
		size_t critical; /* so few of one sign are significant */
	} table[] = {
		{ 6, 0 },
		{ 7, 0 },
		{ 8, 0 },
		{ 9, 1 },
		{ 10, 1 },
		{ 11, 1 },
		{ 12, 2 },
		{ 13, 2 },
		{ 14, 2 },
		{ 15, 3 },
		{ 16, 3 },
		{ 17, 4 },
		{ 18, 4 },
		{ 19, 4 },
		{ 20, 5 },
		{ 25, 7 },
		{ 30, 9 },
		{ 40, 13 },
		{ 50, 17 },
		{ 100, 39 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_expect(eq(sz, statistics_low_rank(table[i].count), table[i].critical + 1),
			"of %zu", table[i].count);
}

Test(statistics, fewer_than_six_values_have_no_interval)
{
	for (size_t count = 0; count < STATISTICS_LEAST; count++)
		cr_expect(eq(sz, statistics_low_rank(count), 0), "of %zu", count);
}

Test(statistics, of_few_values_the_range_is_told)
{
	double values[] = { 5, 1, 4 };
	struct interval interval = statistics_of(values, 3);

	cr_expect(eq(dbl, interval.median, 4));
	cr_expect(eq(dbl, interval.low, 1));
	cr_expect(eq(dbl, interval.high, 5));
	cr_expect(eq(sz, interval.count, 3));
}

Test(statistics, an_interval_leaves_out_what_lies_far_off)
{
	double values[] = { 8, 1, 2, 900, 3, 4, -900, 5, 6, 7 };
	struct interval interval = statistics_of(values, 10);

	/* Sorted: -900 1 2 3 4 5 6 7 8 900, ranks 2 and 9. */
	cr_expect(eq(dbl, interval.median, 4.5));
	cr_expect(eq(dbl, interval.low, 1));
	cr_expect(eq(dbl, interval.high, 8));
}

Test(statistics, values_that_are_not_there_do_not_count)
{
	double values[] = { NAN, 3, 2, NAN };
	struct interval interval = statistics_of(values, 4);

	cr_expect(eq(sz, interval.count, 2));
	cr_expect(eq(dbl, interval.median, 2.5));
	cr_expect(eq(dbl, interval.low, 2));
	cr_expect(eq(dbl, interval.high, 3));
	interval = statistics_of(values, 0);
	cr_expect(isnan(interval.median) && isnan(interval.low) && isnan(interval.high));
}

Test(statistics, infinite_values_do)
{
	double values[] = { INFINITY, 3, 2 };
	struct interval interval = statistics_of(values, 3);

	cr_expect(eq(dbl, interval.median, 3));
	cr_expect(isinf(interval.high) && interval.high > 0);
}

/* A group of two queues with three rounds that count and one that does not. */
static struct results *given_results(bool more_is_better)
{
	static struct scenario scenario = { .values = { { "value", "unit", true } },
		.value_count = 1 };
	static const struct queue *both[] = { &theirs, &ours };
	static struct sample samples[4][2];
	static struct round rounds[4];
	static struct group group = {
		.scenario = &scenario,
		.queues = both,
		.queue_count = 2,
		.rounds = rounds,
		.round_count = 4,
	};
	static struct results results = { .groups = &group, .group_count = 1, .first = &ours };
	static const double values[4][2] = { { 5, 10 }, { 100, 100 }, { 10, 40 }, { 1, 1000 } };

	scenario.values[0].more_is_better = more_is_better;
	for (unsigned int r = 0; r < 4; r++) {
		rounds[r] = (struct round){ .kept = r < 3, .samples = samples[r] };
		for (unsigned int q = 0; q < 2; q++) {
			samples[r][q].values[0] = values[r][q];
			samples[r][q].counted.messages = 10 * (r + 1);
			samples[r][q].counted.events[0] = 60;
			samples[r][q].counted.events[1] = NAN;
		}
	}
	return &results;
}

Test(summary, a_ratio_is_taken_within_rounds)
{
	struct results *results = given_results(true);
	struct interval interval = summary_ratio(results, results->groups, 0);

	/* 10/5, 100/100, 40/10; that of the medians would be 40/10 = 4. */
	cr_expect(eq(dbl, interval.median, 2));
	cr_expect(eq(dbl, interval.low, 1));
	cr_expect(eq(dbl, interval.high, 4));
	cr_expect(eq(sz, interval.count, 3), "the round that does not count");
	cr_expect(eq(dbl, summary_ratio(results, results->groups, 1).median, 1));
}

Test(summary, where_less_is_better_the_ratio_is_turned)
{
	struct results *results = given_results(false);
	struct interval interval = summary_ratio(results, results->groups, 0);

	cr_expect(eq(dbl, interval.median, 0.5));
	cr_expect(eq(dbl, interval.low, 0.25));
	cr_expect(eq(dbl, interval.high, 1));
}

Test(summary, without_the_first_queue_there_is_no_ratio)
{
	struct results *results = given_results(true);

	results->first = NULL;
	cr_expect(eq(sz, summary_ratio(results, results->groups, 0).count, 0));
}

Test(summary, rounds_that_do_not_count_are_in_no_figure)
{
	struct results *results = given_results(true);
	struct interval interval = summary_value(results->groups, 1, 0);

	cr_expect(eq(dbl, interval.median, 40));
	cr_expect(eq(dbl, interval.high, 100));
	cr_expect(eq(uint, summary_kept(results->groups), 3));
	/* 3 * 60 events, 10 + 20 + 30 messages. */
	cr_expect(eq(dbl, summary_events(results->groups, 1, 0), 3));
	cr_expect(isnan(summary_events(results->groups, 1, 1)));
}

Test(bunch, most_rounds_decide)
{
	static const struct bounds bounds[] = { { 80, 82 }, { 27, 28 }, { 79, 27 }, { 26, 25 },
		{ 30, 28 } };
	double middle = bunch_middle(bounds, 5);

	cr_expect(middle >= 26 && middle <= 30);
	cr_expect(not(bunch_has(middle, bounds[0])), "another placement");
	cr_expect(bunch_has(middle, bounds[1]));
	cr_expect(not(bunch_has(middle, bounds[2])), "it changed in the middle");
}

Test(bunch, of_two_as_large_the_slower_one_counts)
{
	static const struct bounds bounds[] = { { 25, 25 }, { 80, 80 } };

	cr_expect(eq(dbl, bunch_middle(bounds, 2), 80));
}

Test(bunch, where_no_probes_agree_all_rounds_count)
{
	static const struct bounds bounds[] = { { 25, 80 }, { 80, 25 }, { 200, 90 } };
	double middle = bunch_middle(bounds, 3);

	cr_expect(eq(dbl, middle, 0));
	for (unsigned int i = 0; i < 3; i++)
		cr_expect(bunch_has(middle, bounds[i]));
}

Test(order, everything_is_there_once_and_the_seed_decides_where)
{
	unsigned int first[64];
	unsigned int again[64];
	unsigned int other[64];
	uint64_t seeds[] = { 1, 1, 2 };
	uint64_t seen = 0;
	unsigned int same = 0;
	unsigned int moved = 0;

	order_shuffle(first, 64, &seeds[0]);
	order_shuffle(again, 64, &seeds[1]);
	order_shuffle(other, 64, &seeds[2]);
	for (unsigned int i = 0; i < 64; i++) {
		seen |= UINT64_C(1) << first[i];
		cr_expect(eq(uint, first[i], again[i]));
		same += first[i] == other[i];
		moved += first[i] != i;
	}
	cr_expect(eq(u64, seen, UINT64_MAX));
	cr_expect(lt(uint, same, 16));
	cr_expect(gt(uint, moved, 48));
}

Test(options, a_list_is_of_parts_of_names)
{
	cr_expect(options_match(NULL, "anything"));
	cr_expect(options_match("4x4,1x1", "1x1, 16 at once"));
	cr_expect(not(options_match("4x4,2x2", "1x1, 16 at once")));
	cr_expect(options_match("=1x1", "1x1"));
	cr_expect(not(options_match("=1x1", "1x1, 16 at once")));
}
