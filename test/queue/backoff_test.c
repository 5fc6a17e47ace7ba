/* SPDX-License-Identifier: MIT */
/*
 * lib/queue/backoff.c: what a thread leaves out, and what yields are good for.
 * The clock, the scheduling policy and what happens in a yield are the test's
 * own.
 */
#include "given.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "queue/backoff.h"
#include "queue/ring_peek.h"

/* What is promised there. */
#define MS INT64_C(1000000)
enum { FEW = 8, MANY = 1024, YIELDS_MAX = 16, SLEEP_NS = 25000, ONE_MESSAGE_NS = 1000 };

static long policy;
static int64_t clock_ns = 1000 * MS;
static int yields_seen;
static int64_t yield_takes_ns;
static void (*during_yield)(void);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	(void)clock;
	*ret_now = (struct timespec){ clock_ns / 1000000000, clock_ns % 1000000000 };
	return 0;
}

int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
	yields_seen++;
	clock_ns += yield_takes_ns;
	if (during_yield != NULL)
		during_yield();
	return 0;
}

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	long a[6];
	if (number == SYS_sched_getscheduler)
		return policy;
	if (number == SYS_futex)
		clock_ns += 1000 * MS; /* a sleep takes it to its deadline */
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	return number == SYS_futex ? 0 : __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ------------------------------------------------------- what is left out -- */

static void assert_due(const unsigned int *due, size_t count, unsigned int until)
{
	size_t next = 0;
	for (unsigned int n = 0; n < until; n++) {
		bool wanted = next < count && due[next] == n;
		assert_same(backoff_is_due(n), wanted);
		next += wanted;
	}
	assert_same(next, count);
}

Test(backoff, what_is_in_vain_is_tried_ever_more_rarely)
{
	static const unsigned int due[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256, 512,
		MANY, 2 * MANY, 3 * MANY };
	assert_due(due, sizeof(due) / sizeof(due[0]), 4 * MANY);
}

static bool pauses(void)
{
	return backoff_begin().left > 0;
}

Test(backoff, pauses_that_yields_have_to_help_are_left_out)
{
	for (int i = 0; i <= FEW; i++) {
		cr_assert(pauses());
		backoff_end(BY_YIELDS);
	}
	for (int i = FEW + 1; i < 2 * FEW; i++) {
		cr_assert(!pauses());
		backoff_end(BY_YIELDS);
	}
	cr_assert(pauses());
}

Test(backoff, pauses_are_tried_again_when_they_helped_or_nothing_did)
{
	static const enum backoff_end ends[] = { BY_PAUSES, ASLEEP };
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i <= FEW; i++)
			backoff_end(BY_YIELDS);
		cr_assert(!pauses());
		backoff_end(ends[k]);
		cr_assert(pauses());
	}
}

/* ------------------------------------------------------------------ yields -- */

static struct ring ring;
static const struct magring_message message = { .private_header = 1 };

static void push_four(void)
{
	for (int i = 0; i < 4; i++)
		assert_same(ring_push(&ring, &message), 1);
}

static void pop_four(void)
{
	struct magring_message popped;
	for (int i = 0; i < 4; i++)
		assert_same(ring_pop(&ring, &popped), 1);
}

/* Whether the account is overdrawn after one yield. */
static bool overdrawn_after_one(void (*during)(void), int64_t takes_ns)
{
	struct backoff_yields yields = { .count = 0 };
	yield_takes_ns = takes_ns;
	during_yield = during;
	cr_assert(backoff_may_yield(&yields, INT64_MAX));
	backoff_yield(&yields, &ring);
	backoff_yielded(&yields, &ring);
	return !backoff_may_yield(&yields, INT64_MAX);
}

static const uint64_t starts[] = { 0, POSITION - 1 };

Test(backoff, a_yield_is_credited_25_us_and_1_for_each_message_that_comes_or_goes)
{
	for (int i = 0; i < 2; i++) {
		assert_same(ring_init(&ring, 8, 8, starts[i], 0), 0);
		cr_assert(!overdrawn_after_one(push_four, SLEEP_NS + 4 * ONE_MESSAGE_NS));
		cr_assert(!overdrawn_after_one(pop_four, SLEEP_NS + 4 * ONE_MESSAGE_NS));
		cr_assert(overdrawn_after_one(push_four, SLEEP_NS + 4 * ONE_MESSAGE_NS + 1));
		clock_ns += MS; /* far more than the account is closed for */
		cr_assert(overdrawn_after_one(NULL, 1));
		clock_ns += MS;
		ring_fini(&ring);
	}
}

Test(backoff, a_wait_yields_16_times_at_most)
{
	struct backoff_yields yields = { .count = 0 };
	assert_same(ring_init(&ring, 128, 128, 0, 0), 0);
	during_yield = push_four;
	for (int i = 0; i < YIELDS_MAX; i++) {
		cr_assert(backoff_may_yield(&yields, INT64_MAX));
		backoff_yield(&yields, &ring);
		backoff_yielded(&yields, &ring);
	}
	cr_assert(!backoff_may_yield(&yields, INT64_MAX));
	ring_fini(&ring);
}

/* ------------------------------------------------------------------- waits -- */

static struct magring_pool *pool;
static struct magring_queue *queue;

static void given_empty_queue(void)
{
	pool = given_pool(0);
	queue = given_queue(pool, 8);
}

static void wait_in_vain(void)
{
	struct magring_message none = { 0 };
	yields_seen = 0;
	assert_same(magring_recv(queue, &none, 900 * MS), -ETIMEDOUT);
}

static void done(void)
{
	magring_queue_release(queue);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(backoff, one_that_costs_a_time_slice_is_the_last_for_a_while)
{
	/* Each wait takes a second, and the yields 128 and 256 times 8 ms. */
	static const int wanted[] = { 1, 0, 1, 0, 0, 1 };
	given_empty_queue();
	yield_takes_ns = 8 * MS;
	for (int i = 0; i < 6; i++) {
		wait_in_vain();
		assert_same(yields_seen, wanted[i]);
	}
	done();
}

Test(backoff, a_queue_at_which_nothing_comes_is_slept_at)
{
	given_empty_queue();
	for (int i = 0; i <= 2 * FEW; i++) {
		wait_in_vain();
		assert_same(yields_seen, i <= FEW || i == 2 * FEW ? YIELDS_MAX : 0);
	}
	done();
}

static void send_one(void)
{
	struct magring_message one = { .private_header = 1 };
	assert_same(magring_send(queue, &one, 0), 0);
}

Test(backoff, a_wait_that_is_over_before_it_sleeps_has_the_next_ones_try_again)
{
	struct magring_message received = { 0 };
	given_empty_queue();
	for (int i = 0; i < 2 * FEW; i++)
		wait_in_vain();
	during_yield = send_one;
	assert_same(magring_recv(queue, &received, 900 * MS), 0);
	during_yield = NULL;
	for (int i = 0; i <= FEW; i++) {
		wait_in_vain();
		assert_same(yields_seen, YIELDS_MAX);
	}
	done();
}

Test(backoff, a_thread_with_a_real_time_policy_does_not_yield)
{
	given_empty_queue();
	policy = SCHED_FIFO;
	yield_takes_ns = 4 * MS;
	for (int i = 0; i < FEW; i++) {
		wait_in_vain();
		assert_same(yields_seen, 0);
	}
	cr_assert(
		backoff_is_due(0) && !backoff_is_due(1) && !backoff_is_due(7) && backoff_is_due(8));
	policy = SCHED_OTHER;
	wait_in_vain();
	assert_same(yields_seen, 1);
	cr_assert(backoff_is_due(1));
	done();
}
