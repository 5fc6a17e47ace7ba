/* SPDX-License-Identifier: MIT */
/*
 * magring-perf payload magring full: a pool that is filled with payloads of BYTES until it refuses
 * one. Prints the pool's own efficiency, and what share of the memory that became resident
 * the payloads are.
 */
#include "core/status.h"
#include "workloads/payload/alone.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 1000, LIMIT = 64 << 20, MOST = LIMIT / BYTES };

static double resident(void)
{
	return status_bytes("RssAnon") + status_bytes("RssShmem");
}

int full_main(void)
{
	struct magring_pool_options options = { .size = sizeof(options), .memory_limit = LIMIT };
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct magring_message *messages = malloc((MOST + 1) * sizeof(*messages));
	struct magring_pool *pool;
	size_t count = 0;
	double before;
	int error = 0;

	if (messages == NULL)
		err(2, "full");
	check(magring_pool_create(&pool, &options), "magring_pool_create");
	memset(messages, 1, (MOST + 1) * sizeof(*messages));
	before = resident();
	while (count <= MOST && error == 0) {
		error = magring_message_alloc(pool, &messages[count], "12345678", 8, BYTES, 0);
		if (error == 0)
			memset(magring_message_payload(&messages[count++], NULL), 'x', BYTES);
	}
	if (error != -ENOBUFS)
		errx(2, "a pool did not fill up");
	check(magring_pool_get_stats(pool, &stats), "magring_pool_get_stats");
	printf("%.17g %.17g\n", stats.efficiency, (double)(count * BYTES) / (resident() - before));
	while (count > 0)
		magring_message_free(&messages[--count]);
	check(magring_pool_destroy(pool), "magring_pool_destroy");
	free(messages);
	return 0;
}
