/* SPDX-License-Identifier: MIT */
/*
 * Statistics as an OpenMetrics exposition, or in Prometheus' text format.
 *
 * A metric family is a run of lines, which stands once in an exposition and
 * which no other family interrupts. So the outer loops are those over families.
 * Each class and each queue is asked once, before them. It is a row, with a
 * sample in each family. The rows of all queues are a fraction of their text,
 * which is in memory as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/watched.h"
#include "queue/queue.h"
#include "observe/family.h"

/* clang-format off */
#define COUNTER(structure, field, name, help) \
	{ name, "counter", NULL, help, offsetof(struct structure, field) }
#define GAUGE(structure, field, name, unit, help) \
	{ name, "gauge", unit, help, offsetof(struct structure, field) }
/* clang-format on */

static const struct family pool_families[] = {
	GAUGE(magring_pool_stats, slabs_in_use, "pool_slabs_in_use", NULL,
		"Slabs held by messages."),
	GAUGE(magring_pool_stats, payload_bytes_in_use, "pool_payload_in_use_bytes", "bytes",
		"Bytes that messages asked for."),
	GAUGE(magring_pool_stats, slab_bytes_in_use, "pool_slab_in_use_bytes", "bytes",
		"Bytes of slabs held by messages."),
	GAUGE(magring_pool_stats, slab_bytes_cached, "pool_slab_cached_bytes", "bytes",
		"Bytes of carved slabs that no message holds."),
	GAUGE(magring_pool_stats, slab_bytes_carved, "pool_slab_carved_bytes", "bytes",
		"Bytes of slabs carved from the budget."),
	GAUGE(magring_pool_stats, memory_limit, "pool_memory_limit_bytes", "bytes",
		"Bytes of slabs that may be carved."),
	GAUGE(magring_pool_stats, memory_bytes, "pool_memory_bytes", "bytes",
		"Bytes taken from the system, bookkeeping included."),
	GAUGE(magring_pool_stats, memory_bytes_high, "pool_memory_high_bytes", "bytes",
		"The most bytes that were ever taken from the system."),
	GAUGE(magring_pool_stats, payload_bytes_in_use_high, "pool_payload_in_use_high_bytes",
		"bytes",
		"The most bytes that messages asked for, as statistics and trims have seen."),
	GAUGE(magring_pool_stats, threads, "pool_threads", NULL,
		"Caches attached to a live thread."),
	GAUGE(magring_pool_stats, queue_bytes, "pool_queue_bytes", "bytes",
		"Bytes of the pool's queues, which pool_memory_bytes leaves out."),
	COUNTER(magring_pool_stats, reclaimed, "pool_reclaimed_slabs",
		"Slabs taken out of caches by reclaiming."),
	COUNTER(magring_pool_stats, exhausted, "pool_exhausted_allocations",
		"Allocations that found the budget used up."),
	COUNTER(magring_pool_stats, trims, "pool_trims", "Times that the pool was trimmed."),
	COUNTER(magring_pool_stats, trimmed_bytes, "pool_trimmed_bytes",
		"Bytes given back to the system by that."),
};

static const struct family class_families[] = {
	COUNTER(magring_class_stats, allocated, "class_allocated_slabs",
		"Slabs taken by messages."),
	COUNTER(magring_class_stats, freed, "class_freed_slabs", "Slabs given back by messages."),
	COUNTER(magring_class_stats, exchanges, "class_magazine_exchanges",
		"Magazines taken from or given to the depot."),
	COUNTER(magring_class_stats, carved, "class_carved_slabs", "Slabs carved from the budget."),
	COUNTER(magring_class_stats, trimmed, "class_trimmed_slabs",
		"Slabs whose memory went back to the budget."),
	GAUGE(magring_class_stats, payload_bytes_in_use, "class_payload_in_use_bytes", "bytes",
		"Bytes that messages asked for."),
};

/* These two are no integers. */
static const struct family pool_efficiency = { "pool_efficiency_ratio", "gauge", "ratio",
	"Bytes that messages asked for, by bytes taken from the system.", 0 };
static const struct family class_efficiency = { "class_efficiency_ratio", "gauge", "ratio",
	"Bytes that messages asked for, by bytes of the class's slabs.", 0 };

static const struct family queue_families[] = {
	COUNTER(magring_queue_stats, sent, "queue_sent_messages", "Messages sent."),
	COUNTER(magring_queue_stats, received, "queue_received_messages", "Messages received."),
	COUNTER(magring_queue_stats, returned, "queue_returned_messages",
		"Messages that returned to a stopped sender; they count as sent and received."),
	COUNTER(magring_queue_stats, full, "queue_full", "Sends that found no room at first."),
	COUNTER(magring_queue_stats, empty, "queue_empty", "Receives that found nothing at first."),
	COUNTER(magring_queue_stats, parked, "queue_parked", "Times that a thread went to sleep."),
	COUNTER(magring_queue_stats, woken, "queue_woken", "Times that a sleeper was woken."),
	COUNTER(magring_queue_stats, challenged, "queue_challenged",
		"Times that a thread in the way of others was asked about."),
	COUNTER(magring_queue_stats, quarantined, "queue_quarantined_cells",
		"Cells taken out of use because of a thread that did not go on."),
	GAUGE(magring_queue_stats, capacity, "queue_capacity_messages", "messages",
		"Messages that always fit."),
	GAUGE(magring_queue_stats, memory_bytes, "queue_memory_bytes", "bytes",
		"Bytes of the queue and its cells, without messages."),
	GAUGE(magring_queue_stats, closed, "queue_closed", NULL, "Whether the queue is closed."),
};
#define METRICS_FLAGS (MAGRING_METRICS_NO_EOF | MAGRING_METRICS_TEXT)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --------------------------------------------------------- expositions -- */

/* A pool, and its statistics at one moment, so that its gauges fit together. */
struct snapshot {
	struct magring_pool *pool;
	struct magring_pool_stats stats;
};

/* Some pools with their queues, and perhaps the queues without one. */
struct exposition {
	struct snapshot *snapshots;
	size_t count;
	bool no_pool_queues;
	uint64_t flags;
};

static void write_pools(struct text *out, const struct exposition *exposition)
{
	for (size_t i = 0; i < COUNT_OF(pool_families); i++) {
		const struct family *family = &pool_families[i];
		family_write(out, family, exposition->flags);
		for (size_t j = 0; j < exposition->count; j++)
			family_write_sample(out, family, exposition->snapshots[j].pool->name, NULL,
				NULL, &exposition->snapshots[j].stats);
	}
	family_write(out, &pool_efficiency, exposition->flags);
	for (size_t j = 0; j < exposition->count; j++)
		family_write_ratio(out, &pool_efficiency, exposition->snapshots[j].pool->name, NULL,
			NULL, exposition->snapshots[j].stats.efficiency);
}

/* ---------------------------------------------------------------- rows -- */

/* A class or a queue, and its statistics at one moment: a sample per family. */
struct row {
	const char *pool;
	char label[MAGRING_NAME_MAX + 1];
	union {
		struct magring_class_stats of_class;
		struct magring_queue_stats of_queue;
	} stats;
};

/* Rows of one kind, as bytes that grow. */
static const struct row *row_at(const struct text *rows, size_t i)
{
	return (const struct row *)(const void *)rows->bytes + i;
}

/* A family's samples, which are ratios if it is the classes' efficiency. */
static void write_rows(struct text *out, const struct family *family, uint64_t flags,
	const char *label, const struct text *rows)
{
	family_write(out, family, flags);
	for (size_t i = 0; i < rows->size / sizeof(struct row); i++) {
		const struct row *row = row_at(rows, i);
		if (family == &class_efficiency)
			family_write_ratio(out, family, row->pool, label, row->label,
				row->stats.of_class.efficiency);
		else
			family_write_sample(out, family, row->pool, label, row->label, &row->stats);
	}
}

static void add_classes_of(struct text *rows, struct magring_pool *pool)
{
	for (unsigned int i = 0; i < pool->depot.classes; i++) {
		struct row row = { .pool = pool->name,
			.stats.of_class.size = sizeof(row.stats.of_class) };
		if (magring_pool_get_class_stats(pool, i, &row.stats.of_class) != 0 ||
			row.stats.of_class.carved == 0)
			continue;
		snprintf(row.label, sizeof(row.label), "%" PRIu64, row.stats.of_class.slab_size);
		text_add(rows, &row, sizeof(row));
	}
}

static void write_classes(struct text *out, const struct exposition *exposition)
{
	struct text rows = { 0 };
	for (size_t i = 0; i < exposition->count; i++)
		add_classes_of(&rows, exposition->snapshots[i].pool);
	for (size_t i = 0; i < COUNT_OF(class_families); i++)
		write_rows(out, &class_families[i], exposition->flags, "slab_size", &rows);
	write_rows(out, &class_efficiency, exposition->flags, "slab_size", &rows);
	text_end(out, &rows);
}

/* The queues of one pool, or with NULL of none. An empty label is the same as
 * none. */
static void add_queues_of(struct text *rows, struct magring_pool *pool)
{
	struct queue_list *list = queue_list(pool);
	struct cds_list_head *node;
	pthread_mutex_lock(&list->lock);
	cds_list_for_each(node, &list->queues) {
		struct magring_queue *queue = caa_container_of(node, struct magring_queue, link);
		struct row row = { .pool = pool != NULL ? pool->name : "",
			.stats.of_queue.size = sizeof(row.stats.of_queue) };
		magring_queue_get_stats(queue, &row.stats.of_queue);
		strcpy(row.label, queue->name);
		text_add(rows, &row, sizeof(row));
	}
	pthread_mutex_unlock(&list->lock);
	watched_release(list);
}

static void write_queues(struct text *out, const struct exposition *exposition)
{
	struct text rows = { 0 };
	for (size_t i = 0; i < exposition->count; i++)
		add_queues_of(&rows, exposition->snapshots[i].pool);
	if (exposition->no_pool_queues)
		add_queues_of(&rows, NULL);
	for (size_t i = 0; i < COUNT_OF(queue_families); i++)
		write_rows(out, &queue_families[i], exposition->flags, "queue", &rows);
	text_end(out, &rows);
}

static void take_snapshot(struct exposition *exposition, struct magring_pool *pool)
{
	struct snapshot *snapshot = &exposition->snapshots[exposition->count++];
	watched_acquire(&pool->queues);
	*snapshot = (struct snapshot){ .pool = pool, .stats.size = sizeof(snapshot->stats) };
	magring_pool_get_stats(pool, &snapshot->stats);
}

static void write_exposition(struct text *out, const struct exposition *exposition)
{
	write_pools(out, exposition);
	write_classes(out, exposition);
	write_queues(out, exposition);
	if (!(exposition->flags & METRICS_FLAGS))
		text_add_string(out, "# EOF\n");
}

static bool compose_one(struct text *out, void *pool)
{
	struct snapshot snapshot;
	struct exposition exposition = { .snapshots = &snapshot };
	take_snapshot(&exposition, pool);
	write_exposition(out, &exposition);
	return true;
}

static bool compose_all(struct text *out, void *flags)
{
	struct exposition exposition = { .no_pool_queues = true, .flags = *(uint64_t *)flags };
	/* Until its end no pool is freed that is in the table now. */
	unsigned int half = thread_section_begin(), numbers = pool_numbers();
	bool composed = (exposition.snapshots = calloc(numbers + 1, sizeof(struct snapshot)));
	for (unsigned int number = 0; composed && number < numbers; number++) {
		struct magring_pool *pool = pool_published(number);
		if (pool != NULL)
			take_snapshot(&exposition, pool);
	}
	if (composed)
		write_exposition(out, &exposition);
	thread_section_end(half);
	free(exposition.snapshots);
	return composed;
}

int magring_pool_write_metrics(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_compose(stream, compose_one, pool);
}

int magring_write_metrics(FILE *stream, uint64_t flags)
{
	if (stream == NULL || flags & ~(uint64_t)METRICS_FLAGS)
		return -EINVAL;
	return text_compose(stream, compose_all, &flags);
}
