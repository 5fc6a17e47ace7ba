/* SPDX-License-Identifier: MIT */
/* lib/observe/openmetrics.c: statistics as text. metrics_test.py has a parser read it. */
#include <stdlib.h>

#include "given.h"

static char *text;

/* The exposition, in `text`. */
static void write_text(struct magring_pool *pool)
{
	size_t size;
	free(text);
	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	assert_same(magring_pool_write_metrics(pool, stream), 0);
	cr_assert_eq(fclose(stream), 0);
}

static void check_line(const char *line)
{
	char wanted[256];
	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	cr_assert_not_null(strstr(text, wanted), "no line %s in\n%s", line, text);
}

static struct magring_pool *named_pool(const char *name)
{
	struct magring_pool *pool;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = (size_t)2 << 20,
		.name = name };
	assert_same(magring_pool_create(&pool, &options), 0);
	return pool;
}

static struct magring_queue *named_queue(struct magring_pool *pool, const char *name)
{
	struct magring_queue *queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 8,
		.name = name };
	assert_same(magring_queue_create(&queue, pool, &options), 0);
	return queue;
}

Test(metrics, a_missing_argument_is_refused)
{
	struct magring_pool *pool = named_pool("p");
	assert_same(magring_pool_write_metrics(NULL, stdout), -EINVAL);
	assert_same(magring_pool_write_metrics(pool, NULL), -EINVAL);
	done_with(pool, NULL);
}

Test(metrics, a_stream_that_refuses_is_told)
{
	struct magring_pool *pool = named_pool("p");
	FILE *full = fopen("/dev/full", "w");
	cr_assert_not_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_same(magring_pool_write_metrics(pool, full), -EIO);
	fclose(full);
	FILE *read_only = fopen("/dev/null", "r");
	cr_assert_not_null(read_only);
	assert_same(magring_pool_write_metrics(pool, read_only), -EIO);
	fclose(read_only);
	done_with(pool, NULL);
}

Test(metrics, tell_exactly_what_happened)
{
	struct magring_pool *pool = named_pool("stock");
	struct magring_queue *queue = named_queue(pool, "orders");
	struct magring_message a = given_message(pool, 100), b = given_message(pool, 1000),
			       c = { 0 };
	assert_same(magring_recv(queue, &c, 0), -EAGAIN);
	assert_same(magring_send(queue, &a, 0), 0);
	assert_same(magring_send(queue, &b, 0), 0);
	assert_same(magring_recv(queue, &c, 0), 0);
	magring_message_free(&c);
	write_text(pool);
	check_line("magring_pool_slabs_in_use{pool=\"stock\"} 1");
	check_line("magring_pool_payload_in_use_bytes{pool=\"stock\"} 1000");
	check_line("magring_pool_slab_in_use_bytes{pool=\"stock\"} 1024");
	check_line("magring_pool_slab_carved_bytes{pool=\"stock\"} 131072");
	check_line("magring_pool_slab_cached_bytes{pool=\"stock\"} 130048");
	check_line("magring_pool_memory_limit_bytes{pool=\"stock\"} 2097152");
	check_line("magring_pool_threads{pool=\"stock\"} 1");
	check_line("magring_pool_reclaimed_slabs_total{pool=\"stock\"} 0");
	check_line("magring_pool_exhausted_allocations_total{pool=\"stock\"} 0");
	check_line("magring_class_allocated_slabs_total{pool=\"stock\",slab_size=\"128\"} 1");
	check_line("magring_class_freed_slabs_total{pool=\"stock\",slab_size=\"128\"} 1");
	check_line("magring_class_allocated_slabs_total{pool=\"stock\",slab_size=\"1024\"} 1");
	check_line("magring_class_freed_slabs_total{pool=\"stock\",slab_size=\"1024\"} 0");
	check_line("magring_class_carved_slabs_total{pool=\"stock\",slab_size=\"1024\"} 64");
	check_line("magring_class_payload_in_use_bytes{pool=\"stock\",slab_size=\"1024\"} 1000");
	check_line("magring_queue_sent_messages_total{pool=\"stock\",queue=\"orders\"} 2");
	check_line("magring_queue_received_messages_total{pool=\"stock\",queue=\"orders\"} 1");
	check_line("magring_queue_returned_messages_total{pool=\"stock\",queue=\"orders\"} 0");
	check_line("magring_queue_empty_total{pool=\"stock\",queue=\"orders\"} 1");
	check_line("magring_queue_full_total{pool=\"stock\",queue=\"orders\"} 0");
	check_line("magring_queue_capacity_messages{pool=\"stock\",queue=\"orders\"} 8");
	check_line("magring_queue_closed{pool=\"stock\",queue=\"orders\"} 0");
	assert_same(magring_queue_close(queue), 0);
	write_text(pool);
	check_line("magring_queue_closed{pool=\"stock\",queue=\"orders\"} 1");
	done_with(pool, queue);
}

Test(metrics, end_with_eof_and_nothing_after_it)
{
	struct magring_pool *pool = named_pool("p");
	write_text(pool);
	cr_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	cr_assert_eq(strstr(text, "# EOF"), text + strlen(text) - 6);
	done_with(pool, NULL);
}

Test(metrics, leave_out_classes_that_were_never_used)
{
	struct magring_pool *pool = named_pool("p");
	write_text(pool);
	cr_assert_null(strstr(text, "slab_size=\""));
	struct magring_message message = given_message(pool, 64);
	write_text(pool);
	cr_assert_not_null(strstr(text, "slab_size=\"64\""));
	cr_assert_null(strstr(text, "slab_size=\"128\""));
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(metrics, name_every_queue_of_the_pool_and_no_other)
{
	struct magring_pool *pool = named_pool("p"), *other = named_pool("other");
	struct magring_queue *a = named_queue(pool, "a"), *b = named_queue(pool, "b");
	struct magring_queue *c = named_queue(other, "c");
	write_text(pool);
	check_line("magring_queue_closed{pool=\"p\",queue=\"a\"} 0");
	check_line("magring_queue_closed{pool=\"p\",queue=\"b\"} 0");
	cr_assert_null(strstr(text, "queue=\"c\""));
	cr_assert_null(strstr(text, "\"other\""));
	assert_same(magring_queue_release(a), 0);
	write_text(pool);
	cr_assert_null(strstr(text, "queue=\"a\""));
	check_line("magring_queue_closed{pool=\"p\",queue=\"b\"} 0");
	done_with(pool, b);
	done_with(other, c);
}

Test(metrics, escape_quotes_backslashes_and_newlines_in_names)
{
	struct magring_pool *pool = named_pool("a\"b\\c\nd");
	struct magring_queue *queue = named_queue(pool, "\n\\\"");
	write_text(pool);
	check_line("magring_pool_slabs_in_use{pool=\"a\\\"b\\\\c\\nd\"} 0");
	check_line("magring_queue_closed{pool=\"a\\\"b\\\\c\\nd\",queue=\"\\n\\\\\\\"\"} 0");
	done_with(pool, queue);
}

static void check_name(const char *name, int wanted)
{
	struct magring_pool *pool = NULL, *other;
	struct magring_queue *queue = NULL;
	struct magring_pool_options options = { .size = sizeof(options), .name = name };
	struct magring_queue_options queue_options = { .size = sizeof(queue_options),
		.name = name };
	assert_same(magring_pool_create(&pool, &options), wanted);
	assert_same(magring_queue_create(&queue, NULL, &queue_options), wanted);
	if (wanted != 0) {
		cr_assert(pool == NULL && queue == NULL, "written beside an error");
		other = named_pool("p");
		assert_same(magring_queue_create(&queue, other, &queue_options), wanted);
		done_with(other, NULL);
	} else {
		assert_same(magring_queue_release(queue), 0);
		done_with(pool, NULL);
	}
}

Test(metrics, names_are_utf8)
{
	/* The first and the last of each length, around the surrogates, the last of all. */
	static const char *const good[] = { "", "\x01", "\x1b[0m\r\t", "\x7f", "\xc2\x80",
		"\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80z" };
	static const char *const bad[] = { "\x80", "\xbf", "a\x80", "\xfe", "\xff",
		"\xf8\x88\x80\x80\x80", /* no first byte */
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",                                         /* overlong */
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", /* surrogates */
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", /* beyond the last */
		"\xc3", "\xc3z", "\xe2\x82", "\xe2\x82z", "\xe2z", "\xf0\x9f\x98", "\xf0\x9f\x98z",
		"\xf0\x9fz", "\xc3\xb6\xc3",      /* cut off */
		"\xc3\xc3\xb6", "\xe2\x82\xf0" }; /* interrupted */
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_name(good[i], 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_name(bad[i], -EINVAL);
}

Test(metrics, of_the_process_refuse_what_makes_no_sense)
{
	assert_same(magring_write_metrics(NULL, 0), -EINVAL);
	assert_same(magring_write_metrics(stdout, 4), -EINVAL);
	assert_same(magring_write_metrics(stdout, UINT64_MAX), -EINVAL);
	FILE *read_only = fopen("/dev/null", "r");
	cr_assert_not_null(read_only);
	assert_same(magring_write_metrics(read_only, 0), -EIO);
	fclose(read_only);
}

/* The exposition of the process, in `text`. */
static void write_all_text(uint64_t flags)
{
	size_t size;
	free(text);
	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	assert_same(magring_write_metrics(stream, flags), 0);
	cr_assert_eq(fclose(stream), 0);
}

Test(metrics, of_the_process_have_all_pools_and_queues)
{
	struct magring_pool *first = named_pool("first"), *second = named_pool("second");
	struct magring_queue *a = named_queue(first, "a"), *b = named_queue(second, "b");
	struct magring_queue *c = named_queue(NULL, "c");
	struct magring_message message = given_message(second, 1000);
	write_all_text(0);
	check_line("magring_pool_slabs_in_use{pool=\"first\"} 0\n"
		   "magring_pool_slabs_in_use{pool=\"second\"} 1");
	check_line("magring_class_carved_slabs_total{pool=\"second\",slab_size=\"1024\"} 64");
	check_line("magring_queue_closed{pool=\"first\",queue=\"a\"} 0\n"
		   "magring_queue_closed{pool=\"second\",queue=\"b\"} 0\n"
		   "magring_queue_closed{pool=\"\",queue=\"c\"} 0");
	magring_message_free(&message);
	done_with(first, a);
	assert_same(magring_queue_release(c), 0);
	write_all_text(0);
	cr_assert_null(strstr(text, "\"first\""));
	cr_assert_null(strstr(text, "queue=\"c\""));
	check_line("magring_queue_closed{pool=\"second\",queue=\"b\"} 0");
	done_with(second, b);
}

Test(metrics, of_a_pool_leave_out_queues_without_one)
{
	struct magring_pool *pool = named_pool("p");
	struct magring_queue *queue = named_queue(NULL, "alone");
	write_text(pool);
	cr_assert_null(strstr(text, "alone"));
	assert_same(magring_queue_release(queue), 0);
	done_with(pool, NULL);
}

Test(metrics, without_eof_are_the_same_but_for_that)
{
	struct magring_pool *pool = named_pool("p");
	write_all_text(0);
	char *whole = strdup(text);
	cr_assert_not_null(whole);
	cr_assert_str_eq(whole + strlen(whole) - 6, "# EOF\n");
	whole[strlen(whole) - 6] = '\0';
	write_all_text(MAGRING_METRICS_NO_EOF);
	cr_assert_str_eq(text, whole);
	free(whole);
	done_with(pool, NULL);
}

/* What metrics_test.py has promtool read. */
Test(metrics, in_the_text_format_name_counters_as_their_samples)
{
	struct magring_pool *pool = named_pool("p");
	write_all_text(MAGRING_METRICS_TEXT);
	check_line("# TYPE magring_pool_trims_total counter");
	check_line("# HELP magring_pool_trims_total Times that the pool was trimmed.");
	check_line("magring_pool_trims_total{pool=\"p\"} 0");
	check_line("# TYPE magring_pool_memory_limit_bytes gauge");
	cr_assert_null(strstr(text, "# UNIT"));
	cr_assert_null(strstr(text, "# EOF"));
	char *plain = strdup(text);
	cr_assert_not_null(plain);
	write_all_text(MAGRING_METRICS_TEXT | MAGRING_METRICS_NO_EOF);
	cr_assert_str_eq(text, plain);
	free(plain);
	done_with(pool, NULL);
}

Test(metrics, of_a_process_without_pools_are_an_exposition)
{
	write_all_text(0);
	cr_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	cr_assert_null(strchr(text, '{'));
}

Test(metrics, tell_names_of_63_bytes_in_full)
{
	char name[MAGRING_NAME_MAX + 1], line[160];
	memset(name, 'n', MAGRING_NAME_MAX);
	name[MAGRING_NAME_MAX] = '\0';
	struct magring_pool *pool = named_pool(name);
	snprintf(line, sizeof(line), "magring_pool_slabs_in_use{pool=\"%s\"} 0", name);
	memset(name, 'x', MAGRING_NAME_MAX); /* it was copied */
	write_text(pool);
	check_line(line);
	done_with(pool, NULL);
}

Test(metrics, make_up_names_with_a_number)
{
	struct magring_pool *pool = named_pool(NULL);
	struct magring_queue *a = named_queue(pool, NULL), *b = named_queue(pool, NULL);
	write_text(pool);
	unsigned int pool_number, first, second;
	const char *line = strstr(text, "\nmagring_queue_closed{");
	cr_assert_not_null(line);
	assert_same(sscanf(line,
			    "\nmagring_queue_closed{pool=\"pool-%u\",queue=\"queue-%u\"} 0"
			    "\nmagring_queue_closed{pool=\"pool-%*u\",queue=\"queue-%u\"} 0",
			    &pool_number, &first, &second),
		3);
	cr_assert_neq(first, second);
	assert_same(magring_queue_release(a), 0);
	done_with(pool, b);
}

struct churn {
	struct magring_pool *pool;
	_Atomic(bool) stop;
	_Atomic(size_t) failed, turns;
};

static void *create_and_destroy(void *argument)
{
	struct churn *churn = argument;
	while (!atomic_load(&churn->stop)) {
		struct magring_queue *queue;
		if (magring_queue_create(&queue, churn->pool, NULL) != 0 ||
			magring_queue_release(queue) != 0)
			atomic_fetch_add(&churn->failed, 1);
		atomic_fetch_add(&churn->turns, 1);
	}
	return NULL;
}

Test(metrics, can_be_written_while_queues_come_and_go)
{
	struct churn churn = { .pool = named_pool("p") };
	struct magring_queue *queue = named_queue(churn.pool, "stays");
	pthread_t thread = given_thread(create_and_destroy, &churn);
	for (int i = 0; i < 300 || atomic_load(&churn.turns) < 30; i++) {
		write_text(churn.pool);
		check_line("magring_queue_closed{pool=\"p\",queue=\"stays\"} 0");
	}
	atomic_store(&churn.stop, true);
	joined(thread);
	assert_same(churn.failed, 0);
	done_with(churn.pool, queue);
}
