/* SPDX-License-Identifier: MIT */
/*
 * What the system does in a run: sleeps and their ends, locks, threads that
 * stop; and runs that never end.
 */
#include "engine_test.h"
#include "shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#define THREAD(name) static void name(void *unused __attribute__((unused)))

static long futex_wait(_Atomic int *futex, int value, const struct timespec *deadline)
{
	long result =
		syscall(SYS_futex, futex, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, ~0u);
	return result == 0 ? 0 : -errno;
}

static void futex_wake(_Atomic int *futex, int n)
{
	syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* ----------------------------------------------- standstill, endless runs -- */

static pthread_mutex_t one, two;
THREAD(lock_one_two)
{
	pthread_mutex_lock(&one);
	pthread_mutex_lock(&two);
	pthread_mutex_unlock(&two);
	pthread_mutex_unlock(&one);
}
THREAD(lock_two_one)
{
	pthread_mutex_lock(&two);
	pthread_mutex_lock(&one);
	pthread_mutex_unlock(&one);
	pthread_mutex_unlock(&two);
}
static void wait_for_nobody(void)
{
	futex_wait(&x, 0, NULL);
}
THREAD(spin)
{
	while (R(x, RLX) == 0)
		;
}
THREAD(yield_for_ever)
{
	while (R(x, RLX) == 0)
		sched_yield();
}

/* Sleep for a while, again and again. */
THREAD(sleep_for_ever)
{
	for (;;) {
		int64_t until = sched_time() + 1000000000;
		futex_wait(&x, 0,
			&(struct timespec){ .tv_sec = until / 1000000000,
				.tv_nsec = until % 1000000000 });
	}
}

/* The waiter looks, and sleeps on a value that it did not compare with. */
THREAD(wait_badly)
{
	if (R(x, ACQ) == 0)
		futex_wait(&y, R(y, RLX), NULL);
}
THREAD(wait_well)
{
	while (R(x, ACQ) == 0)
		futex_wait(&x, 0, NULL);
}
THREAD(wake_y)
{
	W(x, 1, REL);
	futex_wake(&y, 1);
}
THREAD(wake_x)
{
	W(x, 1, REL);
	futex_wake(&x, 1);
}

/* ----------------------------------------------------- how sleeps may end -- */

static const struct timespec deadline = { .tv_sec = 3, .tv_nsec = 7 };
THREAD(sleep_until)
{
	long result = futex_wait(&x, 0, &deadline);
	sched_require(result == -ETIMEDOUT || result == -EINTR, "slept: %ld", result);
	sched_require(result != -ETIMEDOUT || sched_time() >= 3000000007, "at %ld", sched_time());
	sched_require(result != -EINTR, "interrupted");
	tally->seen[0]++;
}
THREAD(sleep_in_the_past)
{
	static const struct timespec past = { .tv_nsec = 1 };
	sched_require(futex_wait(&x, 0, &past) == -ETIMEDOUT, "not at once");
	sched_require(futex_wait(&x, 1, NULL) == -EAGAIN, "another value");
}
THREAD(sleep_woken)
{
	long result = futex_wait(&x, 0, NULL);
	sched_require(result == 0 || result == -EAGAIN, "slept: %ld", result);
	tally->seen[1 + (result == 0)]++;
}

/* Of two sleepers one is woken, and it may be either. */
static unsigned int sleepers[2];
THREAD(sleep_first)
{
	if (futex_wait(&y, 0, NULL) == 0)
		r[0] = 1;
}
THREAD(sleep_second)
{
	if (futex_wait(&y, 0, NULL) == 0)
		r[1] = 1;
}
static void wake_one_of_two(void)
{
	sleepers[0] = sched_spawn("a", sleep_first, NULL);
	sleepers[1] = sched_spawn("b", sleep_second, NULL);
	sched_wait();
	sched_require(sched_is_asleep(sleepers[0]) && sched_is_asleep(sleepers[1]), "not asleep");
	futex_wake(&y, 1);
	sched_wait();
	sched_require(r[0] + r[1] == 1, "%d woken", r[0] + r[1]);
	sched_require(sched_has_ended(sleepers[r[1]]) && sched_is_asleep(sleepers[r[0]]),
		"the other one");
	tally->seen[3 + r[1]]++;
}

/* ---------------------------------------------------------------- stops -- */

static unsigned int stopping;
THREAD(take_some_steps)
{
	for (int i = 0; i < 300; i++)
		W(x, i, RLX);
}
static void stop_one(void)
{
	stopping = sched_spawn("a", take_some_steps, NULL);
	sched_spawn("b", take_some_steps, NULL);
	sched_wait();
	tally->seen[0] += sched_has_stopped(stopping);
	tally->seen[1] += sched_has_ended(stopping);
	sched_require(sched_has_stopped(stopping) != sched_has_ended(stopping), "neither");
	sched_resume_all();
	sched_wait();
	sched_require(sched_has_ended(stopping), "does not go on");
}
THREAD(take_some_steps_y)
{
	for (int i = 0; i < 20; i++)
		W(y, i, RLX);
}
THREAD(look_back)
{
	uint64_t before = sched_moment();
	for (int i = 0; i < 100; i++) {
		W(y, i, RLX);
		uint64_t now = sched_moment();
		if (now - before > 1200)
			tally->seen[2]++;
		before = now;
	}
}
THREAD(go_on_for_long)
{
	for (int i = 0; i < 3000; i++)
		W(x, i, RLX);
}

#define ALONE(label, function) .program = { .name = label, .about = "", .run = function }

static const struct fault faults[] = {
	{ FAULT("deadlock"), { lock_one_two, lock_two_one }, SOMETIMES, "has not ended" },
	{ FAULT("locks in order"), { lock_one_two, lock_one_two }, NEVER, NULL },
	{ ALONE("thread 0 sleeps", wait_for_nobody), .often = ALWAYS, .failure = "standstill" },
	{ FAULT("lost wake-up"), { wait_badly, wake_y }, SOMETIMES, "thread a has not ended" },
	{ FAULT("no lost wake-up"), { wait_well, wake_x }, NEVER, NULL },
	{ FAULT("deadline"), { sleep_until }, NEVER, NULL },
	{ FAULT("past deadline"), { sleep_in_the_past }, NEVER, NULL },
	{ FAULT("woken"), { sleep_woken, wake_x }, NEVER, NULL },
	{ ALONE("one of two", wake_one_of_two), .often = NEVER },
};
static const struct fault endless[] = {
	{ FAULT("spin"), { spin }, ALWAYS, "endless" },
	{ FAULT("yield"), { yield_for_ever, yield_for_ever }, ALWAYS, "endless" },
	{ FAULT("sleep"), { sleep_for_ever, sleep_for_ever }, ALWAYS, "endless" },
};
#define FLAGS(label, function, bits) \
	.program = { .name = label, .about = "", .run = function, .flags = bits }
static const struct fault interrupted = { FLAGS("interrupted", fault_run, SCHED_MAY_INTERRUPT),
	{ sleep_until, take_some_steps_y }, SOMETIMES, "interrupted" };
static const struct fault stopped = { FLAGS("stopped", stop_one, SCHED_MAY_DIE), .often = NEVER };
static const struct fault never_for_long = { FAULT("not for long"), { look_back, go_on_for_long },
	NEVER, NULL };
static const struct fault for_long = { FLAGS("for long", fault_run, SCHED_MAY_STOP),
	{ look_back, go_on_for_long }, NEVER, NULL };

static void stop_tests(void)
{
	run_many(&stopped.program, SCHED_SC, RANDOM, 1000, NULL);
	check(tally->failed == 0, "stopped: %s", tally->failure);
	check(tally->seen[0] > 10 && tally->seen[1] > 100, "stopped in %lu runs, ended in %lu",
		(unsigned long)tally->seen[0], (unsigned long)tally->seen[1]);
	run_many(&never_for_long.program, SCHED_SC, RANDOM, 1000, NULL);
	check(tally->seen[2] == 0, "for long, though it may not be");
	run_many(&for_long.program, SCHED_SC, RANDOM, 1000, NULL);
	check(tally->failed == 0 && tally->seen[2] > 10, "for long %lu times: %s",
		(unsigned long)tally->seen[2], tally->failure);
}

void system_tests(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		fault_check(&faults[i]);
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		for (enum strategy strategy = RANDOM; strategy <= PCT; strategy++) {
			run_many(&endless[i].program, SCHED_TSO, strategy, 2, "endless");
			check(tally->failed == 2 && tally->unexpected == 0, "%s: %s",
				endless[i].program.name, tally->failure);
		}
	}
	run_many(&faults[7].program, SCHED_SC, RANDOM, 1000, NULL);
	check(tally->seen[1] > 0 && tally->seen[2] > 0, "woken: always the same");
	run_many(&faults[8].program, SCHED_SC, RANDOM, 1000, NULL);
	check(tally->seen[3] > 0 && tally->seen[4] > 0, "one of two: always the same");
	/* Set back after a run that sets it. */
	run_many(&faults[5].program, SCHED_SC, RANDOM, 5, NULL);
	check(tally->seen[0] == 5, "deadline: %lu of 5", (unsigned long)tally->seen[0]);
	fault_check(&interrupted);
	stop_tests();
}
