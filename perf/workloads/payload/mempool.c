/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_mempool: a pool of objects of one size, with a cache for each thread that DPDK
 * knows. It has as many objects as are ever out, caches full.
 */
#include "workloads/payload/allocator.h"

#include "queues/dpdk.h"

#include <err.h>
#include <rte_errno.h>
#include <rte_mempool.h>

enum { CACHE_MIN = 16, CACHE_MAX = 64 };

static struct rte_mempool *pool;

static bool mempool_ready(const char *rest)
{
	return *rest == '\0' && dpdk_ready();
}

static void mempool_create(const struct need *need)
{
	size_t cache = need->live / 16;

	if (cache < CACHE_MIN)
		cache = CACHE_MIN;
	if (cache > CACHE_MAX)
		cache = CACHE_MAX;
	/* A cache holds up to one and a half times its size. */
	pool = rte_mempool_create("payload", (unsigned int)(need->live + 2 * cache * need->threads),
		(unsigned int)need->size, (unsigned int)cache, 0, NULL, NULL, NULL, NULL,
		SOCKET_ID_ANY, 0);
	if (pool == NULL)
		errx(2, "rte_mempool_create: %s", rte_strerror(rte_errno));
}

static void mempool_destroy(void)
{
	rte_mempool_free(pool);
}

static void *mempool_attach(bool allocates)
{
	(void)allocates;
	if (!dpdk_thread_enter())
		errx(2, "DPDK does not take the thread");
	return NULL;
}

static void mempool_detach(void *side)
{
	(void)side;
	dpdk_thread_leave();
}

static void *mempool_alloc(void *side, struct magring_message *ret_message)
{
	void *payload;

	(void)side;
	if (rte_mempool_get(pool, &payload) != 0)
		return NULL;
	message_carry(ret_message, payload);
	return payload;
}

static void *mempool_payload(struct magring_message *message)
{
	return message_carried(message);
}

static void mempool_free(void *side, struct magring_message *message)
{
	(void)side;
	rte_mempool_put(pool, mempool_payload(message));
}

const struct allocator allocator_mempool = {
	.form = "mempool",
	.ready = mempool_ready,
	.create = mempool_create,
	.destroy = mempool_destroy,
	.attach = mempool_attach,
	.detach = mempool_detach,
	.alloc = mempool_alloc,
	.payload = mempool_payload,
	.free = mempool_free,
};
