/* SPDX-License-Identifier: MIT */
/* lib/queue/blocking.c: how long a wait tries before it sleeps, by spin_ns. */
#include <time.h>

#include "given.h"
#include "waiter.h"

#define MILLISECOND INT64_C(1000000)

static struct magring_queue *queue_that_spins(int64_t spin_ns)
{
	struct magring_queue *queue = NULL;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.spin_ns = spin_ns };
	assert_same(magring_queue_create(&queue, NULL, &options), 0);
	return queue;
}

static int64_t cpu_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* One wait in vain: how much CPU it takes, and how often it sleeps. */
static int64_t wait_in_vain(int64_t spin_ns, int64_t timeout_ns, uint64_t *ret_parked)
{
	struct magring_queue *queue = queue_that_spins(spin_ns);
	struct magring_message message;
	int64_t begin_ns = now_ns(), cpu = cpu_ns();
	assert_same(magring_recv(queue, &message, timeout_ns), -ETIMEDOUT);
	cpu = cpu_ns() - cpu;
	cr_assert(now_ns() - begin_ns >= timeout_ns);
	*ret_parked = stats_of_queue(queue).parked;
	assert_same(magring_queue_release(queue), 0);
	return cpu;
}

Test(spin, refuses_other_negative_values)
{
	static const int64_t wrong[] = { -2, -1000000, INT64_MIN };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct magring_queue *queue = NULL;
		struct magring_queue_options options = { .size = sizeof(options),
			.spin_ns = wrong[i] };
		assert_same(magring_queue_create(&queue, NULL, &options), -EINVAL);
		cr_assert_null(queue);
	}
	assert_same(MAGRING_SPIN_NEVER, -1);
	assert_same(MAGRING_SPIN_ALWAYS, INT64_MAX);
}

Test(spin, always_sleeps_never)
{
	uint64_t parked;
	int64_t cpu = wait_in_vain(MAGRING_SPIN_ALWAYS, 50 * MILLISECOND, &parked);
	assert_same(parked, 0);
	/* Other processes may have had most of it. */
	cr_assert(cpu >= MILLISECOND, "%lld ns", (long long)cpu);
}

Test(spin, a_budget_ends_in_a_sleep)
{
	uint64_t parked;
	int64_t cpu = wait_in_vain(2 * MILLISECOND, 200 * MILLISECOND, &parked);
	cr_assert(parked >= 1);
	cr_assert(cpu < 100 * MILLISECOND, "%lld ns", (long long)cpu);
	/* Not reached before the time is over. */
	wait_in_vain(200 * MILLISECOND, 2 * MILLISECOND, &parked);
	assert_same(parked, 0);
}

/* Waits that spin for SPIN_NS at least take some hundred times as long. */
Test(spin, never_sleeps_at_once)
{
	enum { WAITS = 50 };
	int64_t never = 0, budget = 0;
	uint64_t parked;
	for (int i = 0; i < WAITS; i++) {
		never += wait_in_vain(MAGRING_SPIN_NEVER, MILLISECOND, &parked);
		assert_same(parked, 1);
		budget += wait_in_vain(MILLISECOND / 2, MILLISECOND, &parked);
	}
	cr_assert(2 * never < budget, "%lld and %lld ns", (long long)never, (long long)budget);
}

/* A budget of one second or without end, with a message that comes meanwhile,
 * and one that is long there. A close is heard of, too. */
Test(spin, gets_what_comes)
{
	static const int64_t budgets[] = { MAGRING_SPIN_NEVER, 1, 1000 * MILLISECOND,
		MAGRING_SPIN_ALWAYS };
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		struct magring_queue *queue = queue_that_spins(budgets[i]);
		struct waiter receiver = { 0 }, sender = { 0 }, last = { 0 };
		waiter_start(&receiver, queue, RECEIVER, -1);
		usleep(2000);
		struct magring_message message = given_number(NULL, 7);
		assert_same(magring_send(queue, &message, 0), 0);
		assert_same(waiter_finish(&receiver), 0);
		assert_same(number_in(&receiver.message), 7);
		for (uint64_t number = 0; number < 4; number++) {
			message = given_number(NULL, number);
			assert_same(magring_send(queue, &message, 0), 0);
		}
		sender.message = given_number(NULL, 4);
		waiter_start(&sender, queue, SENDER, -1);
		usleep(2000);
		for (uint64_t number = 0; number < 5; number++) {
			assert_same(magring_recv(queue, &message, -1), 0);
			assert_same(number_in(&message), number);
		}
		assert_same(waiter_finish(&sender), 0);
		waiter_start(&last, queue, RECEIVER, -1);
		usleep(2000);
		assert_same(magring_queue_close(queue), 0);
		assert_same(waiter_finish(&last), -EPIPE);
		assert_same(magring_queue_release(queue), 0);
	}
}

/* It is no cancellation point then: the message comes, and is not lost. */
Test(spin, always_is_not_cancelled)
{
	struct magring_queue *queue = queue_that_spins(MAGRING_SPIN_ALWAYS);
	struct waiter receiver = { 0 };
	waiter_start(&receiver, queue, RECEIVER, -1);
	usleep(2000);
	cr_assert_eq(pthread_cancel(receiver.thread), 0);
	usleep(2000);
	struct magring_message message = given_number(NULL, 7);
	assert_same(magring_send(queue, &message, 0), 0);
	assert_eventually(magring_queue_size(queue) == 0);
	pthread_join(receiver.thread, NULL);
	assert_same(number_in(&receiver.message), 7);
	assert_same(magring_queue_release(queue), 0);
}
