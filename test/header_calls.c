/* SPDX-License-Identifier: MIT */
/* See header_calls.h. */
#include "header_calls.h"

int main(void)
{
	struct magring_pool *pool;
	struct magring_pool_stats stats = { 0 };
	int wrong = constants_are_wrong();
	stats.size = sizeof(stats);
	if (magring_pool_create(&pool, NULL) != 0)
		return 2;
	wrong |= make_and_free(pool, 40) | make_and_free(pool, 1000);
	wrong |= magring_pool_get_stats(pool, &stats) != 0 || stats.allocated != stats.freed;
	return wrong | (magring_pool_destroy(pool) != 0);
}
