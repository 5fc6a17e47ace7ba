/* SPDX-License-Identifier: MIT */
/* lib/base/eventcount.c: waiting and waking. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/fence.h"
#include "base/eventcount.h"
#include "given.h"

static struct eventcount eventcount;

static void setup(void)
{
	eventcount_init(&eventcount);
}

static void teardown(void)
{
	eventcount_fini(&eventcount);
}

TestSuite(eventcount, .init = setup, .fini = teardown);

static uint64_t word(void)
{
	return atomic_load(&eventcount.word);
}

static uint64_t waking(void)
{
	return (word() & (EVENTCOUNT_FENCED - 1)) / EVENTCOUNT_WAKING;
}

static uint64_t but_for_fences(uint64_t of)
{
	return of & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN | EVENTCOUNT_POLLED);
}

static uint64_t sleepers(void)
{
	return word() / EVENTCOUNT_SLEEPER;
}

/* A thread that enters, parks once and leaves when it is told to. */
struct sleeper {
	pthread_t thread;
	int64_t deadline_ns;
	_Atomic(pid_t) tid;
	_Atomic(bool) awake; /* eventcount_commit_wait() has returned */
	_Atomic(bool) may_leave;
	_Atomic(bool) left;
};

static void leave_cancelled(void *unused)
{
	(void)unused;
	eventcount_cancel_wait(&eventcount);
}

static void *sleep_once(void *argument)
{
	struct sleeper *sleeper = argument;
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	atomic_store(&sleeper->tid, (pid_t)syscall(SYS_gettid));
	pthread_cleanup_push(leave_cancelled, NULL);
	eventcount_commit_wait(&eventcount, ticket, sleeper->deadline_ns);
	atomic_store(&sleeper->awake, true);
	pthread_cleanup_pop(0);
	while (!atomic_load(&sleeper->may_leave))
		sched_yield();
	eventcount_cancel_wait(&eventcount);
	atomic_store(&sleeper->left, true);
	return NULL;
}

static void start(struct sleeper *sleeper, int64_t deadline_ns)
{
	*sleeper = (struct sleeper){ .deadline_ns = deadline_ns };
	sleeper->thread = given_thread(sleep_once, sleeper);
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

Test(eventcount, nobody_wants_anything_of_a_new_one)
{
	cr_assert_not(eventcount_has_waiters(&eventcount));
	cr_assert_not(eventcount_notify(&eventcount));
	eventcount_notify_all(&eventcount);
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, is_wanted_from_enter_to_leave)
{
	eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_has_waiters(&eventcount));
	eventcount_prepare_wait(&eventcount);
	eventcount_cancel_wait(&eventcount);
	cr_assert(eventcount_has_waiters(&eventcount));
	eventcount_cancel_wait(&eventcount);
	cr_assert_not(eventcount_has_waiters(&eventcount));
	assert_same(but_for_fences(word()), 0);
}

Test(eventcount, a_wake_up_between_enter_and_park_is_not_slept_through)
{
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_notify(&eventcount));
	eventcount_commit_wait(&eventcount, ticket, INT64_MAX);
	eventcount_cancel_wait(&eventcount);
	ticket = eventcount_prepare_wait(&eventcount);
	eventcount_notify_all(&eventcount);
	eventcount_commit_wait(&eventcount, ticket, INT64_MAX);
	eventcount_cancel_wait(&eventcount);
}

Test(eventcount, two_wake_ups_are_on_their_way_at_a_time)
{
	for (int i = 0; i < 4; i++)
		eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert(eventcount_notify(&eventcount));
	cr_assert_not(eventcount_notify(&eventcount));
	assert_same(waking(), 2);
	eventcount_cancel_wait(&eventcount);
	assert_same(waking(), 1);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert_not(eventcount_notify(&eventcount));
	for (int i = 0; i < 3; i++)
		eventcount_cancel_wait(&eventcount);
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(eventcount, even_the_last_sleeper_is_woken_a_second_time)
{
	eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert(eventcount_notify(&eventcount));
	cr_assert_not(eventcount_notify(&eventcount));
	assert_same(waking(), 2);
	eventcount_cancel_wait(&eventcount);
	/* None is left on its way to nobody. */
	cr_assert_not(eventcount_notify(&eventcount));
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(eventcount, a_wake_up_that_was_left_over_does_not_keep_the_next_sleeper_asleep)
{
	eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert(eventcount_notify(&eventcount));
	eventcount_prepare_wait(&eventcount);
	assert_same(waking(), 1);
	eventcount_cancel_wait(&eventcount); /* by the first; it answers both */
	assert_same(waking(), 0);
	cr_assert(eventcount_notify(&eventcount));
	eventcount_cancel_wait(&eventcount);
	assert_same(but_for_fences(word()) >> 32, 0);
}

Test(eventcount, wake_ups_on_their_way_to_a_thread_that_is_stopped_are_not_for_the_next)
{
	eventcount_prepare_wait(&eventcount);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert(eventcount_notify(&eventcount));
	eventcount_prepare_wait(&eventcount); /* another, while the first stands still */
	cr_assert(eventcount_notify(&eventcount), "it would sleep on");
	cr_assert_not(eventcount_notify(&eventcount));
}

Test(eventcount, a_wake_up_wakes_one_sleeper)
{
	struct sleeper all[3];
	for (int i = 0; i < 3; i++)
		start(&all[i], INT64_MAX);
	assert_same(sleepers(), 3);
	for (size_t woken = 1; woken <= 3; woken++) {
		cr_assert(eventcount_notify(&eventcount));
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
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, waking_all_wakes_every_sleeper)
{
	enum { MANY = 12 };
	struct sleeper all[MANY];
	for (int i = 0; i < MANY; i++)
		start(&all[i], INT64_MAX);
	eventcount_notify_all(&eventcount);
	for (int i = 0; i < MANY; i++)
		finish(&all[i]);
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, waking_all_reaches_sleepers_beside_a_wake_up_on_its_way)
{
	struct sleeper all[3];
	for (int i = 0; i < 3; i++)
		start(&all[i], INT64_MAX);
	cr_assert(eventcount_notify(&eventcount));
	eventcount_notify_all(&eventcount);
	for (int i = 0; i < 3; i++)
		finish(&all[i]);
	assert_same(waking(), 0);
}

Test(eventcount, a_deadline_ends_the_sleep_and_not_before_its_time)
{
	int64_t deadline_ns = now_ns() + 50000000;
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	eventcount_commit_wait(&eventcount, ticket, deadline_ns);
	cr_assert_geq(now_ns(), deadline_ns);
	eventcount_cancel_wait(&eventcount);
}

Test(eventcount, a_deadline_in_the_past_ends_the_sleep_at_once)
{
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	eventcount_commit_wait(&eventcount, ticket, 1);
	eventcount_commit_wait(&eventcount, ticket, now_ns());
	eventcount_cancel_wait(&eventcount);
}

Test(eventcount, a_sleeper_with_a_deadline_can_be_woken_before_it)
{
	struct sleeper sleeper;
	start(&sleeper, now_ns() + INT64_C(3600000000000));
	cr_assert(eventcount_notify(&eventcount));
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
	cr_assert(eventcount_notify(&eventcount));
	finish(&sleeper);
}

Test(eventcount, a_signal_does_not_end_the_sleep)
{
	check_signal_does_not_wake(0);
	check_signal_does_not_wake(SA_RESTART);
}

Test(eventcount, a_signal_does_not_move_the_deadline)
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

Test(eventcount, a_sleeper_can_be_cancelled_and_cleans_up)
{
	struct sleeper sleeper;
	start(&sleeper, INT64_MAX);
	cr_assert_eq(pthread_cancel(sleeper.thread), 0);
	cr_assert_eq(joined(sleeper.thread), PTHREAD_CANCELED);
	cr_assert_not(atomic_load(&sleeper.awake));
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

static void *sleep_uncancellable(void *argument)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return sleep_once(argument);
}

Test(eventcount, a_sleeper_that_disabled_cancellation_sleeps_on)
{
	struct sleeper sleeper = { .deadline_ns = INT64_MAX };
	sleeper.thread = given_thread(sleep_uncancellable, &sleeper);
	assert_eventually(atomic_load(&sleeper.tid) != 0 && is_asleep(atomic_load(&sleeper.tid)));
	cr_assert_eq(pthread_cancel(sleeper.thread), 0);
	usleep(20000);
	cr_assert_not(atomic_load(&sleeper.awake));
	cr_assert(eventcount_notify(&eventcount));
	finish(&sleeper);
}

static void *tell_cancel_type(void *type)
{
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	eventcount_commit_wait(&eventcount, ticket, 1);
	eventcount_cancel_wait(&eventcount);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, type);
	return NULL;
}

Test(eventcount, parking_restores_the_cancellation_type)
{
	int type = -1;
	joined(given_thread(tell_cancel_type, &type));
	assert_same(type, PTHREAD_CANCEL_DEFERRED);
}

Test(eventcount, the_epoch_wraps_without_touching_what_lies_above_it)
{
	atomic_store(&eventcount.word, UINT32_MAX);
	uint32_t ticket = eventcount_prepare_wait(&eventcount);
	assert_same(ticket, UINT32_MAX);
	cr_assert(eventcount_notify(&eventcount));
	assert_same(but_for_fences(word()), EVENTCOUNT_SLEEPER | EVENTCOUNT_WAKING);
	eventcount_commit_wait(&eventcount, ticket, INT64_MAX);
	eventcount_cancel_wait(&eventcount);
	assert_same(but_for_fences(word()), 0);
	atomic_store(&eventcount.word, UINT32_MAX | EVENTCOUNT_SLEEPER);
	eventcount_notify_all(&eventcount);
	assert_same(word(), EVENTCOUNT_SLEEPER);
	eventcount_cancel_wait(&eventcount);
}

/* ---------------------------------------------------------------- fences -- */

static bool yes(void *context)
{
	(*(int *)(uintptr_t)context)++;
	return true;
}

static bool no(void *context)
{
	(*(int *)(uintptr_t)context)++;
	return false;
}

static uint64_t fences(void)
{
	return word() & (EVENTCOUNT_FENCED | EVENTCOUNT_SEEN);
}

static void look_in_vain(int times)
{
	while (times-- > 0)
		cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, wakers_pass_fences_from_the_first_sleeper_until_they_have_met_nobody_for_long)
{
	const uint64_t both = fence_asymmetric ? EVENTCOUNT_FENCED | EVENTCOUNT_SEEN : 0;
	assert_same(fences(), 0);
	look_in_vain(10000);
	for (int lap = 0; lap < 3; lap++) {
		eventcount_prepare_wait(&eventcount);
		assert_same(fences(), both);
		eventcount_cancel_wait(&eventcount);
		assert_same(fences(), both);
		look_in_vain(10000);
		assert_same(fences(), 0);
	}
}

Test(eventcount, wakers_go_on_passing_fences_while_somebody_sleeps_or_a_descriptor_waits)
{
	const uint64_t both = fence_asymmetric ? EVENTCOUNT_FENCED | EVENTCOUNT_SEEN : 0;
	int looks = 0;
	cr_assert_geq(eventcount_fd(&eventcount), 0);
	eventcount_prepare_wait(&eventcount);
	for (int i = 0; i < 10000; i++)
		cr_assert(eventcount_has_waiters(&eventcount));
	assert_same(fences(), both);
	eventcount_cancel_wait(&eventcount);
	eventcount_arm(&eventcount, no, &looks);
	for (int i = 0; i < 10000; i++)
		cr_assert(eventcount_has_waiters(&eventcount));
	assert_same(fences(), both);
	eventcount_notify(&eventcount);
	look_in_vain(10000);
	assert_same(fences(), 0);
}

Test(eventcount, wakers_pass_fences_after_an_arming_too)
{
	const uint64_t both = fence_asymmetric ? EVENTCOUNT_FENCED | EVENTCOUNT_SEEN : 0;
	int looks = 0;
	cr_assert_geq(eventcount_fd(&eventcount), 0);
	for (int lap = 0; lap < 3; lap++) {
		eventcount_arm(&eventcount, no, &looks);
		assert_same(fences(), both);
		eventcount_notify(&eventcount);
		assert_same(fences(), both);
		look_in_vain(10000);
		assert_same(fences(), 0);
	}
}

/* A condition that is checked after the fence of an arming: fences are no more. */
static bool take_back(void *context)
{
	eventcount_notify(&eventcount);
	look_in_vain(10000);
	return no(context);
}

Test(eventcount, fences_that_are_taken_back_move_the_epoch_on)
{
	int looks = 0;
	cr_assert_geq(eventcount_fd(&eventcount), 0);
	uint32_t before = (uint32_t)word();
	eventcount_arm(&eventcount, take_back, &looks);
	assert_same(looks, 1);
	assert_same(fences(), 0);
	assert_same((uint32_t)word(), before + (fence_asymmetric ? 1 : 0));
}

/* ------------------------------------------------------------ descriptor -- */

static bool readable(int fd, int timeout_ms)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	int rc = poll(&entry, 1, timeout_ms);
	cr_assert_geq(rc, 0);
	return rc == 1 && (entry.revents & POLLIN) != 0;
}

Test(eventcount, the_descriptor_is_readable_at_first_and_always_the_same)
{
	int fd = eventcount_fd(&eventcount);
	cr_assert_geq(fd, 0);
	cr_assert(readable(fd, 0));
	assert_same(eventcount_fd(&eventcount), fd);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, without_a_descriptor_there_is_nothing_to_arm)
{
	int looks = 0;
	eventcount_arm(&eventcount, no, &looks);
	cr_assert_not(eventcount_has_waiters(&eventcount));
	assert_same(looks, 0);
}

Test(eventcount, an_armed_descriptor_is_not_readable_until_a_wake_up)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	for (int lap = 0; lap < 3; lap++) {
		eventcount_arm(&eventcount, no, &looks);
		cr_assert_not(readable(fd, 0));
		cr_assert(eventcount_has_waiters(&eventcount));
		cr_assert_not(eventcount_notify(&eventcount)); /* no sleeper was woken */
		cr_assert(readable(fd, 0));
		cr_assert(readable(fd, 0));
		cr_assert_not(eventcount_has_waiters(&eventcount));
		eventcount_notify(&eventcount);
		cr_assert(readable(fd, 0));
	}
	assert_same(looks, 3);
}

Test(eventcount, arming_twice_is_arming_once)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	eventcount_arm(&eventcount, no, &looks);
	eventcount_arm(&eventcount, no, &looks);
	cr_assert_not(readable(fd, 0));
	eventcount_notify(&eventcount);
	cr_assert(readable(fd, 0));
	eventcount_arm(&eventcount, no, &looks);
	cr_assert_not(readable(fd, 0));
}

Test(eventcount, arming_when_the_condition_holds_leaves_the_descriptor_readable)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	eventcount_arm(&eventcount, yes, &looks);
	assert_same(looks, 1);
	cr_assert(readable(fd, 0));
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, a_signal_that_is_passed_on_is_one_signal_still)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	uint64_t count = 0;
	eventcount_arm(&eventcount, no, &looks);
	cr_assert_not(eventcount_has_signal(&eventcount));
	cr_assert_not(eventcount_pass_fd_on(&eventcount, 1), "an armed one has none");
	assert_same(eventcount.passed, 0);
	eventcount_notify(&eventcount);
	cr_assert(eventcount_has_signal(&eventcount));
	cr_assert(eventcount_pass_fd_on(&eventcount, 1));
	cr_assert(eventcount_pass_fd_on(&eventcount, 4));
	assert_same(eventcount.passed, 4);
	assert_same(read(fd, &count, sizeof(count)), sizeof(count));
	assert_same(count, 1);
	cr_assert_not(eventcount_pass_fd_on(&eventcount, 2), "another thread holds it");
	assert_same(eventcount.passed, 4);
}

Test(eventcount, an_arming_lets_every_thread_pass_its_signal_on)
{
	int looks = 0;
	cr_assert_geq(eventcount_fd(&eventcount), 0);
	cr_assert(eventcount_pass_fd_on(&eventcount, 1));
	eventcount_arm(&eventcount, no, &looks);
	assert_same(eventcount.passed, 0);
}

Test(eventcount, without_a_descriptor_there_is_nothing_to_pass_on)
{
	cr_assert_not(eventcount_pass_fd_on(&eventcount, 1));
	cr_assert_not(eventcount_has_signal(&eventcount));
}

Test(eventcount, waking_all_makes_the_descriptor_readable_for_good)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	eventcount_arm(&eventcount, no, &looks);
	eventcount_notify_all(&eventcount);
	cr_assert(readable(fd, 0));
	cr_assert_not(eventcount_has_waiters(&eventcount));
}

Test(eventcount, a_wake_up_reaches_the_descriptor_and_a_sleeper)
{
	int looks = 0, fd = eventcount_fd(&eventcount);
	struct sleeper sleeper;
	eventcount_arm(&eventcount, no, &looks);
	start(&sleeper, INT64_MAX);
	cr_assert(eventcount_notify(&eventcount));
	cr_assert(readable(fd, 0));
	finish(&sleeper);
}

static void *get_fd(void *result)
{
	*(int *)result = eventcount_fd(&eventcount);
	return NULL;
}

Test(eventcount, threads_that_ask_at_once_get_one_descriptor)
{
	for (int lap = 0; lap < 200; lap++) {
		int fds[3];
		pthread_t threads[3];
		for (int i = 0; i < 3; i++)
			threads[i] = given_thread(get_fd, &fds[i]);
		for (int i = 0; i < 3; i++)
			joined(threads[i]);
		cr_assert(fds[0] >= 0 && fds[0] == fds[1] && fds[1] == fds[2]);
		eventcount_fini(&eventcount);
		cr_assert_eq(fcntl(fds[0], F_GETFD), -1);
		eventcount_init(&eventcount);
	}
}
