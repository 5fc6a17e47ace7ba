/* SPDX-License-Identifier: MIT */
/* Print an exposition with awkward names and known counts, for metrics_test.py. */
#include <stdio.h>

#include "magring.h"

int main(void)
{
	struct magring_pool *pool;
	struct magring_queue *queues[3];
	struct magring_message message = { 0 };
	struct magring_pool_options options = {
		.size = sizeof(options), .memory_limit = (size_t)2 << 20, .name = "a \"b\" \\c\nd, {e}=1 # \\n" };
	const char *names[3] = { "orders", "\"\\\n", "\xc3\xb6\xc3\x9f" };

	if (magring_pool_create(&pool, &options) != 0)
		return 1;
	for (int i = 0; i < 3; i++) {
		struct magring_queue_options its = { sizeof(its), 2, names[i], 0 };
		if (magring_queue_create(&queues[i], pool, &its) != 0)
			return 1;
	}
	/* Three sent of 1000 bytes, one received; a fourth and a fifth find no room. */
	for (int i = 0; i < 6; i++) {
		if (magring_message_alloc(pool, &message, NULL, 0, i < 3 ? 1000 : 10, 0) != 0)
			return 1;
		if (magring_send(queues[0], &message, 0) != 0)
			magring_message_free(&message);
	}
	if (magring_recv(queues[0], &message, 0) != 0)
		return 1;
	magring_message_free(&message);
	magring_queue_close(queues[1]);

	int rc = magring_pool_write_metrics(pool, stdout);
	for (int i = 0; i < 3; i++)
		magring_queue_destroy(queues[i]);
	return rc != 0 || magring_pool_destroy(pool) != 0;
}
