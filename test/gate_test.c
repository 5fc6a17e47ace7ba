/* SPDX-License-Identifier: MIT */
/* lib/gate.c: waiting and waking. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "fence.h"
#include "gate.h"
#include "given.h"

static struct gate gate;

static void setup(void)
{
	gate_init(&gate);
}

static void teardown(void)
{
	gate_fini(&gate);
}

TestSuite(gate, .init = setup, .fini = teardown);

static uint64_t word(void)
{
	return atomic_load(&gate.word);
}

static uint64_t waking(void)
{
	return (word() & (GATE_FENCED - 1)) / GATE_WAKING;
}

static uint64_t but_for_fences(uint64_t of)
{
	return of & ~(GATE_FENCED | GATE_SEEN);
}

static uint64_t sleepers(void)
{
	return word() / GATE_SLEEPER;
}

/* A thread that enters, parks once and leaves when it is told to. */
struct sleeper {
	pthread_t thread;
	int64_t deadline_ns;
	_Atomic(pid_t) tid;
	_Atomic(bool) awake;  /* gate_park() has returned */
	_Atomic(bool) may_leave;
	_Atomic(bool) left;
};

static void leave_cancelled(void *unused)
{
	(void)unused;
	gate_leave(&gate);
}

static void *sleep_in_gate(void *argument)
{
	struct sleeper *sleeper = argument;
	uint32_t ticket = gate_enter(&gate);
	atomic_store(&sleeper->tid, (pid_t)syscall(SYS_gettid));
	pthread_cleanup_push(leave_cancelled, NULL);
	gate_park(&gate, ticket, sleeper->deadline_ns);
	atomic_store(&sleeper->awake, true);
	pthread_cleanup_pop(0);
	while (!atomic_load(&sleeper->may_leave))
		sched_yield();
	gate_leave(&gate);
	atomic_store(&sleeper->left, true);
	return NULL;
}

static void start(struct sleeper *sleeper, int64_t deadline_ns)
{
	*sleeper = (struct sleeper){ .deadline_ns = deadline_ns };
	sleeper->thread = given_thread(sleep_in_gate, sleeper);
	assert_eventually(atomic_load(&sleeper->tid) != 0 && is_asleep(atomic_load(&sleeper->tid)));
	cr_assert_not(atomic_load(&sleeper->awake));
}

static void finish(struct sleeper *sleeper)
{
	assert_eventually(atomic_load(&sleeper->awake));
	atomic_store(&sleeper->may_leave, true);
	joined(sleeper->thread);
}

static size_t awake(struct sleeper *all, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += atomic_load(&all[i].awake);
	return sum;
}

Test(gate, nobody_wants_anything_of_a_new_one)
{
	cr_assert_not(gate_wanted(&gate));
	cr_assert_not(gate_wake(&gate));
	gate_wake_all(&gate);
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, is_wanted_from_enter_to_leave)
{
	gate_enter(&gate);
	cr_assert(gate_wanted(&gate));
	gate_enter(&gate);
	gate_leave(&gate);
	cr_assert(gate_wanted(&gate));
	gate_leave(&gate);
	cr_assert_not(gate_wanted(&gate));
	assert_same(but_for_fences(word()), 0);
}

Test(gate, a_wake_up_between_enter_and_park_is_not_slept_through)
{
	uint32_t ticket = gate_enter(&gate);
	cr_assert(gate_wake(&gate));
	gate_park(&gate, ticket, INT64_MAX);
	gate_leave(&gate);
	ticket = gate_enter(&gate);
	gate_wake_all(&gate);
	gate_park(&gate, ticket, INT64_MAX);
	gate_leave(&gate);
}

Test(gate, two_wake_ups_are_on_their_way_at_a_time)
{
	for (int i = 0; i < 4; i++)
		gate_enter(&gate);
	cr_assert(gate_wake(&gate));
	cr_assert(gate_wake(&gate));
	cr_assert_not(gate_wake(&gate));
	assert_same(waking(), 2);
	gate_leave(&gate);
	assert_same(waking(), 1);
	cr_assert(gate_wake(&gate));
	cr_assert_not(gate_wake(&gate));
	for (int i = 0; i < 3; i++)
		gate_leave(&gate);
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(gate, even_the_last_sleeper_is_woken_a_second_time)
{
	gate_enter(&gate);
	cr_assert(gate_wake(&gate));
	cr_assert(gate_wake(&gate));
	cr_assert_not(gate_wake(&gate));
	assert_same(waking(), 2);
	gate_leave(&gate);
	/* None is left on its way to nobody. */
	cr_assert_not(gate_wake(&gate));
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(gate, a_wake_up_that_was_left_over_does_not_keep_the_next_sleeper_asleep)
{
	gate_enter(&gate);
	cr_assert(gate_wake(&gate));
	cr_assert(gate_wake(&gate));
	gate_enter(&gate);
	assert_same(waking(), 1);
	gate_leave(&gate); /* by the first; it answers both */
	assert_same(waking(), 0);
	cr_assert(gate_wake(&gate));
	gate_leave(&gate);
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(gate, wake_ups_on_their_way_to_a_thread_that_is_stopped_are_not_for_the_next)
{
	gate_enter(&gate);
	cr_assert(gate_wake(&gate));
	cr_assert(gate_wake(&gate));
	gate_enter(&gate); /* another, while the first stands still */
	cr_assert(gate_wake(&gate), "it would sleep on");
	cr_assert_not(gate_wake(&gate));
}

Test(gate, a_wake_up_wakes_one_sleeper)
{
	struct sleeper all[3];
	for (int i = 0; i < 3; i++)
		start(&all[i], INT64_MAX);
	assert_same(sleepers(), 3);
	for (size_t woken = 1; woken <= 3; woken++) {
		cr_assert(gate_wake(&gate));
		assert_eventually(awake(all, 3) >= woken);
		usleep(20000);
		assert_same(awake(all, 3), woken);
		for (int i = 0; i < 3; i++)
			if (atomic_load(&all[i].awake))
				atomic_store(&all[i].may_leave, true);
		assert_eventually(sleepers() == 3 - woken);
	}
	for (int i = 0; i < 3; i++)
		finish(&all[i]);
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, waking_all_wakes_every_sleeper)
{
	enum { MANY = 12 };
	struct sleeper all[MANY];
	for (int i = 0; i < MANY; i++)
		start(&all[i], INT64_MAX);
	gate_wake_all(&gate);
	for (int i = 0; i < MANY; i++)
		finish(&all[i]);
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, waking_all_reaches_sleepers_beside_a_wake_up_on_its_way)
{
	struct sleeper all[3];
	for (int i = 0; i < 3; i++)
		start(&all[i], INT64_MAX);
	cr_assert(gate_wake(&gate));
	gate_wake_all(&gate);
	for (int i = 0; i < 3; i++)
		finish(&all[i]);
	assert_same(waking(), 0);
}

Test(gate, a_deadline_ends_the_sleep_and_not_before_its_time)
{
	int64_t deadline_ns = now_ns() + 50000000;
	uint32_t ticket = gate_enter(&gate);
	gate_park(&gate, ticket, deadline_ns);
	cr_assert_geq(now_ns(), deadline_ns);
	gate_leave(&gate);
}

Test(gate, a_deadline_in_the_past_ends_the_sleep_at_once)
{
	uint32_t ticket = gate_enter(&gate);
	gate_park(&gate, ticket, 1);
	gate_park(&gate, ticket, now_ns());
	gate_leave(&gate);
}

Test(gate, a_sleeper_with_a_deadline_can_be_woken_before_it)
{
	struct sleeper sleeper;
	start(&sleeper, now_ns() + INT64_C(3600000000000));
	cr_assert(gate_wake(&gate));
	finish(&sleeper);
}

static _Atomic(int) signals;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

static void check_signal_does_not_wake(int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };
	struct sleeper sleeper;
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	start(&sleeper, INT64_MAX);
	for (int i = 1; i <= 5; i++) {
		int before = atomic_load(&signals);
		cr_assert_eq(pthread_kill(sleeper.thread, SIGUSR1), 0);
		assert_eventually(atomic_load(&signals) == before + 1);
		assert_eventually(is_asleep(atomic_load(&sleeper.tid)));
		cr_assert_not(atomic_load(&sleeper.awake));
	}
	cr_assert(gate_wake(&gate));
	finish(&sleeper);
}

Test(gate, a_signal_does_not_end_the_sleep)
{
	check_signal_does_not_wake(0);
	check_signal_does_not_wake(SA_RESTART);
}

Test(gate, a_signal_does_not_move_the_deadline)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct sleeper sleeper;
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	int64_t deadline_ns = now_ns() + 300000000;
	start(&sleeper, deadline_ns);
	while (!atomic_load(&sleeper.awake)) {
		pthread_kill(sleeper.thread, SIGUSR1);
		usleep(5000);
		cr_assert_lt(now_ns(), deadline_ns + 30000000000);
	}
	cr_assert_geq(now_ns(), deadline_ns);
	finish(&sleeper);
}

Test(gate, a_sleeper_can_be_cancelled_and_cleans_up)
{
	struct sleeper sleeper;
	start(&sleeper, INT64_MAX);
	cr_assert_eq(pthread_cancel(sleeper.thread), 0);
	cr_assert_eq(joined(sleeper.thread), PTHREAD_CANCELED);
	cr_assert_not(atomic_load(&sleeper.awake));
	cr_assert_not(gate_wanted(&gate));
}

static void *sleep_uncancellable(void *argument)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return sleep_in_gate(argument);
}

Test(gate, a_sleeper_that_disabled_cancellation_sleeps_on)
{
	struct sleeper sleeper = { .deadline_ns = INT64_MAX };
	sleeper.thread = given_thread(sleep_uncancellable, &sleeper);
	assert_eventually(atomic_load(&sleeper.tid) != 0 && is_asleep(atomic_load(&sleeper.tid)));
	cr_assert_eq(pthread_cancel(sleeper.thread), 0);
	usleep(20000);
	cr_assert_not(atomic_load(&sleeper.awake));
	cr_assert(gate_wake(&gate));
	finish(&sleeper);
}

static void *tell_cancel_type(void *type)
{
	uint32_t ticket = gate_enter(&gate);
	gate_park(&gate, ticket, 1);
	gate_leave(&gate);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, type);
	return NULL;
}

Test(gate, parking_restores_the_cancellation_type)
{
	int type = -1;
	joined(given_thread(tell_cancel_type, &type));
	assert_same(type, PTHREAD_CANCEL_DEFERRED);
}

Test(gate, the_epoch_wraps_without_touching_what_lies_above_it)
{
	atomic_store(&gate.word, UINT32_MAX);
	uint32_t ticket = gate_enter(&gate);
	assert_same(ticket, UINT32_MAX);
	cr_assert(gate_wake(&gate));
	assert_same(but_for_fences(word()), GATE_SLEEPER | GATE_WAKING);
	gate_park(&gate, ticket, INT64_MAX);
	gate_leave(&gate);
	assert_same(but_for_fences(word()), 0);
	atomic_store(&gate.word, UINT32_MAX | GATE_SLEEPER);
	gate_wake_all(&gate);
	assert_same(word(), GATE_SLEEPER);
	gate_leave(&gate);
}

/* ---------------------------------------------------------------- fences -- */

static bool yes(const void *context)
{
	(*(int *)(uintptr_t)context)++;
	return true;
}

static bool no(const void *context)
{
	(*(int *)(uintptr_t)context)++;
	return false;
}

static uint64_t fences(void)
{
	return word() & (GATE_FENCED | GATE_SEEN);
}

static void look_in_vain(int times)
{
	while (times-- > 0)
		cr_assert_not(gate_wanted(&gate));
}

Test(gate, wakers_pass_fences_from_the_first_sleeper_until_they_have_met_nobody_for_long)
{
	const uint64_t both = fence_asymmetric ? GATE_FENCED | GATE_SEEN : 0;
	assert_same(fences(), 0);
	look_in_vain(10000);
	for (int lap = 0; lap < 3; lap++) {
		gate_enter(&gate);
		assert_same(fences(), both);
		gate_leave(&gate);
		assert_same(fences(), both);
		look_in_vain(10000);
		assert_same(fences(), 0);
	}
}

Test(gate, wakers_go_on_passing_fences_while_somebody_sleeps_or_a_descriptor_waits)
{
	const uint64_t both = fence_asymmetric ? GATE_FENCED | GATE_SEEN : 0;
	int looks = 0;
	cr_assert_geq(gate_fd(&gate), 0);
	gate_enter(&gate);
	for (int i = 0; i < 10000; i++)
		cr_assert(gate_wanted(&gate));
	assert_same(fences(), both);
	gate_leave(&gate);
	gate_arm(&gate, no, &looks);
	for (int i = 0; i < 10000; i++)
		cr_assert(gate_wanted(&gate));
	assert_same(fences(), both);
	gate_wake(&gate);
	look_in_vain(10000);
	assert_same(fences(), 0);
}

/* ------------------------------------------------------------ descriptor -- */

static bool readable(int fd, int timeout_ms)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	int rc = poll(&entry, 1, timeout_ms);
	cr_assert_geq(rc, 0);
	return rc == 1 && (entry.revents & POLLIN) != 0;
}

Test(gate, the_descriptor_is_readable_at_first_and_always_the_same)
{
	int fd = gate_fd(&gate);
	cr_assert_geq(fd, 0);
	cr_assert(readable(fd, 0));
	assert_same(gate_fd(&gate), fd);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, without_a_descriptor_there_is_nothing_to_arm)
{
	int looks = 0;
	gate_arm(&gate, no, &looks);
	cr_assert_not(gate_wanted(&gate));
	assert_same(looks, 0);
}

Test(gate, an_armed_descriptor_is_not_readable_until_a_wake_up)
{
	int looks = 0, fd = gate_fd(&gate);
	for (int lap = 0; lap < 3; lap++) {
		gate_arm(&gate, no, &looks);
		cr_assert_not(readable(fd, 0));
		cr_assert(gate_wanted(&gate));
		cr_assert_not(gate_wake(&gate)); /* no sleeper was woken */
		cr_assert(readable(fd, 0));
		cr_assert(readable(fd, 0));
		cr_assert_not(gate_wanted(&gate));
		gate_wake(&gate);
		cr_assert(readable(fd, 0));
	}
	assert_same(looks, 3);
}

Test(gate, arming_twice_is_arming_once)
{
	int looks = 0, fd = gate_fd(&gate);
	gate_arm(&gate, no, &looks);
	gate_arm(&gate, no, &looks);
	cr_assert_not(readable(fd, 0));
	gate_wake(&gate);
	cr_assert(readable(fd, 0));
	gate_arm(&gate, no, &looks);
	cr_assert_not(readable(fd, 0));
}

Test(gate, arming_when_the_condition_holds_leaves_the_descriptor_readable)
{
	int looks = 0, fd = gate_fd(&gate);
	gate_arm(&gate, yes, &looks);
	assert_same(looks, 1);
	cr_assert(readable(fd, 0));
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, waking_all_makes_the_descriptor_readable_for_good)
{
	int looks = 0, fd = gate_fd(&gate);
	gate_arm(&gate, no, &looks);
	gate_wake_all(&gate);
	cr_assert(readable(fd, 0));
	cr_assert_not(gate_wanted(&gate));
}

Test(gate, a_wake_up_reaches_the_descriptor_and_a_sleeper)
{
	int looks = 0, fd = gate_fd(&gate);
	struct sleeper sleeper;
	gate_arm(&gate, no, &looks);
	start(&sleeper, INT64_MAX);
	cr_assert(gate_wake(&gate));
	cr_assert(readable(fd, 0));
	finish(&sleeper);
}

static void *get_fd(void *result)
{
	*(int *)result = gate_fd(&gate);
	return NULL;
}

Test(gate, threads_that_ask_at_once_get_one_descriptor)
{
	for (int lap = 0; lap < 200; lap++) {
		int fds[3];
		pthread_t threads[3];
		for (int i = 0; i < 3; i++)
			threads[i] = given_thread(get_fd, &fds[i]);
		for (int i = 0; i < 3; i++)
			joined(threads[i]);
		cr_assert(fds[0] >= 0 && fds[0] == fds[1] && fds[1] == fds[2]);
		gate_fini(&gate);
		cr_assert_eq(fcntl(fds[0], F_GETFD), -1);
		gate_init(&gate);
	}
}
