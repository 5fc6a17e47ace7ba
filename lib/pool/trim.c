/* SPDX-License-Identifier: MIT */
/*
 * Trimming: free memory goes back to the system, and to other size classes.
 *
 *	caches    idle ones are emptied into the depot, as for reclaiming
 *	classes   one by one, whole chunks become free ranges: trim_class.c
 *	ranges    merged where they adjoin; the system gets whole pages in them,
 *	          and every class may carve from them
 *	magazines empty ones go back by the page: trim_magazines.c
 *
 * At the end it notifies threads that wait for memory.
 */
#include <errno.h>

#include "pool/counts.h"
#include "pool/limbo.h"
#include "pool/past_caches.h"
#include "pool/reclaim.h"
#include "pool/trim_class.h"
#include "pool/trim_magazines.h"

static int trim_pool(struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes)
{
	struct depot *depot = &pool->depot;
	struct trim trim;
	bool hidden;
	int rc = trim_begin(&trim, pool);
	if (rc != 0)
		return rc;
	pool_raise_highs(pool);
	if (pool->checked != NULL)
		limbo_empty(pool);
	thread_empty_idle(&pool->registry, depot, idle_ns, &hidden);
	chunk_begin_move(trim.chunks);
	for (unsigned int i = 0; i < depot->classes; i++)
		trim_class(&trim, i);
	trim_ranges(&trim, true);
	chunk_end_move(trim.chunks);
	unsigned char *empty = (unsigned char *)(trim.spans + trim.capacity);
	trim.bytes += trim_magazines(depot, empty, trim.pages);
	trim.bytes += pool_give_back_caches(pool);
	trim_end(&trim);
	pool_notify_all_classes(pool);
	*ret_bytes = trim.bytes;
	return 0;
}

int magring_pool_trim(struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes)
{
	size_t bytes;
	if (pool == NULL || idle_ns < 0)
		return -EINVAL;
	/* [trim] acquire: the notes of the last trim on caches are visible. */
	if (atomic_exchange_explicit(&pool->trimming, true, memory_order_acquire))
		return -EBUSY;
	int rc = trim_pool(pool, idle_ns, &bytes);
	/* [trim] release: pairs with the exchange. */
	atomic_store_explicit(&pool->trimming, false, memory_order_release);
	if (rc == 0 && ret_bytes != NULL)
		*ret_bytes = bytes;
	return rc;
}
