/* SPDX-License-Identifier: MIT */
/* lib/base/fence.c: the asymmetric fence, with membarrier and without. */
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fence.h"
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
static void sleep_without_membarrier(void)
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
	if (magring_queue_create(&queue, NULL, NULL) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ||
		syscall(SYS_membarrier, 0, 0, 0) != -1)
		_exit(NO_FILTER);
	_exit(magring_recv(queue, &message, 1000000) == -ETIMEDOUT ? GOES_ON : 1);
}

Test(fence, a_filter_that_takes_membarrier_away_later_ends_the_process)
{
	int status = 0;
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		sleep_without_membarrier();
	assert_same(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
		cr_skip_test("no seccomp filter here");
	if (fence_asymmetric)
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%d", status);
	else
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == GOES_ON, "%d", status);
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
