/* SPDX-License-Identifier: MIT */
/*
 * lib/base/yield.c: when a thread may yield. The clock and the system's answers
 * are the test's own.
 */
#include "base/yield.h"
#include "given.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* What is promised there. */
#define MS INT64_C(1000000)
enum { REPAY_MIN = 128, REPAY_MAX = 1024 };
#define LOSS_MAX (100 * MS)
#define CREDIT (10 * MS)
#define ONE_MESSAGE INT64_C(25000)
#define NEVER INT64_MAX

static long policy;
static int asked;

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	long a[6];
	if (number == SYS_sched_getscheduler) {
		asked++;
		return policy;
	}
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Until when a thread that may not yield now may not either. */
static int64_t closed_until(int64_t from_ns)
{
	int64_t until = from_ns;
	for (int64_t step = 4096 * MS; step > 0; step /= 2)
		while (!yield_allowed(until + step - 1, NEVER))
			until += step;
	return until;
}

/* Whether a thread may yield after one that took and saved so much. */
static bool stays_open(int64_t now_ns, int64_t took_ns, int64_t saved_ns)
{
	yield_charge(now_ns, took_ns, saved_ns);
	return yield_allowed(now_ns, NEVER);
}

Test(yield, a_thread_may_yield_at_first)
{
	cr_assert(yield_allowed(0, NEVER));
	cr_assert(yield_allowed(1000 * MS, NEVER));
}

Test(yield, one_that_takes_4_ms_in_vain_costs_128_times_as_long)
{
	cr_assert(!stays_open(1000 * MS, 4 * MS, 0));
	assert_same(closed_until(1000 * MS), 1000 * MS + REPAY_MIN * 4 * MS);
}

Test(yield, one_that_saves_what_it_takes_costs_nothing)
{
	cr_assert(stays_open(1000 * MS, 4 * MS, 4 * MS));
	cr_assert(yield_allowed(1000 * MS, NEVER));
	cr_assert(!stays_open(1000 * MS, 4 * MS + 1, 4 * MS));
	assert_same(closed_until(1000 * MS), 1000 * MS + REPAY_MIN);
}

Test(yield, what_was_lost_is_forgotten_once_it_is_paid)
{
	cr_assert(!stays_open(1000 * MS, 4 * MS, 0));
	cr_assert(stays_open(3000 * MS, ONE_MESSAGE, ONE_MESSAGE));
	cr_assert(yield_allowed(3000 * MS, NEVER));
}

Test(yield, quick_ones_pay_for_late_ones_but_for_10_ms_at_most)
{
	for (int i = 0; i < 100; i++)
		cr_assert(stays_open(1000 * MS, 1000, 1000 + ONE_MESSAGE));
	/* 2.5 ms by now. */
	cr_assert(stays_open(1000 * MS, 100 * ONE_MESSAGE, 0));
	cr_assert(!stays_open(1000 * MS, 1, 0));
	for (int i = 0; i < 10000; i++)
		cr_assert(stays_open(2000 * MS, 1000, 1000 + ONE_MESSAGE));
	cr_assert(stays_open(2000 * MS, CREDIT, 0));
	cr_assert(!stays_open(2000 * MS, 1, 0));
}

/* How long a thread may not yield that lost 1 ms and had no credit. */
static int64_t closed_for(int64_t now_ns)
{
	cr_assert(!stays_open(now_ns, MS, 0));
	return closed_until(now_ns) - now_ns;
}

Test(yield, each_one_in_vain_costs_twice_as_much_until_the_credit_is_full)
{
	int64_t now_ns = 1000 * MS;
	for (int repay = REPAY_MIN; repay <= REPAY_MAX; repay *= 2, now_ns += 2000 * MS)
		assert_same(closed_for(now_ns), repay * MS);
	assert_same(closed_for(now_ns), REPAY_MAX * MS);
	now_ns += 2000 * MS;
	cr_assert(stays_open(now_ns, 0, CREDIT - 1));
	cr_assert(stays_open(now_ns, CREDIT - 1, 0));
	assert_same(closed_for(now_ns), REPAY_MAX * MS);
	now_ns += 2000 * MS;
	cr_assert(stays_open(now_ns, 0, CREDIT));
	cr_assert(stays_open(now_ns, CREDIT, 0));
	assert_same(closed_for(now_ns), REPAY_MIN * MS);
}

Test(yield, one_is_charged_100_ms_at_most)
{
	cr_assert(!stays_open(1000 * MS, INT64_MAX, 0));
	assert_same(closed_until(1000 * MS), 1000 * MS + REPAY_MIN * LOSS_MAX);
}

Test(yield, none_within_250_ms_of_the_deadline)
{
	cr_assert(!yield_allowed(1000 * MS, 1250 * MS));
	cr_assert(yield_allowed(1000 * MS, 1250 * MS + 1));
}

Test(yield, none_with_a_real_time_policy)
{
	static const long real_time[] = { SCHED_FIFO, SCHED_RR, 6 /* SCHED_DEADLINE */,
		SCHED_FIFO | SCHED_RESET_ON_FORK, 6 | SCHED_RESET_ON_FORK };
	static const long others[] = { SCHED_OTHER, SCHED_BATCH, 7 /* SCHED_EXT */,
		SCHED_IDLE | SCHED_RESET_ON_FORK, -1 };
	int64_t now_ns = 1000 * MS;
	for (size_t i = 0; i < 5; i++, now_ns += 2 * MS) {
		policy = real_time[i];
		cr_assert(!yield_allowed(now_ns, NEVER), "policy %lx", policy);
		cr_assert(yield_real_time());
		policy = others[i];
		now_ns += 2 * MS;
		cr_assert(yield_allowed(now_ns, NEVER), "policy %lx", policy);
		cr_assert(!yield_real_time());
	}
}

Test(yield, the_policy_is_asked_for_once_in_a_millisecond)
{
	for (int64_t ns = 0; ns < 5 * MS; ns += MS / 10)
		yield_allowed(1000 * MS + ns, NEVER);
	assert_same(asked, 5);
}
