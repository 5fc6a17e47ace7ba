/* SPDX-License-Identifier: MIT */
/*
 * Statistics as an OpenMetrics text exposition. A metric family is a run of lines
 * that must not be interrupted by another one, so each family walks the classes
 * or the queues once.
 */
#include <errno.h>
#include <inttypes.h>

#include "queue/queue.h"
#include "observe/text.h"

/* A label value: backslash, quote and newline are escaped. */
static void write_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static void write_family(FILE *out, const char *name, const char *type, const char *unit,
	const char *help)
{
	fprintf(out, "# TYPE magring_%s %s\n", name, type);
	if (unit != NULL)
		fprintf(out, "# UNIT magring_%s %s\n", name, unit);
	fprintf(out, "# HELP magring_%s %s\n", name, help);
}

struct family {
	const char *name, *type, *unit, *help;
	size_t offset; /* of the uint64_t in the statistics */
};
#define COUNTER(structure, field, name, help) \
	{ name, "counter", NULL, help, offsetof(struct structure, field) }
#define GAUGE(structure, field, name, unit, help) \
	{ name, "gauge", unit, help, offsetof(struct structure, field) }

static const struct family pool_families[] = {
	GAUGE(magring_pool_stats, slabs_in_use, "pool_slabs_in_use", NULL, "Slabs held by messages."),
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
	GAUGE(magring_pool_stats, payload_bytes_in_use_high, "pool_payload_in_use_high_bytes", "bytes",
		"The most bytes that messages asked for, as far as statistics and trims have seen."),
	GAUGE(magring_pool_stats, threads, "pool_threads", NULL, "Caches attached to a live thread."),
	COUNTER(magring_pool_stats, reclaimed, "pool_reclaimed_slabs",
		"Slabs taken out of caches by reclaiming."),
	COUNTER(magring_pool_stats, exhausted, "pool_exhausted_allocations",
		"Allocations that found the budget used up."),
	COUNTER(magring_pool_stats, trims, "pool_trims", "Times that the pool was trimmed."),
	COUNTER(magring_pool_stats, trimmed_bytes, "pool_trimmed_bytes",
		"Bytes given back to the system by that."),
};

static const struct family class_families[] = {
	COUNTER(magring_class_stats, allocated, "class_allocated_slabs", "Slabs taken by messages."),
	COUNTER(magring_class_stats, freed, "class_freed_slabs", "Slabs given back by messages."),
	COUNTER(magring_class_stats, exchanges, "class_magazine_exchanges",
		"Magazines taken from or given to the depot."),
	COUNTER(magring_class_stats, carved, "class_carved_slabs", "Slabs carved from the budget."),
	COUNTER(magring_class_stats, trimmed, "class_trimmed_slabs",
		"Slabs whose memory went back to the budget."),
	GAUGE(magring_class_stats, payload_bytes_in_use, "class_payload_in_use_bytes", "bytes",
		"Bytes that messages asked for."),
};

static const struct family efficiency = { "class_efficiency_ratio", "gauge", "ratio",
	"Bytes that messages asked for, by bytes of the class's slabs.", 0 };

static const struct family queue_families[] = {
	COUNTER(magring_queue_stats, sent, "queue_sent_messages", "Messages sent."),
	COUNTER(magring_queue_stats, received, "queue_received_messages", "Messages received."),
	COUNTER(magring_queue_stats, returned, "queue_returned_messages",
		"Messages that returned to a sender which did not go on; they count as sent and received."),
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
	GAUGE(magring_queue_stats, closed, "queue_closed", NULL, "Whether the queue is closed."),
};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The labels of a sample. */
static void write_labels(FILE *out, const char *pool, const char *label, const char *value)
{
	fputc('{', out);
	write_label(out, "pool", pool);
	if (label != NULL) {
		fputc(',', out);
		write_label(out, label, value);
	}
	fputs("} ", out);
}

/* One sample of a family: its labels, then its value out of the statistics. */
static void write_sample(FILE *out, const struct family *family, const char *pool,
	const char *label, const char *value, const void *stats)
{
	fprintf(out, "magring_%s%s", family->name, family->type[0] == 'c' ? "_total" : "");
	write_labels(out, pool, label, value);
	fprintf(out, "%" PRIu64 "\n",
		*(const uint64_t *)(const void *)((const char *)stats + family->offset));
}

static void write_ratio(FILE *out, const char *name, const char *pool, const char *label,
	const char *value, double ratio)
{
	/* Not %f: a locale may have a decimal comma. */
	uint64_t millionths = (uint64_t)(ratio * 1e6 + 0.5);
	fprintf(out, "magring_%s", name);
	write_labels(out, pool, label, value);
	fprintf(out, "%" PRIu64 ".%06" PRIu64 "\n", millionths / 1000000, millionths % 1000000);
}

static void write_pool(FILE *out, struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	magring_pool_get_stats(pool, &stats);
	for (size_t i = 0; i < COUNT_OF(pool_families); i++) {
		const struct family *family = &pool_families[i];
		write_family(out, family->name, family->type, family->unit, family->help);
		write_sample(out, family, pool->name, NULL, NULL, &stats);
	}
	write_family(out, "pool_efficiency_ratio", "gauge", "ratio",
		"Bytes that messages asked for, by bytes taken from the system.");
	write_ratio(out, "pool_efficiency_ratio", pool->name, NULL, NULL, stats.efficiency);
}

static void write_classes(FILE *out, struct magring_pool *pool)
{
	for (size_t i = 0; i <= COUNT_OF(class_families); i++) {
		const struct family *family = i < COUNT_OF(class_families) ? &class_families[i] : &efficiency;
		write_family(out, family->name, family->type, family->unit, family->help);
		for (unsigned int j = 0; j < pool->depot.classes; j++) {
			struct magring_class_stats stats = { .size = sizeof(stats) };
			char slab[24];
			magring_pool_get_class_stats(pool, j, &stats);
			if (stats.carved == 0)
				continue;
			snprintf(slab, sizeof(slab), "%" PRIu64, stats.slab_size);
			if (family == &efficiency)
				write_ratio(out, family->name, pool->name, "slab_size", slab, stats.efficiency);
			else
				write_sample(out, family, pool->name, "slab_size", slab, &stats);
		}
	}
}

static void write_queues(FILE *out, struct magring_pool *pool)
{
	struct cds_list_head *node;
	for (size_t i = 0; i < COUNT_OF(queue_families); i++) {
		const struct family *family = &queue_families[i];
		write_family(out, family->name, family->type, family->unit, family->help);
		pthread_mutex_lock(&pool->queues_lock);
		cds_list_for_each(node, &pool->queues) {
			struct magring_queue *queue = caa_container_of(node, struct magring_queue, link);
			struct magring_queue_stats stats = { .size = sizeof(stats) };
			magring_queue_get_stats(queue, &stats);
			write_sample(out, family, pool->name, "queue", queue->name, &stats);
		}
		pthread_mutex_unlock(&pool->queues_lock);
	}
}

static void write_all(FILE *out, struct magring_pool *pool)
{
	write_pool(out, pool);
	write_classes(out, pool);
	write_queues(out, pool);
	fputs("# EOF\n", out);
}

int magring_pool_write_metrics(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_write(stream, write_all, pool);
}
