/* SPDX-License-Identifier: MIT */
/*
 * What statistics promise at any moment, beside whatever other threads do.
 */
#include "pool_slabs.h"

void slabs_check_class(unsigned int class_index)
{
	struct magring_pool *pool = slabs_pool();
	struct magring_class_stats class = { .size = sizeof(class) };
	slabs_begin_call();
	int rc = magring_pool_get_class_stats(pool, class_index, &class);
	slabs_end_call();
	sched_require(rc == 0 && class.carved >= class.trimmed && class.allocated >= class.freed,
		"class %u: %lu carved, %lu trimmed, %lu allocated, %lu freed", class_index,
		class.carved, class.trimmed, class.allocated, class.freed);
}

void slabs_check_statistics(void)
{
	struct magring_pool *pool = slabs_pool();
	size_t limit = pool->depot.slabs.limit;
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	slabs_begin_call();
	int rc = magring_pool_get_stats(pool, &stats);
	slabs_end_call();
	sched_require(rc == 0, "get_stats: %d", rc);
	sched_require(stats.slabs_in_use <= limit / SLAB_UNIT &&
			stats.payload_bytes_in_use <= limit && stats.allocated >= stats.freed,
		"%lu allocated, %lu freed", stats.allocated, stats.freed);
	sched_require(stats.slab_bytes_carved <= limit && stats.slab_bytes_cached <= limit &&
			stats.memory_bytes < 1 << 26 &&
			stats.memory_bytes_high >= stats.memory_bytes,
		"%lu carved, %lu cached, %lu of the system", stats.slab_bytes_carved,
		stats.slab_bytes_cached, stats.memory_bytes);
	for (unsigned int i = 0; i < stats.classes; i++)
		slabs_check_class(i);
}
