/* SPDX-License-Identifier: MIT */
/*
 * A process with busy threads forks again and again. Threads send and receive,
 * wait for messages and for memory, come and go, create and destroy pools,
 * write statistics and profiles; with and without a profile. Each fork is by a
 * new thread, which is unknown to the library, beside a pool that no thread
 * uses at that moment.
 *
 * The child sees that its statistics can be read, that the busy pool cannot be
 * destroyed and the other one can, and an unused queue of the busy one. It has
 * traffic between threads of its own, in a pool of its own. Then it calls
 * exit(), or _exit(), or executes another program. It does not hang. The parent
 * does not notice: its traffic goes on, and its accounts balance.
 *
 * Not under AddressSanitizer: its malloc has locks that it does not take for a
 * fork (gcc 12), so any child of a threaded process may wait in it for a thread
 * that is not there.
 */
#include "pool/pool.h"
#include "pool/sample.h"
#include "pool/table.h"
#include "base/sanitizer.h"
#include "stress.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define SENDERS 2
#define RECEIVERS 2
#define FORKS 40  /* a game */
#define QUEUES 50 /* that stay, without a pool */
#define SLAB ((size_t)4096)
#define CHILD_IS_WELL 42
#define OWN_MESSAGES 50 /* of each of a child's senders */

/* Not under ThreadSanitizer, which ends a child of a threaded process then. */
#ifdef __SANITIZE_THREAD__
#define MAY_START_THREADS false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAY_START_THREADS false
#endif
#endif
#ifndef MAY_START_THREADS
#define MAY_START_THREADS true
#endif

static struct {
	struct magring_pool *busy, *narrow, *idle; /* narrow: fewer slabs than threads */
	struct magring_queue *queue, *idle_queue, *unused_queue; /* the last: of the busy pool */
	struct magring_message held;                             /* of the idle pool */
	_Atomic(bool) over;
	_Atomic(uint64_t) sent, received;
	uint64_t games, forks;
} game;

static bool over(void)
{
	return atomic_load_explicit(&game.over, memory_order_relaxed);
}

static void *send_all(void *number)
{
	struct dice dice = dice_of(game.games * 16 + *(uint32_t *)number);
	for (uint32_t sequence = 0; !over(); sequence++) {
		struct stress_label label = { .sender = *(uint32_t *)number, .sequence = sequence };
		struct magring_message message;
		int rc = stress_message_make(game.busy, &message, label, 8, dice_throw(&dice, 400));
		CHECK(rc == 0, "%s", strerror(-rc));
		if (rc != 0)
			break;
		rc = magring_send(game.queue, &message, -1);
		CHECK(rc == 0, "%s", strerror(-rc));
		atomic_fetch_add_explicit(&game.sent, 1, memory_order_relaxed);
	}
	return NULL;
}

static void *receive_all(void *unused)
{
	struct magring_message message;
	struct stress_label label = { 0 };
	while (magring_recv(game.queue, &message, -1) == 0) {
		CHECK(stress_message_intact(&message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
			label.sequence);
		magring_message_free(&message);
		atomic_fetch_add_explicit(&game.received, 1, memory_order_relaxed);
	}
	return unused;
}

static void *wait_for_memory(void *unused)
{
	struct magring_message message;
	while (!over()) {
		int rc = magring_message_alloc(game.narrow, &message, NULL, 0, SLAB, -1);
		CHECK(rc == 0, "%s", strerror(-rc));
		sched_yield();
		magring_message_free(&message);
	}
	return unused;
}

static void *use_once(void *unused)
{
	struct magring_message message;
	int rc = magring_message_alloc(game.busy, &message, NULL, 0, 200, 0);
	CHECK(rc == 0, "%s", strerror(-rc));
	magring_message_free(&message);
	return unused;
}

/* Threads come and go, and so do pools, and queues. */
static void *come_and_go(void *unused)
{
	while (!over()) {
		pthread_t thread;
		stress_start(&thread, use_once, NULL);
		stress_join(thread);
		struct magring_pool *pool = stress_pool((size_t)1 << 20, 0);
		CHECK(magring_queue_release(stress_queue(game.busy, 2)) == 0, "destroy");
		stress_destroy(pool);
	}
	return unused;
}

static void *write_texts(void *unused)
{
	FILE *nothing = fopen("/dev/null", "w");
	CHECK(nothing != NULL, "%s", strerror(errno));
	while (nothing != NULL && !over()) {
		CHECK(magring_pool_write_metrics(game.busy, nothing) == 0, "metrics");
		CHECK(magring_pool_write_profile(game.busy, nothing) == 0, "profile");
		CHECK(magring_pool_write_leaks(game.busy, nothing) == 0, "leaks");
		sched_yield();
	}
	if (nothing != NULL)
		fclose(nothing);
	return unused;
}

/* ---------------------------------------------------------------- child -- */

static struct magring_pool *pool_with(size_t memory_limit, uint64_t sample_bytes)
{
	const struct magring_pool_options options = {
		.size = sizeof(options),
		.memory_limit = memory_limit,
		.sample_bytes = sample_bytes,
	};
	struct magring_pool *pool = NULL;
	int rc = magring_pool_create(&pool, &options);
	CHECK(rc == 0, "%s", strerror(-rc));
	return pool;
}

/* NULL, or what is wrong. */
static const char *visit_pools(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct magring_queue_stats queue = { .size = sizeof(queue) };
	if (magring_pool_get_stats(game.busy, &stats) != 0 || stats.allocated < stats.freed)
		return "statistics of the busy pool";
	if (magring_queue_get_stats(game.queue, &queue) != 0 ||
		queue.capacity != magring_queue_capacity(game.queue))
		return "statistics of the queue";
	if (magring_pool_destroy(game.busy) != -EBUSY)
		return "the busy pool is destroyed";
	if (magring_queue_release(game.unused_queue) != 0)
		return "the unused queue of the busy pool";
	if (magring_pool_get_stats(game.idle, &stats) != 0 || stats.slabs_in_use != 3 ||
		stats.queues != 1)
		return "statistics of the idle pool";
	if (magring_pool_destroy(game.idle) != -EBUSY)
		return "the idle pool is destroyed beside messages";
	magring_message_free(&game.held);
	if (magring_queue_release(game.idle_queue) != 0)
		return "the idle queue";
	return magring_pool_destroy(game.idle) == 0 ? NULL : "the idle pool";
}

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
} own;

static void *send_own(void *unused)
{
	struct magring_message message;
	for (uint32_t i = 0; i < OWN_MESSAGES; i++)
		if (magring_message_alloc(own.pool, &message, NULL, 0, 100 + i, -1) != 0 ||
			magring_send(own.queue, &message, -1) != 0 ||
			magring_queue_release(stress_queue(own.pool, 2)) != 0)
			_exit(EXIT_FAILURE);
	return unused;
}

static void *receive_own(void *unused)
{
	struct magring_message message;
	for (uint32_t i = 0; i < OWN_MESSAGES; i++) {
		if (magring_recv(own.queue, &message, -1) != 0)
			_exit(EXIT_FAILURE);
		magring_message_free(&message);
	}
	return unused;
}

/* What it makes itself is like any process's: NULL, or what is wrong. */
static const char *be_a_process(uint64_t sample_bytes)
{
	pthread_t threads[4];
	own.pool = pool_with((size_t)1 << 20, sample_bytes);
	own.queue = stress_queue(own.pool, 4);
	for (int i = 0; i < 4; i++)
		stress_start(&threads[i], i < 2 ? send_own : receive_own, NULL);
	FILE *nothing = fopen("/dev/null", "w");
	if (nothing == NULL || magring_write_metrics(nothing, 0) != 0)
		return "metrics";
	for (int i = 0; i < 4; i++)
		stress_join(threads[i]);
	if (magring_queue_release(own.queue) != 0)
		return "its own queue";
	return magring_pool_destroy(own.pool) == 0 ? NULL : "its own pool";
}

static void be_child(uint64_t number)
{
	/*
	 * Should it hang: the watchdog ends the parent. (Not an alarm: it may
	 * hang with signals blocked.)
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const char *wrong = visit_pools();
	if (wrong == NULL && MAY_START_THREADS)
		wrong = be_a_process(number % 2);
	if (wrong != NULL) {
		fprintf(stderr, "in the child: %s\n", wrong);
		_exit(EXIT_FAILURE);
	}
	switch (number % 3) {
	case 0:
		exit(CHILD_IS_WELL);
	case 1:
		execl("/bin/sh", "sh", "-c", "exit 42", NULL);
		_exit(EXIT_FAILURE);
	default:
		_exit(CHILD_IS_WELL);
	}
}

static void *fork_once(void *unused)
{
	int status = -1;
	pid_t child = fork();
	if (child == 0)
		be_child(game.forks);
	CHECK(child > 0 && waitpid(child, &status, 0) == child, "%s", strerror(errno));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_IS_WELL,
		"way %" PRIu64 ", status %#x", game.forks % 3, (unsigned int)status);
	return unused;
}

/* --------------------------------------------------------------- parent -- */

static void fork_beside_idle_pool(uint64_t sample_bytes)
{
	struct magring_message message;
	pthread_t thread;
	game.idle = pool_with((size_t)1 << 20, sample_bytes);
	game.idle_queue = stress_queue(game.idle, 4);
	game.unused_queue = stress_queue(game.busy, 4);
	for (uint32_t i = 0; i < 4; i++) {
		struct stress_label label = { .sequence = i };
		CHECK(stress_message_make(i < 3 ? game.idle : game.busy, &message, label, 8, 100) ==
				0,
			"make");
		if (i == 0)
			game.held = message;
		else
			CHECK(magring_send(i < 3 ? game.idle_queue : game.unused_queue, &message,
				      0) == 0,
				"send");
	}
	stress_start(&thread, fork_once, NULL);
	stress_join(thread);
	game.forks++;
	magring_message_free(&game.held);
	CHECK(magring_queue_release(game.idle_queue) == 0, "destroy");
	CHECK(magring_queue_release(game.unused_queue) == 0, "destroy");
	stress_destroy(game.idle);
	stress_alive();
}

static void play(uint64_t sample_bytes)
{
	static uint32_t numbers[SENDERS] = { 0, 1 };
	static void *(*const others[])(void *) = { wait_for_memory, wait_for_memory,
		wait_for_memory, come_and_go, write_texts };
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	pthread_t senders[SENDERS], receivers[RECEIVERS], threads[OTHERS];
	struct magring_message stays;
	game.busy = pool_with((size_t)16 << 20, sample_bytes);
	game.narrow = pool_with(2 * SLAB, sample_bytes);
	game.queue = stress_queue(game.busy, 4);
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	CHECK(magring_message_alloc(game.busy, &stays, NULL, 0, 100, 0) == 0, "alloc");
	for (int i = 0; i < SENDERS; i++)
		stress_start(&senders[i], send_all, &numbers[i]);
	for (int i = 0; i < RECEIVERS; i++)
		stress_start(&receivers[i], receive_all, NULL);
	for (int i = 0; i < OTHERS; i++)
		stress_start(&threads[i], others[i], NULL);
	for (int i = 0; i < FORKS && stress_goes_on(); i++) {
		uint64_t received = atomic_load_explicit(&game.received, memory_order_relaxed);
		fork_beside_idle_pool(sample_bytes);
		while (atomic_load_explicit(&game.received, memory_order_relaxed) == received)
			sched_yield();
	}
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	for (int i = 0; i < SENDERS; i++)
		stress_join(senders[i]);
	magring_queue_close(game.queue);
	for (int i = 0; i < RECEIVERS; i++)
		stress_join(receivers[i]);
	for (int i = 0; i < OTHERS; i++)
		stress_join(threads[i]);
	magring_message_free(&stays);
	CHECK(game.sent == game.received, "sent %" PRIu64 ", received %" PRIu64, game.sent,
		game.received);
	CHECK(magring_queue_release(game.queue) == 0, "destroy");
	stress_destroy(game.narrow);
	stress_destroy(game.busy);
	game.games++;
}

/* ---------------------------------------------------------- without a pool -- */

static void *come_and_go_without_pool(void *unused)
{
	while (!over())
		CHECK(magring_queue_release(stress_queue(NULL, 2)) == 0, "release");
	return unused;
}

/* It has the lock of the list of queues most of the time. */
static void *write_metrics(void *unused)
{
	FILE *nothing = fopen("/dev/null", "w");
	CHECK(nothing != NULL, "%s", strerror(errno));
	while (nothing != NULL && !over())
		CHECK(magring_write_metrics(nothing, 0) == 0, "metrics");
	if (nothing != NULL)
		fclose(nothing);
	return unused;
}

static void fork_beside_queues(struct magring_queue *queue)
{
	int status = -1;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(magring_queue_release(queue) == 0 ? CHILD_IS_WELL : EXIT_FAILURE);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child, "%s", strerror(errno));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_IS_WELL, "status %#x",
		(unsigned int)status);
	stress_alive();
}

/* There is no pool yet, but queues come and go. */
static void play_without_pools(void)
{
	pthread_t threads[2];
	struct magring_queue *queue = stress_queue(NULL, 2), *others[QUEUES];
	struct magring_message message;
	CHECK(magring_message_copy(NULL, &message, "id", 2, "payload", 7, 0) == 0, "copy");
	CHECK(magring_send(queue, &message, 0) == 0, "send");
	for (int i = 0; i < QUEUES; i++)
		others[i] = stress_queue(NULL, 2);
	stress_start(&threads[0], come_and_go_without_pool, NULL);
	stress_start(&threads[1], write_metrics, NULL);
	for (int i = 0; i < FORKS && stress_goes_on(); i++)
		fork_beside_queues(queue);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	for (int i = 0; i < 2; i++)
		stress_join(threads[i]);
	for (int i = 0; i < QUEUES; i++)
		CHECK(magring_queue_release(others[i]) == 0, "release");
	CHECK(magring_queue_release(queue) == 0, "release");
}

/* A thread that reads the table of pools until it is told to end. */
static _Atomic(bool) in_section, section_over;

static void *stay_in_section(void *unused)
{
	unsigned int half = thread_section_begin();
	atomic_store(&in_section, true);
	while (!atomic_load(&section_over))
		usleep(1000);
	thread_section_end(half);
	return unused;
}

/* No pool was there: the child may use pools like any process. */
static void fork_beside_section(void)
{
	struct magring_pool *pool;
	pthread_t thread;
	int status = -1;
	stress_start(&thread, stay_in_section, NULL);
	while (!atomic_load(&in_section))
		usleep(1000);
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		_exit(magring_pool_create(&pool, NULL) != 0 || magring_pool_destroy(pool) != 0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x",
		(unsigned int)status);
	atomic_store(&section_over, true);
	stress_join(thread);
}

/* A lock that another thread has stays locked in the child, which reports nothing. */
static void fork_beside_report(void)
{
	struct magring_message message;
	int status = -1;
	setenv("MAGRING_LEAKS", "1", 1);
	struct magring_pool *pool = pool_with(0, 0);
	unsetenv("MAGRING_LEAKS");
	CHECK(magring_message_alloc(pool, &message, NULL, 0, 1000, 0) == 0, "alloc");
	pthread_mutex_lock(&pool->profile->lock);
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		_exit(magring_pool_destroy(pool) == -EBUSY ? 0 : EXIT_FAILURE);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x",
		(unsigned int)status);
	pthread_mutex_unlock(&pool->profile->lock);
	magring_message_free(&message);
	CHECK(magring_pool_destroy(pool) == 0, "destroy");
}

/* The profiles that the environment has asked for, and their directory. */
static void remove_profiles(const char *directory)
{
	struct dirent *entry;
	DIR *open = opendir(directory);
	uint64_t files = 0;
	char start[32];
	snprintf(start, sizeof(start), "p.%d.", (int)getpid());
	while (open != NULL && (entry = readdir(open)) != NULL) {
		files += strncmp(entry->d_name, start, strlen(start)) == 0;
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(open), entry->d_name, 0);
	}
	CHECK(open != NULL && files > 0, "no profile");
	if (open != NULL)
		closedir(open);
	CHECK(rmdir(directory) == 0, "%s", strerror(errno));
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/stress_fork.XXXXXX", file[64];
#ifdef SANITIZER_ASAN
	puts("skipped: AddressSanitizer's malloc is not for children of threaded processes");
	return 77;
#endif
	stress_begin("stress_fork", argc, argv);
	fork_beside_section();
	play_without_pools();
	fork_beside_report();
	while (stress_goes_on()) {
		play(0);
		play(1);
		CHECK(mkdtemp(directory) != NULL, "%s", strerror(errno));
		snprintf(file, sizeof(file), "%s/p", directory);
		setenv("MAGRING_PROFILE_FILE", file, 1);
		setenv("MAGRING_LEAKS", "1", 1);
		play(1);
		unsetenv("MAGRING_PROFILE_FILE");
		unsetenv("MAGRING_LEAKS");
		remove_profiles(directory);
		memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	}
	printf("%" PRIu64 " games, %" PRIu64 " forks, %" PRIu64 " messages\n", game.games,
		game.forks, game.received);
	return stress_end();
}
