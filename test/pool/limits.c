/* SPDX-License-Identifier: MIT */
/*
 * Pools in processes that have less address space, or memory that may be
 * locked, than a pool would reserve. Each case is a process of its own.
 *
 * A pool is made and serves some MiB. At the limit it has none, and nothing is
 * lost: what was freed is served again, and a destroy leaves no mapping.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "magring.h"
#include "mappings.h"
#include "require.h"

enum { SKIPPED = 77, MESSAGES = 8192, PAYLOAD = 10000, THREADS = 4 };
#define MIB ((size_t)1 << 20)

static struct magring_pool *pool;
static struct magring_message messages[THREADS][MESSAGES];

static size_t address_space(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (size_t)strtoull(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit(int what, size_t bytes)
{
	const struct rlimit wanted = { bytes, bytes };
	REQUIRE(setrlimit(what, &wanted) == 0);
}

static void create(size_t memory_limit)
{
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = memory_limit };
	REQUIRE(magring_pool_create(&pool, &options) == 0);
}

/* As many messages as there are, each with a payload of its own. */
static size_t fill(unsigned int thread)
{
	size_t count = 0;
	int rc = 0;
	while (count < MESSAGES) {
		struct magring_message *message = &messages[thread][count];
		rc = magring_message_alloc(pool, message, NULL, 0, PAYLOAD, 0);
		if (rc != 0)
			break;
		memset(magring_message_payload(message, NULL), (int)(thread * 61 + count) % 251,
			PAYLOAD);
		count++;
	}
	REQUIRE(count == MESSAGES || rc == -ENOBUFS);
	return count;
}

static void empty(unsigned int thread, size_t count)
{
	while (count-- > 0) {
		struct magring_message *message = &messages[thread][count];
		const unsigned char *payload = magring_message_payload(message, NULL);
		for (size_t i = 0; i < PAYLOAD; i++)
			REQUIRE(payload[i] == (thread * 61 + count) % 251);
		magring_message_free(message);
	}
}

/* The pool has `least` bytes at least, `most` at most, and again. */
static void serve(size_t least, size_t most)
{
	size_t count = fill(0);
	REQUIRE(count * PAYLOAD >= least && count * PAYLOAD <= most);
	empty(0, count);
	REQUIRE(fill(0) >= count);
	empty(0, count);
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	REQUIRE(magring_pool_get_stats(pool, &stats) == 0);
	while (stats.slabs_in_use-- > 0)
		magring_message_free(&messages[0][count++]);
}

static int address_space_is_limited(void)
{
	create(0);
	REQUIRE(magring_pool_destroy(pool) == 0);
	size_t space = address_space(), mappings = count_mappings();
	limit(RLIMIT_AS, space + 64 * MIB);
	for (int i = 0; i < 3; i++) {
		create(0);
		serve(32 * MIB, 64 * MIB);
		REQUIRE(magring_pool_destroy(pool) == 0);
		REQUIRE(count_mappings() == mappings);
		REQUIRE(address_space() == space);
	}
	return 0;
}

/* Ten pools leave one another as much. */
static int many_pools(void)
{
	struct magring_pool *pools[10];
	limit(RLIMIT_AS, address_space() + 64 * MIB);
	for (int i = 0; i < 10; i++) {
		create(0);
		pools[i] = pool;
	}
	for (int i = 0; i < 10; i++) {
		struct magring_message *message = &messages[1][i];
		REQUIRE(magring_message_alloc(pools[i], message, NULL, 0, MIB, 0) == 0);
		memset(magring_message_payload(message, NULL), i, MIB);
	}
	pool = pools[0];
	serve(16 * MIB, 64 * MIB);
	for (int i = 0; i < 10; i++) {
		magring_message_free(&messages[1][i]);
		REQUIRE(magring_pool_destroy(pools[i]) == 0);
	}
	return 0;
}

/* As usual: some MiB may be locked, and what is mapped is. */
static int memory_is_locked(void)
{
	limit(RLIMIT_MEMLOCK, 8 * MIB);
	/* The superuser may lock more. */
	if (geteuid() == 0)
		REQUIRE(setresuid(65534, 65534, 65534) == 0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		return SKIPPED;
	if (mmap(NULL, 16 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		return SKIPPED;
	create(0);
	serve(3 * MIB, 6 * MIB);
	REQUIRE(magring_pool_destroy(pool) == 0);
	return 0;
}

static pthread_barrier_t barrier;

static void *use(void *context)
{
	unsigned int thread = (unsigned int)(size_t)context;
	pthread_barrier_wait(&barrier); /* all are there */
	pthread_barrier_wait(&barrier); /* address space is limited */
	for (int i = 0; i < 20; i++) {
		pthread_barrier_wait(&barrier); /* a pool is made */
		size_t count = fill(thread);
		pthread_barrier_wait(&barrier); /* nothing is left */
		empty(thread, count);
		messages[thread][0] = (struct magring_message){ .private_header = count };
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Each first use of a page is a race for who maps it. */
static int threads_grow_at_once(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, use, (void *)i) == 0);
	pthread_barrier_wait(&barrier);
	limit(RLIMIT_AS, address_space() + 64 * MIB);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++) {
		create(0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		size_t count = 0;
		for (unsigned int j = 0; j < THREADS; j++)
			count += messages[j][0].private_header;
		REQUIRE(count * PAYLOAD >= 32 * MIB);
		REQUIRE(magring_pool_destroy(pool) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* Without a limit, pools reserve in proportion. */
static int small_pools_reserve_little(void)
{
	create(65536);
	REQUIRE(magring_pool_destroy(pool) == 0);
	size_t space = address_space();
	create(65536);
	REQUIRE(address_space() - space < 2 * MIB);
	return magring_pool_destroy(pool);
}

static int run(const char *name, int (*test)(void))
{
	int status;
	pid_t child = fork();
	REQUIRE(child >= 0);
	if (child == 0)
		_exit(test());
	REQUIRE(waitpid(child, &status, 0) == child);
	int rc = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	printf("%s: %s\n", name, rc == 0 ? "ok" : rc == SKIPPED ? "skipped" : "FAILED");
	fflush(stdout);
	return rc == SKIPPED ? 0 : rc;
}

int main(void)
{
	int rc = run("address space is limited", address_space_is_limited);
	rc |= run("many pools", many_pools);
	rc |= run("memory is locked", memory_is_locked);
	rc |= run("threads grow at once", threads_grow_at_once);
	rc |= run("small pools reserve little", small_pools_reserve_little);
	return rc;
}
