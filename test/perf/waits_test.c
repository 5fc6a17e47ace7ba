/* SPDX-License-Identifier: MIT */
/* The best wait is found, and threads that sleep are woken. */
#include "core/calibrate.h"
#include "core/watchdog.h"
#include "core/waits.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* Not what is tested here, and it ends programs. */
void watchdog_set(const char *what, double seconds)
{
	(void)what, (void)seconds;
}

void watchdog_unset(void) {}

static unsigned int tries;

/* As good as the pauses are near 16; the first try of each is disturbed. */
static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	(void)queue, (void)setting, (void)seconds;
	ret_values[0] = ++tries <= 6 ? 1 : 1000 - fabs((double)worker_wait->pauses - 16);
	return true;
}

static bool measure_none(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	(void)queue, (void)setting, (void)seconds;
	if (worker_wait->pauses == 64)
		ret_values[0] = 5;
	tries++;
	return true;
}

static bool yields(const struct queue *queue, const struct wait *wait)
{
	(void)queue;
	return wait->kind == WAIT_YIELD;
}

static bool owns(const struct queue *queue, const struct wait *wait)
{
	(void)queue;
	return wait->kind == WAIT_OWN;
}

static const struct setting setting = { .name = "a setting" };
static const struct queue queue = { .name = "a queue" };
static const struct queue *queues_of_group[] = { &queue };

static const struct wait *chosen(const struct scenario *scenario)
{
	struct group group = {
		.scenario = scenario,
		.setting = &setting,
		.queues = queues_of_group,
		.queue_count = 1,
	};
	const struct wait *usual = worker_wait;
	const struct wait *wait;

	tries = 0;
	calibrate(&group, 0.01);
	cr_assert_eq(worker_wait, usual, "others wait as before");
	calibrate_use(&group, 0);
	wait = worker_wait;
	if (group.waits != NULL)
		cr_assert_eq(wait, group.waits[0]);
	free(group.waits);
	worker_wait = usual;
	return wait;
}

Test(waits, the_best_is_found)
{
	struct scenario scenario = { .name = "more", .values = { { "v", "", true } } };

	scenario.allows = yields;
	scenario.measure = measure;
	cr_assert_str_eq(chosen(&scenario)->name, "16 pauses");
	cr_assert_eq(tries, 12, "six waits, twice");
	scenario.values[0].more_is_better = false;
	/* Less is better: 1 of the first tries, whichever was first. */
	cr_assert_eq(chosen(&scenario)->pauses, 0);
}

Test(waits, a_try_without_a_figure_is_no_best_one)
{
	struct scenario scenario = { .name = "none", .values = { { "v", "", true } } };

	scenario.allows = yields;
	scenario.measure = measure_none;
	cr_assert_str_eq(chosen(&scenario)->name, "64 pauses");
}

Test(waits, one_way_is_not_tried)
{
	struct scenario scenario = { .name = "one", .values = { { "v", "", true } } };
	const struct wait *usual = worker_wait;

	scenario.measure = measure;
	cr_assert_eq(chosen(&scenario), usual);
	scenario.allows = owns;
	cr_assert_eq(chosen(&scenario)->kind, WAIT_OWN);
	cr_assert_eq(tries, 0);
}

static struct sleepers sleepers;
static _Atomic int there;

static void *sleep_until_there(void *argument)
{
	(void)argument;
	while (atomic_load(&there) == 0) {
		uint32_t ticket = sleepers_prepare(&sleepers);

		if (atomic_load(&there) == 0)
			sleepers_sleep(&sleepers, ticket);
		sleepers_leave(&sleepers);
	}
	return NULL;
}

Test(waits, sleepers_are_woken, .timeout = 30)
{
	for (unsigned int turn = 0; turn < 2000; turn++) {
		pthread_t thread;

		atomic_store(&there, 0);
		cr_assert_eq(pthread_create(&thread, NULL, sleep_until_there, NULL), 0);
		while (turn % 2 == 0 && atomic_load(&sleepers.waiting) == 0)
			sched_yield();
		atomic_store_explicit(&there, 1, memory_order_relaxed);
		sleepers_notify(&sleepers, 1);
		pthread_join(thread, NULL);
		cr_assert_eq(atomic_load(&sleepers.waiting), 0);
	}
}

Test(waits, nobody_sleeps_on_an_old_ticket, .timeout = 30)
{
	uint32_t ticket = sleepers_prepare(&sleepers);

	sleepers_notify(&sleepers, 1);
	sleepers_sleep(&sleepers, ticket); /* would not return */
	sleepers_leave(&sleepers);
	ticket = atomic_load(&sleepers.ticket);
	sleepers_notify(&sleepers, 1);
	cr_assert_eq(atomic_load(&sleepers.ticket), ticket, "no call while nobody is counted");
}
