/* SPDX-License-Identifier: MIT */
/* lib/base/fence.c: the asymmetric fence, with membarrier and without. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fence.h"
#include "base/kernel_answers.h"
#include "given.h"

Test(fence, is_asymmetric_exactly_where_membarrier_works)
{
	bool works =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
	cr_assert_eq(fence_asymmetric, works);
}

/* Set by without_membarrier for what it starts. */
Test(fence, is_symmetric_where_membarrier_is_forbidden)
{
	if (getenv("WITHOUT_MEMBARRIER") == NULL)
		cr_skip_test("membarrier is allowed here");
	cr_assert_not(fence_asymmetric);
}

enum { GOES_ON = 3, NO_FILTER };

/* In a child: sleeping needs a heavy fence, which a filter has made impossible. */
static void sleep_without_membarrier(int complaints, bool cancelled)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	struct magring_queue *queue;
	struct magring_message message;
	signal(SIGABRT, SIG_DFL);
	if (dup2(complaints, STDERR_FILENO) < 0 || magring_queue_create(&queue, NULL, NULL) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ||
		syscall(SYS_membarrier, 0, 0, 0) != -1)
		_exit(NO_FILTER);
	if (cancelled)
		pthread_cancel(pthread_self());
	_exit(magring_recv(queue, &message, 1000000) == -ETIMEDOUT ? GOES_ON : 1);
}

static void *sleep_cancelled(void *complaints)
{
	sleep_without_membarrier(*(int *)complaints, true);
	return NULL;
}

static void sleep_in_child(int complaints, bool cancelled)
{
	pthread_t thread;
	if (!cancelled)
		sleep_without_membarrier(complaints, false);
	if (pthread_create(&thread, NULL, sleep_cancelled, &complaints) != 0)
		_exit(1);
	pthread_join(thread, NULL);
	_exit(GOES_ON); /* it ended in its sleep */
}

static void take_membarrier_away(bool cancelled)
{
	char said[200] = "";
	int status = 0, complaints[2];
	assert_same(pipe(complaints), 0);
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		sleep_in_child(complaints[1], cancelled);
	assert_same(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
		cr_skip_test("no seccomp filter here");
	close(complaints[1]);
	cr_assert_geq(read(complaints[0], said, sizeof(said) - 1), 0);
	close(complaints[0]);
	if (fence_asymmetric) {
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%d", status);
		cr_assert_eq(strstr(said, "magring: membarrier"), said, "%s", said);
		cr_assert_not_null(strstr(said, "magring_disable_membarrier()\n"), "%s", said);
	} else {
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == GOES_ON, "%d", status);
		assert_same(strlen(said), 0);
	}
}

Test(fence, a_filter_that_takes_membarrier_away_later_ends_the_process)
{
	take_membarrier_away(false);
}

/* To complain is no cancellation point. */
Test(fence, a_filter_ends_the_process_in_a_thread_that_is_cancelled)
{
#ifdef EMULATOR
	cr_skip_test("an emulator cannot end the thread of a forked child");
#endif
	take_membarrier_away(true);
}

/* A registration that is lost, as in a process that was restored from a checkpoint. */
static void lose_registration(void)
{
	if (!fence_asymmetric)
		cr_skip_test("no membarrier here");
	atomic_store(&answers.registrations, 0);
	atomic_store(&answers.barriers, 0);
	atomic_store(&answers.lost, true);
}

static void assert_calls(unsigned int barriers, unsigned int registrations)
{
	assert_same(atomic_load(&answers.barriers), barriers);
	assert_same(atomic_load(&answers.registrations), registrations);
}

Test(fence, registers_again_when_the_registration_is_lost)
{
	lose_registration();
	fence_heavy();
	assert_calls(2, 1);
	fence_heavy();
	assert_calls(3, 1);
	cr_assert(fence_asymmetric);
}

Test(fence, waits_for_memory_of_the_kernel_in_each_call)
{
	lose_registration();
	atomic_store(&answers.no_memory, 3);
	fence_heavy();
	assert_calls(5, 1);
	atomic_store(&answers.lost, true);
	atomic_store(&answers.no_memory_to_register, 2);
	fence_heavy();
	assert_calls(7, 4);
}

static pthread_barrier_t together;

/* All are stopped when the registration is lost, and go on together. */
static void *fence_often(void *unused)
{
	for (int i = 0; i < 500; i++) {
		if (pthread_barrier_wait(&together) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_store(&answers.lost, true);
		pthread_barrier_wait(&together);
		fence_heavy();
	}
	return unused;
}

Test(fence, threads_may_register_again_beside_one_another)
{
	pthread_t threads[4];
	lose_registration();
	pthread_barrier_init(&together, NULL, 4);
	for (int i = 0; i < 4; i++)
		threads[i] = given_thread(fence_often, NULL);
	for (int i = 0; i < 4; i++)
		joined(threads[i]);
	cr_assert_geq(atomic_load(&answers.registrations), 500);
}

/* In a child, which has one thread. */
static void fence_unregistered(void)
{
	signal(SIGABRT, SIG_DFL);
	close(STDERR_FILENO);
	atomic_store(&answers.lost, true);
	atomic_store(&answers.refused, true);
	fence_heavy();
	_exit(GOES_ON);
}

Test(fence, a_registration_that_is_refused_ends_the_process)
{
	int status = 0;
	lose_registration();
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		fence_unregistered();
	assert_same(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%d", status);
}

enum { ROUNDS = 20000 };

struct litmus {
	_Alignas(128) _Atomic(int) x;
	_Alignas(128) _Atomic(int) y;
	_Alignas(128) _Atomic(int) started; /* rounds */
	_Alignas(128) _Atomic(int) finished;
	int saw_x[ROUNDS];
};

/* Let the other run where there is one processor only. */
static void spin(int *looks)
{
	if (++*looks % 1000 == 0)
		sched_yield();
}

static void *heavy_side(void *argument)
{
	struct litmus *litmus = argument;
	for (int i = 0; i < ROUNDS; i++) {
		int looks = 0;
		while (atomic_load_explicit(&litmus->started, memory_order_acquire) <= i)
			spin(&looks);
		atomic_store_explicit(&litmus->y, 1, memory_order_relaxed);
		fence_heavy();
		litmus->saw_x[i] = atomic_load_explicit(&litmus->x, memory_order_relaxed);
		atomic_store_explicit(&litmus->finished, i + 1, memory_order_release);
	}
	return NULL;
}

Test(fence, of_two_that_store_fence_and_load_at_least_one_sees_the_other)
{
	static struct litmus litmus;
	static int saw_y[ROUNDS];
	pthread_t thread = given_thread(heavy_side, &litmus);
	size_t missed = 0;
	for (int i = 0; i < ROUNDS; i++) {
		int looks = 0;
		atomic_store_explicit(&litmus.x, 0, memory_order_relaxed);
		atomic_store_explicit(&litmus.y, 0, memory_order_relaxed);
		atomic_store_explicit(&litmus.started, i + 1, memory_order_release);
		/* The other needs a while to see that: meet it in the middle. */
		for (volatile int wait = i % 200; wait > 0; wait--)
			;
		atomic_store_explicit(&litmus.x, 1, memory_order_relaxed);
		fence_light();
		saw_y[i] = atomic_load_explicit(&litmus.y, memory_order_relaxed);
		while (atomic_load_explicit(&litmus.finished, memory_order_acquire) <= i)
			spin(&looks);
	}
	joined(thread);
	for (int i = 0; i < ROUNDS; i++)
		missed += saw_y[i] == 0 && litmus.saw_x[i] == 0;
	assert_same(missed, 0);
}
