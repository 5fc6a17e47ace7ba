/* SPDX-License-Identifier: MIT */
/*
 * What include/magring.h says of the child of a fork, case by case.
 *
 * A child is a process like any other in what it makes itself, whatever its
 * parent had: it takes locks, waits for readers, and writes what the environment
 * asks for. What it has of its parent it releases and destroys, whatever locks
 * other threads of the parent held.
 *
 * That a lock is taken is seen by a thread that cannot go on while it is held.
 * ThreadSanitizer ends a child that starts threads beside others of its parent,
 * so parents with threads have children without.
 */
#include "base/backtrace.h"
#include "base/sanitizer.h"
#include "queue/queue.h"
#include "pool/sample.h"
#include "pool/table.h"
#include "stress.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifdef __SANITIZE_THREAD__
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#ifdef THREAD_SANITIZER
#define MAY_START_THREADS false
#else
#define MAY_START_THREADS true
#endif

#define CHILD_IS_WELL 42
#define KEY_DELETED 43

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "in the child: not %s\n", what);
	_exit(EXIT_FAILURE);
}
#define REQUIRE(condition) require((condition), #condition)

static int status_of(pid_t child)
{
	int status = -1;
	CHECK(child > 0 && waitpid(child, &status, 0) == child, "%s", strerror(errno));
	stress_alive();
	return status;
}

/* `run` returns, exits well, or fails. */
static void in_child(void (*run)(void))
{
	pid_t child = fork();
	if (child == 0) {
		alarm(60);
		run();
		_exit(CHILD_IS_WELL);
	}
	int status = status_of(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_IS_WELL, "status %#x",
		(unsigned int)status);
}

static struct magring_pool *pool_with(uint64_t sample_bytes, const char *name)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = (size_t)1 << 20,
		.name = name,
		.sample_bytes = HAS_BACKTRACE ? sample_bytes : 0 };
	struct magring_pool *pool = NULL;
	int rc = magring_pool_create(&pool, &options);
	CHECK(rc == 0, "%s", strerror(-rc));
	return pool;
}

static struct magring_message message_of(struct magring_pool *pool)
{
	struct magring_message message = { 0 };
	int rc = magring_message_alloc(pool, &message, "id", 2, 1000, 0);
	CHECK(rc == 0, "%s", strerror(-rc));
	return message;
}

/* ------------------------------------------------ a process like any other -- */

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
	_Atomic(bool) done;
} own;

static void *make_queue(void *pool)
{
	struct magring_queue *queue = stress_queue(pool, 2);
	atomic_store(&own.done, true);
	REQUIRE(magring_queue_release(queue) == 0);
	return NULL;
}

static void *release_queue(void *unused)
{
	REQUIRE(magring_queue_release(own.queue) == 0);
	atomic_store(&own.done, true);
	return unused;
}

static void *free_sampled(void *unused)
{
	magring_message_free(&own.message);
	atomic_store(&own.done, true);
	return unused;
}

static void *destroy_pool(void *unused)
{
	REQUIRE(magring_pool_destroy(own.pool) == 0);
	atomic_store(&own.done, true);
	return unused;
}

static pthread_t begin(void *(*call)(void *), void *argument)
{
	pthread_t thread;
	atomic_store(&own.done, false);
	stress_start(&thread, call, argument);
	return thread;
}

/* The call waits for a lock or a section as long as that is held. */
static void see_waiting(void)
{
	stress_sleep_ns(20000000);
	REQUIRE(!atomic_load(&own.done));
}

static void see_locked(pthread_mutex_t *lock, void *(*call)(void *), void *argument)
{
	pthread_mutex_lock(lock);
	pthread_t thread = begin(call, argument);
	see_waiting();
	pthread_mutex_unlock(lock);
	stress_join(thread);
	REQUIRE(atomic_load(&own.done));
}

static void see_metrics(void)
{
	static char text[1 << 20];
	FILE *stream = fmemopen(text, sizeof(text), "w");
	REQUIRE(stream != NULL && magring_write_metrics(stream, 0) == 0 && fclose(stream) == 0);
	REQUIRE(strstr(text, "pool=\"own\",queue=\"queue-") != NULL);
}

static void be_a_process(void)
{
	own.pool = pool_with(1, "own");
	own.queue = stress_queue(own.pool, 2);
	see_metrics();
	if (own.pool->profile != NULL) {
		own.message = message_of(own.pool);
		see_locked(&own.pool->profile->lock, free_sampled, NULL);
	}
	see_locked(&own.pool->queues.lock, make_queue, own.pool);
	see_locked(&own.pool->queues.lock, release_queue, NULL);
	see_locked(&queues_without_pool.lock, make_queue, NULL);
	own.queue = stress_queue(NULL, 2);
	see_locked(&queues_without_pool.lock, release_queue, NULL);
	unsigned int half = thread_section_begin();
	pthread_t thread = begin(destroy_pool, NULL);
	see_waiting();
	thread_section_end(half);
	stress_join(thread);
	REQUIRE(stress_failures == 0);
}

static void have_a_child(void)
{
	in_child(be_a_process);
	REQUIRE(stress_failures == 0);
}

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
} inherited;

static void inherit(void)
{
	inherited.pool = pool_with(1, "inherited");
	inherited.queue = stress_queue(inherited.pool, 2);
	inherited.message = message_of(inherited.pool);
}

static void destroy_inherited(void)
{
	magring_message_free(&inherited.message);
	REQUIRE(magring_queue_release(inherited.queue) == 0);
	REQUIRE(magring_pool_destroy(inherited.pool) == 0);
	REQUIRE(stress_failures == 0);
}

static void destroy_inherited_and_be_a_process(void)
{
	destroy_inherited();
	be_a_process();
}

static void destroy_inherited_and_have_a_child(void)
{
	destroy_inherited();
	have_a_child();
}

/* A daemon has checked its configuration. Or its pool is still there. */
static void play_process(void)
{
	inherit();
	in_child(be_a_process);
	in_child(have_a_child);
	in_child(destroy_inherited_and_be_a_process);
	in_child(destroy_inherited_and_have_a_child);
	destroy_inherited();
	in_child(be_a_process);
	in_child(have_a_child);
}

/* ------------------------------------------------------- the environment -- */

static char directory[] = "/tmp/forked.XXXXXX";

/* How many files this process has written for its pools; all are removed. */
static int written_here(void)
{
	DIR *open = opendir(directory);
	struct dirent *entry;
	int files = 0;
	char start[32];
	snprintf(start, sizeof(start), "p.%d.", (int)getpid());
	while (open != NULL && (entry = readdir(open)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		files += strncmp(entry->d_name, start, strlen(start)) == 0;
		unlinkat(dirfd(open), entry->d_name, 0);
	}
	CHECK(open != NULL && closedir(open) == 0, "%s", strerror(errno));
	return files;
}

/* exit() has come to this: later than the library's function, registered before. */
static int files_wanted = -1, opens_wanted = -1;
static int profiles_opened;

static void count_files(void)
{
	if (opens_wanted >= 0)
		_exit(profiles_opened == opens_wanted ? CHILD_IS_WELL : EXIT_FAILURE);
	if (files_wanted < 0)
		return; /* in the parent */
	int files = written_here();
	if (files == files_wanted)
		_exit(CHILD_IS_WELL);
	fprintf(stderr, "in the child: %d files, not %d\n", files, files_wanted);
	_exit(EXIT_FAILURE);
}

static void exit_with_own_pool(void)
{
	files_wanted = HAS_BACKTRACE;
	own.pool = pool_with(0, "own");
	own.message = message_of(own.pool);
	exit(EXIT_FAILURE);
}

static void exit_without(void)
{
	files_wanted = 0;
	exit(EXIT_FAILURE);
}

static void destroy_and_exit(void)
{
	files_wanted = HAS_BACKTRACE;
	destroy_inherited();
	exit(EXIT_FAILURE);
}

/* What the destruction of a busy pool says is in a file. */
static void see_report(struct magring_pool *pool, bool wanted)
{
	static char text[1 << 16];
	FILE *file = tmpfile();
	REQUIRE(file != NULL);
	int saved = dup(STDERR_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	int rc = magring_pool_destroy(pool);
	dup2(saved, STDERR_FILENO);
	REQUIRE(rc == -EBUSY);
	ssize_t size = pread(fileno(file), text, sizeof(text) - 1, 0);
	REQUIRE(wanted ? strstr(text, "1000 bytes were allocated here:") != NULL : size == 0);
}

static void report_own_and_not_the_other(void)
{
	own.pool = pool_with(0, "own");
	own.message = message_of(own.pool);
	see_report(own.pool, HAS_BACKTRACE);
	see_report(inherited.pool, false);
}

static void play_environment(void)
{
	char file[40];
	CHECK(mkdtemp(directory) != NULL, "%s", strerror(errno));
	snprintf(file, sizeof(file), "%s/p", directory);
	atexit(count_files);
	setenv("MAGRING_PROFILE_FILE", file, 1);
	setenv("MAGRING_LEAKS", "1", 1);
	for (int round = 0; round < 2; round++) {
		inherit();
		in_child(exit_with_own_pool);
		in_child(exit_without);
		in_child(destroy_and_exit);
		in_child(report_own_and_not_the_other);
		destroy_inherited();
		CHECK(written_here() == HAS_BACKTRACE, "the parent's profile");
		in_child(exit_with_own_pool);
	}
	unsetenv("MAGRING_PROFILE_FILE");
	unsetenv("MAGRING_LEAKS");
}

/* ------------------------------------------- locks of threads that are gone -- */

static struct {
	_Atomic(bool) there, over;
} holder;

static void hold(void)
{
	atomic_store(&holder.there, true);
	while (!atomic_load(&holder.over))
		stress_sleep_ns(1000000);
}

/* Three of a kind, of which the thread has taken the one in the middle half out
 * of the list. Its links are as the parent left them. */
static struct magring_queue *trio[3];
static struct magring_message trio_messages[3];
static struct cds_list_head *link_of_queue, *link_of_message, as_left[2];

static void make_trio(struct magring_pool *pool)
{
	for (volatile int i = 0; i < 3; i++) {
		trio[i] = stress_queue(pool, 2);
		trio_messages[i] = message_of(inherited.pool);
	}
	link_of_queue = &trio[1]->link;
	struct depot *depot = &inherited.pool->depot;
	void *slab = (void *)(uintptr_t)trio_messages[1].private_body[0];
	struct profile *profile = inherited.pool->profile;
	link_of_message = profile != NULL ? &profile->live[depot_round(depot, slab)]->link : NULL;
}

static void release_trio(bool middle)
{
	for (int i = 2; i >= 0; i--) {
		if (i == 1 && !middle)
			continue;
		REQUIRE(magring_queue_release(trio[i]) == 0);
		magring_message_free(&trio_messages[i]);
	}
}

static void *hold_locks(void *list)
{
	struct profile *profile = inherited.pool->profile;
	pthread_mutex_lock(&queues_without_pool.lock);
	pthread_mutex_lock(&inherited.pool->queues.lock);
	if (profile != NULL)
		pthread_mutex_lock(&profile->lock);
	link_of_queue->prev->next = link_of_queue->next;
	as_left[0] = *link_of_queue;
	if (profile != NULL) {
		link_of_message->prev->next = link_of_message->next;
		as_left[1] = *link_of_message;
	}
	hold();
	link_of_queue->prev->next = link_of_queue;
	if (profile != NULL) {
		link_of_message->prev->next = link_of_message;
		pthread_mutex_unlock(&profile->lock);
	}
	pthread_mutex_unlock(&inherited.pool->queues.lock);
	pthread_mutex_unlock(&queues_without_pool.lock);
	return list;
}

static bool is_same(const struct cds_list_head *one, const struct cds_list_head *other)
{
	return one->next == other->next && one->prev == other->prev;
}

static void release_neighbours(void)
{
	release_trio(false);
	REQUIRE(cds_list_empty(&queues_without_pool.queues));
	REQUIRE(cds_list_empty(&inherited.pool->queues.queues));
	REQUIRE(is_same(link_of_queue, &as_left[0]));
	REQUIRE(link_of_message == NULL || is_same(link_of_message, &as_left[1]));
}

static void *hold_section(void *unused)
{
	unsigned int half = thread_section_begin();
	hold();
	thread_section_end(half);
	return unused;
}

/* It has a lock of the table while it waits for the section. */
static void *wait_for_readers(void *unused)
{
	thread_wait_for_readers();
	return unused;
}

static struct magring_queue *without_pool;

static void destroy_all(void)
{
	release_trio(true);
	REQUIRE(magring_queue_release(without_pool) == 0);
	destroy_inherited();
	REQUIRE(magring_queue_release(stress_queue(NULL, 2)) == 0);
	struct magring_pool *pool = pool_with(1, "own");
	struct magring_message message = message_of(pool);
	magring_message_free(&message);
	REQUIRE(magring_pool_destroy(pool) == 0);
}

static void start_holder(pthread_t *thread, void *(*run)(void *))
{
	atomic_store(&holder.there, false);
	atomic_store(&holder.over, false);
	stress_start(thread, run, NULL);
	while (!atomic_load(&holder.there))
		stress_sleep_ns(1000000);
}

static void play_locks(void)
{
	pthread_t thread, waiter;
	inherit();
	without_pool = stress_queue(NULL, 2);
	for (int i = 0; i < 2; i++) {
		make_trio(i == 0 ? NULL : inherited.pool);
		start_holder(&thread, hold_locks);
		in_child(release_neighbours);
		in_child(destroy_all);
		atomic_store(&holder.over, true);
		stress_join(thread);
		release_trio(true);
	}
	make_trio(NULL);
	start_holder(&thread, hold_section);
	stress_start(&waiter, wait_for_readers, NULL);
	stress_sleep_ns(20000000);
	in_child(destroy_all);
	atomic_store(&holder.over, true);
	stress_join(thread);
	stress_join(waiter);
	release_trio(true);
	CHECK(magring_queue_release(without_pool) == 0, "release");
	destroy_inherited();
}

/* ------------------------------------------------------------- in a callback -- */

/* A fork within drop: its queue is in no list, and no lock is held. */
static void fork_in_drop(struct magring_message *unused, void *ret_child)
{
	(void)unused;
	*(pid_t *)ret_child = fork();
	if (*(pid_t *)ret_child == 0)
		alarm(60);
}

static void play_drop(void)
{
	pid_t child = -1;
	struct magring_pool *pool = pool_with(1, "dropped");
	const struct magring_queue_options options = { .size = sizeof(options),
		.drop = fork_in_drop,
		.drop_context = &child };
	struct magring_queue *queue;
	struct magring_message message = message_of(pool);
	CHECK(magring_queue_create(&queue, pool, &options) == 0, "create");
	CHECK(magring_send(queue, &message, 0) == 0, "send");
	int rc = magring_queue_release(queue);
	int destroyed = magring_pool_destroy(pool);
	if (child == 0)
		_exit(rc == 0 && destroyed == 0 ? CHILD_IS_WELL : EXIT_FAILURE);
	CHECK(rc == 0 && destroyed == 0, "%d and %d", rc, destroyed);
	int status = status_of(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_IS_WELL, "status %#x",
		(unsigned int)status);
}

/* --------------------------------------- a thread that was setting the key -- */

/* ThreadSanitizer calls these functions before a thread can run such code. */
#ifdef THREAD_SANITIZER
static void play_key(void) {}
#else
static _Atomic(bool) setting_waits;
static bool deletion_ends;

/* These are instead of the C library's, which they call. */
static void *find_next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL)
		abort();
	return found;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	__typeof__(pthread_setspecific) *next;
	*(void **)&next = find_next("pthread_setspecific");
	if (atomic_load(&setting_waits))
		hold();
	return next(key, value);
}

int pthread_key_delete(pthread_key_t key)
{
	__typeof__(pthread_key_delete) *next;
	*(void **)&next = find_next("pthread_key_delete");
	if (deletion_ends)
		_exit(KEY_DELETED);
	return next(key);
}

static void *use_pool(void *unused)
{
	struct magring_message message = message_of(inherited.pool);
	magring_message_free(&message);
	return unused;
}

/* The library is unloaded: as in a plugin, no thread may call it at its end. */
static void play_key(void)
{
	pthread_t thread;
	inherit();
	atomic_store(&setting_waits, true);
	start_holder(&thread, use_pool);
	atomic_store(&setting_waits, false);
	pid_t child = fork();
	if (child == 0) {
		deletion_ends = true;
		exit(EXIT_FAILURE);
	}
	int status = status_of(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == KEY_DELETED, "the key stays: status %#x",
		(unsigned int)status);
	atomic_store(&holder.over, true);
	stress_join(thread);
	destroy_inherited();
}

#endif

/* ------------------------------------------------- streams, and the files -- */

/* ThreadSanitizer does not bear threads in a child, and opens files itself. */
#ifdef THREAD_SANITIZER
static void play_streams(void) {}
static void play_files(void) {}
#else
static bool streams_end, closing_forks;
static _Atomic(bool) opening_waits;
static FILE *profile_stream;

#define REPLACED(name) \
	__typeof__(name) *next; \
	if (streams_end) \
		_exit(EXIT_FAILURE); \
	*(void **)&next = find_next(#name)

FILE *fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
	REPLACED(fopencookie);
	return next(cookie, mode, functions);
}

FILE *open_memstream(char **bytes, size_t *size)
{
	REPLACED(open_memstream);
	return next(bytes, size);
}

FILE *fdopen(int fd, const char *mode)
{
	REPLACED(fdopen);
	return next(fd, mode);
}

FILE *fopen(const char *name, const char *mode)
{
	REPLACED(fopen);
	FILE *stream = next(name, mode);
	if (strstr(name, ".heap") == NULL)
		return stream;
	profiles_opened++;
	profile_stream = stream;
	if (atomic_exchange(&opening_waits, false))
		hold();
	return stream;
}

static off_t size_of(FILE *stream)
{
	struct stat answer;
	CHECK(fstat(fileno(stream), &answer) == 0, "%s", strerror(errno));
	return answer.st_size;
}

/* All is written by now, and nothing of it is left for the child to write. */
int fclose(FILE *stream)
{
	REPLACED(fclose);
	if (!closing_forks || stream != profile_stream)
		return next(stream);
	closing_forks = false;
	off_t size = size_of(stream);
	pid_t child = fork();
	if (child == 0)
		exit(EXIT_SUCCESS);
	CHECK(status_of(child) == 0, "exit");
	CHECK(size > 0 && size_of(stream) == size, "the child has written");
	return next(stream);
}

static FILE *nothing;

static void write_texts(void)
{
	streams_end = true;
	REQUIRE(magring_write_metrics(nothing, 0) == 0);
	REQUIRE(magring_pool_write_metrics(inherited.pool, nothing) == 0);
	REQUIRE(magring_pool_write_leaks(inherited.pool, nothing) == 0);
	REQUIRE(magring_pool_write_profile(inherited.pool, nothing) == 0);
}

/* exit() in a child may wait for any stream that a thread of the parent uses. */
static void play_streams(void)
{
	inherit();
	nothing = fopen("/dev/null", "w");
	CHECK(nothing != NULL, "%s", strerror(errno));
	in_child(write_texts);
	fclose(nothing);
	destroy_inherited();
}

static void exit_beside_destroy(void)
{
	pthread_t thread;
	own.pool = pool_with(0, "own");
	atomic_store(&opening_waits, true);
	start_holder(&thread, destroy_pool);
	opens_wanted = profiles_opened;
	exit(EXIT_FAILURE);
}

static void play_files(void)
{
	char file[40];
	if (!HAS_BACKTRACE)
		return;
	snprintf(file, sizeof(file), "%s/p", directory);
	setenv("MAGRING_PROFILE_FILE", file, 1);
	in_child(exit_beside_destroy);
	closing_forks = true;
	struct magring_pool *pool = pool_with(0, "closed");
	CHECK(magring_pool_destroy(pool) == 0 && !closing_forks, "no profile");
	unsetenv("MAGRING_PROFILE_FILE");
	CHECK(written_here() == 1, "the parent's profile");
}

#endif

int main(void)
{
	/* No watchdog, which is a thread. */
	stress_name = "forked";
	alarm(300);
	play_key();
	play_process();
	play_locks();
	play_drop();
	play_environment();
	play_streams();
	play_files();
	CHECK(rmdir(directory) == 0, "%s", strerror(errno));
	return atomic_load(&stress_failures) != 0;
}
