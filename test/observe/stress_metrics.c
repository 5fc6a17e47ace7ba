/* SPDX-License-Identifier: MIT */
/*
 * Metrics of the whole process are written while pools and queues come and go, and
 * threads that end look through the table of pools.
 *
 * Every exposition has each family once, and in each the pool and the queues that are
 * there all the time, once. No other line is torn. What is told of a queue, or of a
 * class, is of one moment: no more is received than was sent, or freed than allocated.
 */
#include "stress.h"

#define WRITERS 2
#define CHANGERS 3

static struct {
	struct magring_pool *stays;
	struct magring_queue *with, *without;
	_Atomic(uint64_t) texts, changes;
} game;

static struct magring_queue *queue_named(struct magring_pool *pool, const char *name)
{
	const struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.name = name };
	struct magring_queue *queue = NULL;
	int rc = magring_queue_create(&queue, pool, &options);
	CHECK(rc == 0, "%s", strerror(-rc));
	return queue;
}

static void *use_once(void *pool)
{
	struct magring_message message;
	CHECK(magring_message_alloc(pool, &message, NULL, 0, 200, 0) == 0, "alloc");
	magring_message_free(&message);
	return NULL;
}

static void *change(void *number)
{
	struct dice dice = dice_of(100 + *(uint32_t *)number);
	while (stress_goes_on()) {
		struct magring_pool *pool = stress_pool((size_t)1 << 20, 0);
		struct magring_queue *queues[3] = { queue_named(pool, NULL),
			queue_named(NULL, NULL), queue_named(game.stays, NULL) };
		pthread_t thread;
		stress_start(&thread, use_once, pool);
		if (dice_throw(&dice, 2) == 0)
			use_once(game.stays);
		stress_join(thread);
		for (uint32_t i = 0, first = dice_throw(&dice, 3); i < 3; i++)
			CHECK(magring_queue_release(queues[(first + i) % 3]) == 0, "release");
		stress_destroy(pool);
		atomic_fetch_add_explicit(&game.changes, 1, memory_order_relaxed);
	}
	return NULL;
}

/* One message after the other, with a slab, through the queue that stays. */
static void *pass_through(void *unused)
{
	struct magring_message message;
	while (stress_goes_on()) {
		CHECK(magring_message_alloc(game.stays, &message, NULL, 0, 200, 0) == 0, "alloc");
		CHECK(magring_send(game.with, &message, 0) == 0, "send");
		CHECK(magring_recv(game.with, &message, 0) == 0, "recv");
		magring_message_free(&message);
	}
	return unused;
}

/* The value of a sample. */
static uint64_t value_of(const char *text, const char *sample)
{
	const char *line = strstr(text, sample);
	CHECK(line != NULL, "no %s", sample);
	return line != NULL ? strtoull(line + strlen(sample), NULL, 10) : 0;
}

static void check_pair(const char *text, const char *less, const char *more)
{
	CHECK(value_of(text, less) <= value_of(text, more), "%" PRIu64 " of%s%" PRIu64 " of%s",
		value_of(text, less), less, value_of(text, more), more);
}

static size_t times(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		count++;
	return count;
}

/* Each family begins once, and has one sample of what is there all the time. */
static void check_text(const char *text)
{
	static const char *const once[] = { "# TYPE magring_pool_threads ",
		"# TYPE magring_pool_efficiency_ratio ", "# TYPE magring_class_efficiency_ratio ",
		"# TYPE magring_queue_closed ", "# EOF\n",
		"\nmagring_pool_threads{pool=\"stays\"} ",
		"\nmagring_pool_memory_bytes{pool=\"stays\"} ",
		"\nmagring_class_freed_slabs_total{pool=\"stays\",slab_size=\"256\"} ",
		"\nmagring_queue_closed{pool=\"stays\",queue=\"with\"} 0\n",
		"\nmagring_queue_closed{pool=\"\",queue=\"without\"} 0\n" };
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		CHECK(times(text, once[i]) == 1, "%zu times %s", times(text, once[i]), once[i]);
	check_pair(text, "\nmagring_queue_received_messages_total{pool=\"stays\",queue=\"with\"} ",
		"\nmagring_queue_sent_messages_total{pool=\"stays\",queue=\"with\"} ");
	check_pair(text, "\nmagring_class_freed_slabs_total{pool=\"stays\",slab_size=\"256\"} ",
		"\nmagring_class_allocated_slabs_total{pool=\"stays\",slab_size=\"256\"} ");
	CHECK(times(text, "\n\n") == 0, "an empty line");
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		if (strncmp(line, "magring_", 8) != 0 && line[0] != '#') {
			CHECK(false, "%.40s", line);
			break;
		}
}

static void *write_all(void *unused)
{
	while (stress_goes_on()) {
		char *text = NULL;
		size_t size;
		FILE *stream = open_memstream(&text, &size);
		CHECK(stream != NULL, "%s", strerror(errno));
		if (stream == NULL)
			break;
		CHECK(magring_write_metrics(stream, 0) == 0, "metrics");
		fclose(stream);
		check_text(text);
		free(text);
		atomic_fetch_add_explicit(&game.texts, 1, memory_order_relaxed);
		stress_alive();
	}
	return unused;
}

int main(int argc, char **argv)
{
	static uint32_t numbers[CHANGERS] = { 0, 1, 2 };
	const struct magring_pool_options options = { .size = sizeof(options), .name = "stays" };
	pthread_t writers[WRITERS], changers[CHANGERS], passes;
	stress_begin("stress_metrics", argc, argv);
	CHECK(magring_pool_create(&game.stays, &options) == 0, "create");
	game.with = queue_named(game.stays, "with");
	game.without = queue_named(NULL, "without");
	use_once(game.stays);
	stress_start(&passes, pass_through, NULL);
	for (int i = 0; i < CHANGERS; i++)
		stress_start(&changers[i], change, &numbers[i]);
	for (int i = 0; i < WRITERS; i++)
		stress_start(&writers[i], write_all, NULL);
	for (int i = 0; i < WRITERS; i++)
		stress_join(writers[i]);
	stress_join(passes);
	for (int i = 0; i < CHANGERS; i++)
		stress_join(changers[i]);
	CHECK(magring_queue_release(game.with) == 0 && magring_queue_release(game.without) == 0,
		"release");
	stress_destroy(game.stays);
	printf("%" PRIu64 " texts beside %" PRIu64 " pools\n", game.texts, game.changes);
	return stress_end();
}
