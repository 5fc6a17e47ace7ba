// SPDX-License-Identifier: MIT
// See header_calls.h. No structure shares its name with a function, so that each
// can be named without `struct`.
#include "header_calls.h"

int main()
{
	magring_pool *pool = nullptr;
	magring_pool_options options = {};
	magring_queue_options queue_options = {};
	magring_pool_stats stats = {};
	magring_class_stats class_stats = {};
	magring_queue_stats queue_stats = {};
	int wrong = constants_are_wrong();
	options.size = sizeof(options);
	queue_options.size = sizeof(queue_options);
	class_stats.size = sizeof(class_stats);
	queue_stats.size = sizeof(queue_stats);
	stats.size = sizeof(stats);
	if (magring_pool_create(&pool, &options) != 0)
		return 2;
	wrong |= make_and_free(pool, 40) | make_and_free(pool, 1000);
	wrong |= magring_pool_get_stats(pool, &stats) != 0 || stats.allocated != stats.freed;
	return wrong | (magring_pool_destroy(pool) != 0);
}
