/* SPDX-License-Identifier: MIT */
/*
 * metrics_print one | all | joined | text: print an exposition with awkward names and known
 * counts, for metrics_test.py. Of one pool; of all, which are two, and a queue without a
 * pool; of all and a family of this program; or of all in Prometheus' text format.
 */
#include <stdio.h>
#include <string.h>

#include "magring.h"

#define NAMES 3

static const char *const names[NAMES] = { "orders", "\"\\\n", "\xc3\xb6\xc3\x9f" };

/* Three sent of 1000 bytes, one received; a fourth and a fifth find no room. */
static int use(struct magring_pool *pool, struct magring_queue *queue)
{
	struct magring_message message;
	for (int i = 0; i < 6; i++) {
		if (magring_message_alloc(pool, &message, NULL, 0, i < 3 ? 1000 : 10, 0) != 0)
			return 1;
		if (magring_send(queue, &message, 0) != 0)
			magring_message_free(&message);
	}
	if (magring_recv(queue, &message, 0) != 0)
		return 1;
	magring_message_free(&message);
	return 0;
}

static int print(const char *what, struct magring_pool *pool)
{
	if (strcmp(what, "one") == 0)
		return magring_pool_write_metrics(pool, stdout);
	if (strcmp(what, "all") == 0)
		return magring_write_metrics(stdout, 0);
	if (strcmp(what, "text") == 0)
		return magring_write_metrics(stdout, MAGRING_METRICS_TEXT);
	int rc = magring_write_metrics(stdout, MAGRING_METRICS_NO_EOF);
	puts("# TYPE own_seconds gauge\n# UNIT own_seconds seconds\n# HELP own_seconds Ours.\n"
	     "own_seconds 1.5\n# EOF");
	return rc;
}

int main(int argc, char **argv)
{
	struct magring_pool *pool, *other;
	struct magring_queue *queues[NAMES], *without;
	struct magring_message message;
	struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = (size_t)2 << 20,
		.name = "a \"b\" \\c\nd, {e}=1 # \\n" };
	struct magring_pool_options others = { .size = sizeof(others), .name = "other" };
	struct magring_queue_options its = { .size = sizeof(its), .capacity = 2 };

	if (magring_pool_create(&pool, &options) != 0 || magring_pool_create(&other, &others) != 0)
		return 1;
	for (int i = 0; i < NAMES; i++) {
		its.name = names[i];
		if (magring_queue_create(&queues[i], pool, &its) != 0)
			return 1;
	}
	its.name = "replies";
	if (magring_queue_create(&without, NULL, &its) != 0 || use(pool, queues[0]) != 0 ||
		magring_message_alloc(other, &message, NULL, 0, 1000, 0) != 0)
		return 1;
	magring_queue_close(queues[1]);

	int rc = print(argc > 1 ? argv[1] : "one", pool);
	magring_message_free(&message);
	magring_queue_release(without);
	for (int i = 0; i < NAMES; i++)
		magring_queue_release(queues[i]);
	return rc != 0 || magring_pool_destroy(other) != 0 || magring_pool_destroy(pool) != 0;
}
