/* SPDX-License-Identifier: MIT */
/*
 * What is done once, and a fork beside the thread that does it.
 *
 * The child of such a fork does it itself. With glibc that is the C library's
 * work. Others leave it to the program: there a call waits for a thread that is
 * not there. So pthread_once() is this program's, and does the same as musl's.
 * The library finds nothing done by its constructors, and no create before.
 *
 * One moment is left out: before the library has had forks noticed no child can
 * be helped. That is over when its constructor has run.
 */
#include "base/pause.h"
#include "queue/queue.h"
#include "stress.h"

#include <sys/wait.h>

#define CHILD_IS_WELL 42

static void require(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "once.c:%d: not %s\n", line, what);
	_exit(EXIT_FAILURE);
}
#define REQUIRE(condition) require((condition), #condition, __LINE__)

/* ------------------------------------------------------- the C library's part -- */

enum { UNDONE, BEGUN, DONE };
/* In the order in which a create does them. */
enum { NOTICE_FORKS, DECIDE, MEASURE, ONCES };

static bool loaded; /* main() has begun */
static _Thread_local int calls = -1;
static struct {
	int call;
	bool before;
	_Atomic(bool) there, over;
} holder;

static void hold(int call, bool before)
{
	if (call != holder.call || before != holder.before)
		return;
	atomic_store(&holder.there, true);
	while (!atomic_load(&holder.over))
		stress_sleep_ns(1000000);
}

int pthread_once(pthread_once_t *once, void (*run)(void))
{
	_Atomic(int) *state = (void *)once;
	int expected = UNDONE;
	if (!loaded)
		return 0;
	int call = calls < 0 ? -1 : calls++;
	if (atomic_compare_exchange_strong(state, &expected, BEGUN)) {
		if (call != NOTICE_FORKS)
			hold(call, true);
		run();
		hold(call, false);
		atomic_store(state, DONE);
	}
	while (atomic_load(state) != DONE)
		stress_sleep_ns(1000000);
	return 0;
}

static void (*handler)(void);
static unsigned int handlers;
static bool refuses;

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	REQUIRE(prepare == NULL && parent == NULL);
	if (refuses || !loaded)
		return ENOMEM;
	handler = child;
	handlers++;
	if (calls >= 0)
		hold(NOTICE_FORKS, true);
	return 0;
}

static pid_t fork_here(void)
{
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		if (handler != NULL)
			handler();
	}
	return child;
}

/* ------------------------------------------------------------------ cases -- */

static void await(pid_t child, const char *what, int call, bool before)
{
	int status = -1;
	CHECK(child > 0 && waitpid(child, &status, 0) == child, "%s", strerror(errno));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_IS_WELL,
		"%s, call %d, before %d: status %#x", what, call, before, (unsigned int)status);
}

static void use_library(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	REQUIRE(magring_pool_create(&pool, NULL) == 0);
	REQUIRE(magring_queue_create(&queue, pool, NULL) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	REQUIRE(magring_pool_destroy(pool) == 0);
}

static void *use_first(void *unused)
{
	calls = 0;
	use_library();
	return unused;
}

/* Nothing is decided or measured a second time. */
static void be_child(void)
{
	bool is_decided = holder.call > DECIDE || (holder.call == DECIDE && !holder.before);
	uint64_t cost = pause_cost_ps;
	bool is_decided_for = is_decided && fence_asymmetric;
	int rc = magring_disable_membarrier();
	REQUIRE(rc == (is_decided_for ? -EBUSY : 0));
	REQUIRE(fence_asymmetric == is_decided_for);
	use_library();
	REQUIRE(holder.call != MEASURE || holder.before || pause_cost_ps == cost);
	REQUIRE(handlers == 1);
	_exit(CHILD_IS_WELL);
}

/* In a process that has not used the library. */
static void fork_beside(int call, bool before)
{
	pthread_t thread;
	holder.call = call;
	holder.before = before;
	stress_start(&thread, use_first, NULL);
	while (!atomic_load(&holder.there))
		stress_sleep_ns(1000000);
	pid_t child = fork_here();
	if (child == 0)
		be_child();
	await(child, "child", call, before);
	atomic_store(&holder.over, true);
	stress_join(thread);
	use_library();
	_exit(stress_failures == 0 ? CHILD_IS_WELL : EXIT_FAILURE);
}

/* Where forks go unnoticed nothing is made. A later call tries again. */
static void be_refused(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	FILE *nothing = fopen("/dev/null", "w");
	REQUIRE(nothing != NULL);
	refuses = true;
	for (int i = 0; i < 2; i++) {
		REQUIRE(magring_pool_create(&pool, NULL) == -ENOMEM);
		REQUIRE(magring_queue_create(&queue, NULL, NULL) == -ENOMEM);
		REQUIRE(magring_write_metrics(nothing, 0) == -ENOMEM);
	}
	refuses = false;
	use_library();
	refuses = true;
	use_library();
	REQUIRE(magring_write_metrics(nothing, 0) == 0);
	REQUIRE(handlers == 1);
	pid_t child = fork_here();
	if (child == 0) {
		use_library();
		_exit(queues_without_pool.generation == 1 ? CHILD_IS_WELL : EXIT_FAILURE);
	}
	await(child, "child of the refused", -1, false);
	_exit(stress_failures == 0 ? CHILD_IS_WELL : EXIT_FAILURE);
}

int main(void)
{
	/* No watchdog, which is a thread. */
	stress_name = "once";
	alarm(60);
	loaded = true;
	for (int i = 0; i < 2 * ONCES; i++) {
		pid_t child = fork();
		if (child == 0)
			fork_beside(i / 2, i % 2 == 0);
		await(child, "parent", i / 2, i % 2 == 0);
	}
	pid_t child = fork();
	if (child == 0)
		be_refused();
	await(child, "refused", -1, false);
	return atomic_load(&stress_failures) != 0;
}
