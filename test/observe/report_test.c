/* SPDX-License-Identifier: MIT */
/*
 * lib/observe/leaks.c and at_exit.c: reports of leaks, and what the environment
 * asks for.
 */
#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "pool/pool.h"
#include "observe/sampled.h"
#include "pool/size_class.h"

/* ---------------------------------------------------------------- leaks -- */

Test(leaks, are_told_with_function_id_size_and_count)
{
	struct magring_pool *pool = sampled_pool(1);
	static const size_t sizes[] = { 100, 100, 100, 100, 100 };
	struct magring_message one[6] = { site_one(pool, "a-leak", 100) };
	struct magring_message two = site_two(pool, "s\"o\x01", 3000);
	many_at_one(pool, &one[1], "0123456789012345678901234567890123456789, and so on", sizes, 5);
	char *text = text_of(pool, magring_pool_write_leaks);
	cr_assert_not_null(strstr(text,
				   "pool \"sampled\": 7 slabs are out, messages of 3920 bytes\n"),
		"%s", text);
	char *larger =
		strstr(text, "1 messages with 3000 bytes were allocated here:\n    site_two+0x");
	/* A long id is in the slab, of which it takes 64 bytes. */
	char *smaller =
		strstr(text, "5 messages with 820 bytes were allocated here:\n    site_one+0x");
	char *smallest =
		strstr(text, "1 messages with 100 bytes were allocated here:\n    site_one+0x");
	cr_assert(larger != NULL && smaller > larger && smallest > smaller, "%s", text);
	cr_assert_not_null(strstr(larger, "  id \"s\\x22o\\x01\", 3000 bytes, 0."), "%s", text);
	cr_assert_not_null(strstr(smallest, "  id \"a-leak\", 100 bytes, 0."), "%s", text);
	assert_same(count_of(smaller, "  id \"0123456789012345678901234567890123456789\"..., "), 4);
	assert_same(count_of(text, "  and younger ones\n"), 1);
	free(text);
	free_all(one, 6);
	magring_message_free(&two);
	text = text_of(pool, magring_pool_write_leaks);
	cr_assert_str_eq(text, "magring: pool \"sampled\": 0 slabs are out, messages of 0 bytes\n");
	free(text);
	done_with(pool, NULL);
}

Test(leaks, are_aged)
{
	struct magring_pool *pool = sampled_pool(1);
	struct magring_message message = site_one(pool, "old", 64);
	usleep(1100000);
	char *text = text_of(pool, magring_pool_write_leaks), *age = strstr(text, "64 bytes, ");
	cr_assert_not_null(age);
	cr_assert_geq(strtod(age + strlen("64 bytes, "), NULL), 1.1);
	free(text);
	magring_message_free(&message);
	done_with(pool, NULL);
}

/*
 * What the report asks for names, and another thread meanwhile. A constructor
 * of a library that is being loaded may allocate messages, and the linker has a
 * lock.
 */
static struct magring_pool *allocated_from; /* NULL: nothing is done */
static _Atomic(bool) was_allocated;

static void *allocate(void *pool)
{
	struct magring_message message = { 0 };
	if (magring_message_alloc(pool, &message, "id", 2, 1000, 0) == 0)
		magring_message_free(&message);
	atomic_store(&was_allocated, true);
	return NULL;
}

int dladdr1(const void *address, Dl_info *info, void **extra, int flags)
{
	static __typeof__(dladdr1) *next;
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "dladdr1");
	if (allocated_from != NULL) {
		pthread_t thread;
		pthread_create(&thread, NULL, allocate, allocated_from);
		pthread_detach(thread);
		allocated_from = NULL;
		for (int looks = 0; looks < 5000 && !atomic_load(&was_allocated); looks++)
			usleep(1000);
	}
	return next(address, info, extra, flags);
}

Test(leaks, are_told_while_others_allocate)
{
	struct magring_pool *pool = sampled_pool(1);
	struct magring_message message = site_one(pool, "", 64);
	allocated_from = pool;
	free(text_of(pool, magring_pool_write_leaks));
	cr_assert(atomic_load(&was_allocated), "an allocation waits for the dynamic linker");
	magring_message_free(&message);
	done_with(pool, NULL);
}

/* 25 size classes, of which 20 are shown, the smallest first allocated. */
Test(leaks, are_bounded_and_the_largest_come_first)
{
	struct magring_pool *pool = sampled_pool(1);
	struct magring_message message[25];
	for (unsigned int i = 0; i < 25; i++)
		message[i] = site_one(pool, "", slab_size(i));
	char *text = text_of(pool, magring_pool_write_leaks), *last = text;
	assert_same(count_of(text, " were allocated here:"), 20);
	cr_assert_not_null(strstr(text, "and 5 groups with fewer bytes\n"));
	for (unsigned int i = 24; i >= 5; i--) {
		char wanted[80];
		snprintf(wanted, sizeof(wanted), "1 messages with %zu bytes were", slab_size(i));
		last = strstr(last, wanted);
		cr_assert_not_null(last, "not in its place: %s", wanted);
	}
	free(text);
	free_all(message, 25);
	done_with(pool, NULL);
}

Test(leaks, are_not_known_when_nothing_is_sampled)
{
	struct magring_pool *pool = sampled_pool(0);
	struct magring_message message = site_one(pool, "", 64);
	char *text = text_of(pool, magring_pool_write_leaks);
	cr_assert_str_eq(text,
		"magring: pool \"sampled\": 1 slabs are out, messages of 64 bytes; nothing is sampled\n");
	free(text);
	magring_message_free(&message);
	done_with(pool, NULL);
}

/* ---------------------------------------------------------- environment -- */

/* What destroying a pool says; to be freed. */
static char *said_in(struct magring_pool *pool, int attempts, int wanted)
{
	char *said = calloc(1, 65536);
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	cr_assert(said != NULL && file != NULL && saved >= 0);
	dup2(fileno(file), STDERR_FILENO);
	for (int i = 0; i < attempts; i++)
		assert_same(magring_pool_destroy(pool), wanted);
	dup2(saved, STDERR_FILENO);
	close(saved);
	cr_assert_geq(pread(fileno(file), said, 65535, 0), 0);
	fclose(file);
	return said;
}

static char *said_when_busy(struct magring_pool *pool, int attempts)
{
	struct magring_message message = site_one(pool, "forgotten", 64);
	char *said = said_in(pool, attempts, -EBUSY);
	magring_message_free(&message);
	return said;
}

Test(environment, has_leaks_reported_at_every_attempt_to_destroy_a_pool)
{
	setenv("MAGRING_LEAKS", "1", 1);
	struct magring_pool *pool = sampled_pool(0);
	char *said = said_when_busy(pool, 2);
	assert_same(count_of(said, "magring: pool \"sampled\": 1 slabs are out"), 2);
	assert_same(count_of(said, "    site_one+0x"), 2);
	assert_same(count_of(said, "id \"forgotten\", 64 bytes"), 2);
	free(said);
	done_with(pool, NULL);
}

Test(environment, has_nothing_said_if_it_does_not_ask_for_it)
{
	setenv("MAGRING_LEAKS", "0", 1);
	struct magring_pool *pool = sampled_pool(1);
	char *said = said_when_busy(pool, 1);
	cr_assert_str_empty(said);
	free(said);
	done_with(pool, NULL);
}

enum { NAME = 80 };

/* The file "here" of a profile of this pool, which is the process's own. */
static void name_profile(char name[NAME], const char *directory, const struct magring_pool *pool)
{
	snprintf(name, NAME, "%s/here.%d.%d.heap", directory, (int)getpid(),
		(int)pool->registry.serial);
}

Test(environment, has_the_profile_written_when_the_pool_is_destroyed)
{
	char directory[] = "/tmp/profile_test-XXXXXX", name[NAME], text[200] = "";
	cr_assert_not_null(mkdtemp(directory));
	snprintf(name, sizeof(name), "%s/here", directory);
	setenv("MAGRING_PROFILE_FILE", name, 1);
	struct magring_pool *pool = sampled_pool(0);
	name_profile(name, directory, pool);
	cr_assert_neq(access(name, F_OK), 0);
	done_with(pool, NULL);
	FILE *file = fopen(name, "r");
	cr_assert_not_null(file);
	cr_assert_not_null(fgets(text, sizeof(text), file));
	cr_assert_not_null(strstr(text, "@ heap_v2/524288\n"));
	fclose(file);
	unlink(name);
	rmdir(directory);
}

/* As daemons do: the file's name is relative, and the process goes elsewhere. */
Test(environment, has_a_relative_name_looked_up_when_the_pool_is_created)
{
	char directory[] = "/tmp/profile_test-XXXXXX", name[NAME];
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	setenv("MAGRING_PROFILE_FILE", "here", 1);
	struct magring_pool *pool = sampled_pool(0);
	name_profile(name, directory, pool);
	cr_assert_eq(chdir("/"), 0);
	done_with(pool, NULL);
	cr_assert_eq(unlink(name), 0);
	rmdir(directory);
}

/* The directory is gone, so the name stays as it is. */
Test(environment, keeps_a_relative_name_that_cannot_be_looked_up)
{
	char directory[] = "/tmp/profile_test-XXXXXX", name[NAME];
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	cr_assert_eq(rmdir(directory), 0);
	setenv("MAGRING_PROFILE_FILE", "here", 1);
	struct magring_pool *pool = sampled_pool(0);
	name_profile(name, directory, pool);
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_eq(chdir(directory), 0);
	done_with(pool, NULL);
	cr_assert_eq(unlink(name), 0);
	rmdir(directory);
}

/* The last bytes are written when the file is closed. */
Test(environment, is_told_of_a_profile_that_is_not_written_in_full)
{
	char directory[] = "/tmp/profile_test-XXXXXX", name[NAME];
	cr_assert_not_null(mkdtemp(directory));
	snprintf(name, sizeof(name), "%s/here", directory);
	setenv("MAGRING_PROFILE_FILE", name, 1);
	struct magring_pool *pool = sampled_pool(0);
	name_profile(name, directory, pool);
	char *text = text_of(pool, magring_pool_write_profile);
	struct rlimit all, limit;
	getrlimit(RLIMIT_FSIZE, &all);
	limit = (struct rlimit){ .rlim_cur = strlen(text) / 4096 * 4096, .rlim_max = all.rlim_max };
	free(text);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	char *said = said_in(pool, 1, 0);
	setrlimit(RLIMIT_FSIZE, &all);
	cr_assert_not_null(strstr(said, "magring: pool \"sampled\": cannot write "), "%s", said);
	free(said);
	unlink(name);
	rmdir(directory);
}
