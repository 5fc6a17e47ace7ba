// SPDX-License-Identifier: MIT
#include <magring.h>

int main()
{
	magring_pool_stats stats = {};
	magring_pool *pool = nullptr;
	stats.size = sizeof(stats);
	if (magring_pool_create(&pool, nullptr) != 0 || magring_pool_get_stats(pool, &stats) != 0)
		return 1;
	return stats.slabs_in_use != 0 || magring_pool_destroy(pool) != 0;
}
