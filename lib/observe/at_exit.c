/* SPDX-License-Identifier: MIT */
/*
 * What the environment asks for.
 *
 *	MAGRING_PROFILE       mean bytes between samples, before the option
 *	MAGRING_PROFILE_FILE  write profiles at the end of pools and processes
 *	MAGRING_LEAKS=1       sample all; report leaks if a pool stays busy
 *
 * A relative name of files belongs to the directory in which the pool was
 * created: daemons go elsewhere later.
 *
 * exit() writes the files of pools that are still there, while other threads go
 * on. It does so in a section of the table of pools, so that none of them goes
 * away. Pools that the process has inherited as a forked child are left to its
 * parent at exit(). A pool that another thread is destroying is left to that
 * thread, and its file is cut short if exit() ends the process before.
 *
 * The file has no buffer. What is in one exit() would write once more, in a
 * child that another thread forks meanwhile.
 */
#include "observe/at_exit.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watched.h"
#include "pool/pool.h"
#include "tuning.h"

/* A number of bytes, or what there is without. */
static uint64_t bytes_in(const char *text, uint64_t without)
{
	char *end;
	if (text == NULL || *text < '0' || *text > '9')
		return without;
	uint64_t value = strtoull(text, &end, 10);
	return *end == '\0' && value <= INT64_MAX ? value : without;
}

struct profile_options report_options(uint64_t sample_bytes)
{
	const char *leaks = secure_getenv("MAGRING_LEAKS");
	struct profile_options options = {
		.file = secure_getenv("MAGRING_PROFILE_FILE"),
		.report = leaks != NULL && strcmp(leaks, "1") == 0,
		.required = sample_bytes != 0,
	};
	uint64_t without =
		sample_bytes != 0 || options.file == NULL ? sample_bytes : PROFILE_SAMPLE_BYTES;
	options.mean = options.report ? 1 : bytes_in(secure_getenv("MAGRING_PROFILE"), without);
	return options;
}

void report_busy(struct magring_pool *pool)
{
	/* The child of a fork does not know what the parent's messages are. */
	int rc = 0;
	if (pool->profile != NULL && pool->profile->report && !pool->profile->inherited)
		rc = magring_pool_write_leaks(pool, stderr);
	(void)rc; /* there is no place to report that to */
}

void report_done(struct magring_pool *pool)
{
	char *name;
	int cancel_state;
	if (pool->profile == NULL || pool->profile->file == NULL)
		return;
	/* Relaxed: all that matters is that one thread writes the file. */
	if (atomic_exchange_explicit(&pool->profile->reported, true, memory_order_relaxed))
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (asprintf(&name, "%s.%d.%" PRIu64 ".heap", pool->profile->file, (int)getpid(),
		    pool->registry.serial) > 0) {
		FILE *file = fopen(name, "we");
		bool written = file != NULL && setvbuf(file, NULL, _IONBF, 0) == 0 &&
			magring_pool_write_profile(pool, file) == 0;
		if (file != NULL && fclose(file) != 0)
			written = false;
		if (!written)
			fprintf(stderr, "magring: pool \"%s\": cannot write %s\n", pool->name,
				name);
		free(name);
	}
	pthread_setcancelstate(cancel_state, NULL);
}

static void at_exit(void)
{
	unsigned int half = thread_section_begin();
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		/* Read once: other threads go on, and may be destroying it. */
		struct magring_pool *pool = pool_published(number);
		if (pool == NULL)
			continue;
		watched_acquire(&pool->queues);
		if (pool->profile != NULL && !pool->profile->inherited)
			report_done(pool);
		watched_release(&pool->queues);
	}
	thread_section_end(half);
}

/* If that fails the name stays as it is. */
static void make_absolute(struct profile *profile)
{
	char *name, *directory = profile->file[0] != '/' ? getcwd(NULL, 0) : NULL;
	if (directory != NULL && directory[0] == '/' &&
		asprintf(&name, "%s/%s", directory, profile->file) > 0) {
		free(profile->file);
		profile->file = name;
	}
	free(directory);
}

/* Not by pthread_once(), in which a thread of the parent may have been. */
void report_begin(const struct magring_pool *pool)
{
	static _Atomic(bool) registered;
	if (pool->profile == NULL || pool->profile->file == NULL)
		return;
	make_absolute(pool->profile);
	/* Relaxed: twice does no harm, since each file is written once. */
	if (!atomic_load_explicit(&registered, memory_order_relaxed) && atexit(at_exit) == 0)
		atomic_store_explicit(&registered, true, memory_order_relaxed);
}
