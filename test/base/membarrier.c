/* SPDX-License-Identifier: MIT */
/*
 * membarrier CASE: when the library calls membarrier, and when it no longer
 * does. Each case needs a process that has made no decision yet.
 *
 *	load          a process registers at load, and calls nothing else
 *	disabled      after magring_disable_membarrier() it is never called
 *	late          too late: -EBUSY, and nothing changes
 *	late-metrics  all metrics count as well
 *	wrong         arguments that are refused decide nothing
 *	beside        threads create queues meanwhile: one of both comes first
 *	environment   MAGRING_MEMBARRIER=0: never called, at load neither
 *	filter        a filter of the time between load and create is respected
 *	lost          a registration that is lost is renewed
 *	print         how often it is called by a program with pool and queue
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/kernel_answers.h"
#include "magring.h"
#include "require.h"

enum { SKIPPED = 77, THREADS = 4, ROUNDS = 500 };

static bool works; /* membarrier, here */

/* Whatever takes heavy fences: waits, a descriptor, a trim, a full pool, the end of a pool. */
static void use_library(void)
{
	struct magring_pool_options options = { .size = sizeof(options), .memory_limit = 4096 };
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
	REQUIRE(magring_pool_create(&pool, &options) == 0);
	REQUIRE(magring_queue_create(&queue, pool, NULL) == 0);
	REQUIRE(magring_recv(queue, &message, 1000000) == -ETIMEDOUT);
	REQUIRE(magring_queue_recv_fd(queue) >= 0);
	REQUIRE(magring_recv(queue, &message, 0) == -EAGAIN);
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 2000, -1) == 0);
	struct magring_message more;
	while (magring_message_alloc(pool, &more, NULL, 0, 2000, 1000000) == 0)
		REQUIRE(magring_send(queue, &more, -1) == 0);
	magring_message_free(&message);
	REQUIRE(magring_pool_trim(pool, 0, NULL) == 0);
	REQUIRE(magring_queue_close(queue) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	REQUIRE(magring_pool_destroy(pool) == 0);
}

static int check_load(void)
{
	REQUIRE(atomic_load(&answers.registrations) == 1 && atomic_load(&answers.barriers) == 0);
	use_library();
	REQUIRE(!works || atomic_load(&answers.registrations) == 1);
	REQUIRE(!works || atomic_load(&answers.barriers) >= 4);
	return 0;
}

static int check_disabled(void)
{
	unsigned int before = membarrier_calls();
	REQUIRE(magring_disable_membarrier() == 0);
	use_library();
	REQUIRE(magring_disable_membarrier() == 0); /* it is, still */
	use_library();
	REQUIRE(membarrier_calls() == before);
	return 0;
}

static int check_late(void)
{
	struct magring_queue *queue;
	REQUIRE(magring_queue_create(&queue, NULL, NULL) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	unsigned int before = membarrier_calls();
	REQUIRE(magring_disable_membarrier() == (works ? -EBUSY : 0));
	use_library();
	REQUIRE((membarrier_calls() > before) == works);
	return 0;
}

static int check_late_metrics(void)
{
	FILE *nowhere = fopen("/dev/null", "w");
	REQUIRE(nowhere != NULL && magring_write_metrics(nowhere, 0) == 0);
	REQUIRE(magring_disable_membarrier() == (works ? -EBUSY : 0));
	return fclose(nowhere);
}

/* Nothing has changed, so all of it is early. */
static int check_wrong(void)
{
	struct magring_pool_options large_pool = { .size = sizeof(large_pool) + 1 };
	struct magring_pool_options named_pool = { .size = sizeof(named_pool), .name = "\xff" };
	struct magring_queue_options small_queue = { .size = 1 };
	struct magring_queue_options named_queue = { .size = sizeof(named_queue), .name = "\xff" };
	struct magring_pool *pool;
	struct magring_queue *queue;
	unsigned int before = membarrier_calls();
	REQUIRE(magring_pool_create(NULL, NULL) == -EINVAL);
	REQUIRE(magring_pool_create(&pool, &large_pool) == -E2BIG);
	REQUIRE(magring_pool_create(&pool, &named_pool) == -EINVAL);
	REQUIRE(magring_queue_create(&queue, NULL, &small_queue) == -EINVAL);
	REQUIRE(magring_queue_create(&queue, NULL, &named_queue) == -EINVAL);
	REQUIRE(magring_write_metrics(NULL, 0) == -EINVAL);
	REQUIRE(magring_write_metrics(stderr, ~(uint64_t)0) == -EINVAL);
	REQUIRE(magring_disable_membarrier() == 0);
	use_library();
	REQUIRE(membarrier_calls() == before);
	return 0;
}

static pthread_barrier_t together;

static void *create_one(void *unused)
{
	struct magring_queue *queue;
	pthread_barrier_wait(&together);
	REQUIRE(magring_queue_create(&queue, NULL, NULL) == 0);
	REQUIRE(magring_queue_release(queue) == 0);
	return unused;
}

static int check_beside(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&together, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, create_one, NULL) == 0);
	pthread_barrier_wait(&together);
	int rc = magring_disable_membarrier();
	unsigned int before = membarrier_calls();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	REQUIRE(rc == 0 || (rc == -EBUSY && works));
	use_library();
	REQUIRE((membarrier_calls() == before) == (rc == 0));
	return 0;
}

static int check_environment(void)
{
	use_library();
	REQUIRE(membarrier_calls() == 0);
	REQUIRE(magring_disable_membarrier() == 0); /* it is */
	return 0;
}

static int check_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		printf("no seccomp filter here\n");
		return SKIPPED;
	}
	use_library();
	return 0;
}

/* A new queue for each sleep: at a known one a sleep needs no membarrier. */
static void *sleep_and_lose(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct magring_queue *queue;
		struct magring_message message;
		REQUIRE(magring_queue_create(&queue, NULL, NULL) == 0);
		/* All are stopped when it is lost, and none just after it registered. */
		if (pthread_barrier_wait(&together) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_store(&answers.lost, true);
		pthread_barrier_wait(&together);
		REQUIRE(magring_recv(queue, &message, 10000) == -ETIMEDOUT);
		REQUIRE(magring_queue_release(queue) == 0);
	}
	return unused;
}

static int check_lost(void)
{
	pthread_t threads[THREADS];
	if (!works) {
		printf("no membarrier here\n");
		return SKIPPED;
	}
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, sleep_and_lose, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&answers.lost, true);
	use_library();
	REQUIRE(!atomic_load(&answers.lost));
	REQUIRE(atomic_load(&answers.registrations) > ROUNDS);
	return 0;
}

static int print(void)
{
	use_library();
	printf("%u\n", membarrier_calls());
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = { { "load", check_load }, { "disabled", check_disabled }, { "late", check_late },
	{ "late-metrics", check_late_metrics }, { "wrong", check_wrong },
	{ "beside", check_beside }, { "environment", check_environment },
	{ "filter", check_filter }, { "lost", check_lost }, { "print", print } };

int main(int argc, char **argv)
{
	works = membarrier_works();
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	fprintf(stderr, "usage: %s CASE\n", argv[0]);
	return 2;
}
