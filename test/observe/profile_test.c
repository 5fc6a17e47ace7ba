/* SPDX-License-Identifier: MIT */
/* lib/pool/sample.c: what is sampled. What pprof makes of it: pprof_test.py. */
#include <dlfcn.h>
#include <malloc.h>
#include <sys/wait.h>

#include "base/sanitizer.h"
#include "pool/pool.h"
#include "pool/sample.h"
#include "observe/sampled.h"

struct line {
	unsigned long long objects, bytes, all_objects, all_bytes;
};
#define LINE_FORMAT "%llu: %llu [%llu: %llu] @ "

static void add_line(struct line *sum, const struct line *line)
{
	sum->objects += line->objects;
	sum->bytes += line->bytes;
	sum->all_objects += line->all_objects;
	sum->all_bytes += line->all_bytes;
}

static void assert_line(struct line is, struct line wanted)
{
	assert_same(is.objects, wanted.objects);
	assert_same(is.bytes, wanted.bytes);
	assert_same(is.all_objects, wanted.all_objects);
	assert_same(is.all_bytes, wanted.all_bytes);
}

/*
 * The sum of the lines whose stacks have this function on top (NULL: any), and
 * how many.
 */
static struct line lines_of(struct magring_pool *pool, const char *function, int *ret_count)
{
	struct line sum = { 0 }, header = { 0 }, total = { 0 }, line;
	char *text = text_of(pool, magring_pool_write_profile), *rest = text, *next;
	int count = 0;
	assert_same(sscanf(text, "heap profile: " LINE_FORMAT "heap_v2/", &header.objects,
			    &header.bytes, &header.all_objects, &header.all_bytes),
		4);
	cr_assert_not_null(strstr(text, "\n\nMAPPED_LIBRARIES:\n"));
	cr_assert_not_null(strstr(text, "r-xp"));
	strtok_r(text, "\n", &rest);
	while ((next = strtok_r(NULL, "\n", &rest)) != NULL &&
		strcmp(next, "MAPPED_LIBRARIES:") != 0) {
		Dl_info info = { 0 };
		void *top;
		assert_same(sscanf(next, LINE_FORMAT "%p", &line.objects, &line.bytes,
				    &line.all_objects, &line.all_bytes, &top),
			5);
		add_line(&total, &line);
		dladdr((char *)top - 1, &info);
		if (function != NULL &&
			(info.dli_sname == NULL || strcmp(info.dli_sname, function) != 0))
			continue;
		add_line(&sum, &line);
		count++;
	}
	assert_line(header, total);
	free(text);
	if (ret_count != NULL)
		*ret_count = count;
	return sum;
}

static struct line at(struct magring_pool *pool, const char *function)
{
	return lines_of(pool, function, NULL);
}

Test(profile, is_empty_and_nothing_is_slower_when_off)
{
	struct magring_pool *pool = sampled_pool(0);
	struct magring_message message = site_one(pool, "id", 1000);
	int count;
	cr_assert_null(pool->profile);
	/* What the common path tests is what it would test without profiles. */
	assert_same(pool->fast_key, pool->registry.key);
	assert_line(lines_of(pool, NULL, &count), (struct line){ 0 });
	assert_same(count, 0);
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(profile, counts_exactly_for_each_call_site_when_every_message_is_sampled)
{
	struct magring_pool *pool = sampled_pool(1);
	struct magring_message one[1000], two[10];
	for (int i = 0; i < 1000; i++)
		one[i] = site_one(pool, "one", 100);
	for (int i = 0; i < 10; i++)
		two[i] = site_two(pool, "two", 3000);
	assert_line(at(pool, "site_one"), (struct line){ 1000, 100000, 1000, 100000 });
	assert_line(at(pool, "site_two"), (struct line){ 10, 30000, 10, 30000 });
	free_all(one, 600);
	free_all(two, 10);
	assert_line(at(pool, "site_one"), (struct line){ 400, 40000, 1000, 100000 });
	assert_line(at(pool, "site_two"), (struct line){ 0, 0, 10, 30000 });
	assert_same(at(pool, NULL).bytes, stats_of_pool(pool).payload_bytes_in_use);
	free_all(one, 1000);
	assert_line(at(pool, NULL), (struct line){ 0, 0, 1010, 130000 });
	done_with(pool, NULL);
}

Test(profile, counts_what_the_statistics_count)
{
	struct magring_pool *pool = sampled_pool(1);
	char long_id[200] = "";
	memset(long_id, 'i', sizeof(long_id) - 1);
	struct magring_message message[] = {
		site_one(pool, "inline", MAGRING_INLINE_MAX - 6),
		site_one(pool, "", MAGRING_INLINE_MAX + 1),
		site_one(pool, long_id, 1000), /* in the slab: 208 bytes */
	};
	assert_line(at(pool, NULL),
		(struct line){ 2, MAGRING_INLINE_MAX + 1 + 1208, 2,
			MAGRING_INLINE_MAX + 1 + 1208 });
	assert_same(stats_of_pool(pool).payload_bytes_in_use, MAGRING_INLINE_MAX + 1 + 1208);
	free_all(message, 3);
	done_with(pool, NULL);
}

Test(profile, has_a_line_for_each_size_class_of_a_call_site)
{
	struct magring_pool *pool = sampled_pool(1);
	static const size_t sizes[] = { 70, 80, 128, 4000, 4001 };
	struct magring_message message[5];
	int count;
	many_at_one(pool, message, "", sizes, 5);
	lines_of(pool, "site_one", &count);
	assert_same(count, 2);
	free_all(message, 5);
	done_with(pool, NULL);
}

Test(profile, does_not_count_an_allocation_that_failed)
{
	struct magring_pool *pool = NULL;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 128,
		.sample_bytes = 1 };
	assert_same(magring_pool_create(&pool, &options), 0);
	struct magring_message message[2] = { site_one(pool, "", 64), site_one(pool, "", 64) },
			       none = { 0 };
	assert_same(magring_message_alloc(pool, &none, NULL, 0, 64, 0), -ENOBUFS);
	assert_same(magring_message_alloc(pool, &none, NULL, 0, 64, 1000), -ETIMEDOUT);
	assert_line(at(pool, NULL), (struct line){ 2, 128, 2, 128 });
	free_all(message, 2);
	done_with(pool, NULL);
}

/*
 * 20,000 messages of 1,000 bytes and one sample in 10,000 bytes: each is
 * sampled with probability 1 - exp(-0.1) = 0.0952, which makes 1,903 with a
 * standard deviation of 41.5. Of those of 100 bytes 199 with one of 14.0. Six
 * of these are allowed: one run in 500 million fails by chance.
 */
Test(profile, samples_as_many_as_it_says)
{
	struct magring_pool *pool = sampled_pool(10000);
	struct line sum[2] = { { 0 }, { 0 } };
	for (int i = 0; i < 20000; i++) {
		struct magring_message message[2] = { site_one(pool, "", 1000),
			site_two(pool, "", 100) };
		free_all(message, 2);
	}
	sum[0] = at(pool, "site_one");
	sum[1] = at(pool, "site_two");
	cr_assert(sum[0].all_objects > 1903 - 249 && sum[0].all_objects < 1903 + 249, "%llu",
		sum[0].all_objects);
	cr_assert(sum[1].all_objects > 199 - 84 && sum[1].all_objects < 199 + 84, "%llu",
		sum[1].all_objects);
	assert_line(sum[0], (struct line){ 0, 0, sum[0].all_objects, sum[0].all_objects * 1000 });
	assert_line(sum[1], (struct line){ 0, 0, sum[1].all_objects, sum[1].all_objects * 100 });
	done_with(pool, NULL);
}

#define THREADS 4
#define ROUNDS 5000

struct traffic {
	struct magring_pool *pool;
	struct magring_queue *queue;
};

/* Sends, and frees what it receives, which other threads have sent. */
static void *trade(void *argument)
{
	struct traffic *traffic = argument;
	for (int i = 0; i < ROUNDS; i++) {
		struct magring_message message = site_one(traffic->pool, "id", 200);
		if (magring_send(traffic->queue, &message, -1) != 0 ||
			magring_recv(traffic->queue, &message, -1) != 0)
			abort();
		magring_message_free(&message);
	}
	return NULL;
}

static void check_traffic(uint64_t sample_bytes)
{
	struct magring_pool *pool = sampled_pool(sample_bytes);
	struct traffic traffic = { pool, given_queue(pool, 64) };
	pthread_t thread[THREADS];
	for (int i = 0; i < THREADS; i++)
		thread[i] = given_thread(trade, &traffic);
	for (int i = 0; i < 20; i++) {
		struct line now = at(pool, NULL);
		cr_assert_leq(now.objects, now.all_objects);
		free(text_of(pool, magring_pool_write_leaks));
	}
	for (int i = 0; i < THREADS; i++)
		joined(thread[i]);
	struct line sum = at(pool, "site_one");
	assert_same(sum.objects, 0);
	cr_assert_gt(sum.all_objects, 0);
	if (sample_bytes == 1)
		assert_line(sum, (struct line){ 0, 0, THREADS * ROUNDS, THREADS * ROUNDS * 200 });
	done_with(pool, traffic.queue);
}

Test(profile, is_exact_when_messages_go_from_thread_to_thread)
{
	check_traffic(1);
}

Test(profile, gives_back_what_was_sampled_when_messages_go_from_thread_to_thread)
{
	check_traffic(2000);
}

#ifndef SANITIZER_ASAN               /* which has a malloc of its own */
static _Thread_local size_t refused; /* malloc() of this many bytes fails */

void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	return size == refused ? NULL : __libc_malloc(size);
}

static void sample_without_memory(void)
{
	struct magring_pool *pool = sampled_pool(1);
	refused = sizeof(struct live);
	struct magring_message message = site_one(pool, "", 64);
	refused = 0;
	assert_line(at(pool, NULL), (struct line){ 0 });
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(profile, goes_without_a_sample_for_which_there_is_no_memory_and_keeps_nothing_of_it)
{
	sample_without_memory();
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 50; i++)
		sample_without_memory();
	cr_assert_leq(mallinfo2().uordblks, before + 10000);
}
#endif

Test(profile, lets_the_child_of_a_fork_destroy_the_pool)
{
	struct magring_pool *pool = sampled_pool(1);
	struct magring_message message = site_one(pool, "", 64);
	pid_t child = fork();
	int status = -1;
	if (child == 0) {
		magring_message_free(&message);
		_exit(magring_pool_destroy(pool) == 0 ? 0 : 1);
	}
	assert_same(waitpid(child, &status, 0), child);
	assert_same(status, 0);
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(profile, says_what_is_wrong)
{
	struct magring_pool *pool = sampled_pool(1), *none = NULL;
	FILE *full = fopen("/dev/full", "w");
	cr_assert_not_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_same(magring_pool_write_profile(NULL, stderr), -EINVAL);
	assert_same(magring_pool_write_profile(pool, NULL), -EINVAL);
	assert_same(magring_pool_write_profile(pool, full), -EIO);
	assert_same(magring_pool_write_leaks(NULL, stderr), -EINVAL);
	assert_same(magring_pool_write_leaks(pool, NULL), -EINVAL);
	assert_same(magring_pool_write_leaks(pool, full), -EIO);
	fclose(full);
	struct magring_pool_options options = { .size = sizeof(options),
		.sample_bytes = (uint64_t)INT64_MAX + 1 };
	assert_same(magring_pool_create(&none, &options), -EINVAL);
	done_with(pool, NULL);
}

static void check_rate(const char *environment, uint64_t option, const char *wanted)
{
	setenv("MAGRING_PROFILE", environment, 1);
	struct magring_pool *pool = sampled_pool(option);
	char *text = text_of(pool, magring_pool_write_profile);
	cr_assert_not_null(strstr(text, wanted), "MAGRING_PROFILE=%s: %s", environment,
		strtok(text, "\n"));
	free(text);
	done_with(pool, NULL);
}

Test(environment, decides_how_much_is_sampled_if_it_makes_sense)
{
	check_rate("4096", 0, "@ heap_v2/4096\n");
	check_rate("4096", 1, "@ heap_v2/4096\n");
	check_rate("0", 77, "@ heap_v2/1\n");
	check_rate("", 77, "@ heap_v2/77\n");
	check_rate("-5", 77, "@ heap_v2/77\n");
	check_rate("many", 77, "@ heap_v2/77\n");
	check_rate("5k", 77, "@ heap_v2/77\n");
	check_rate("99999999999999999999", 77, "@ heap_v2/77\n");
}
