/* SPDX-License-Identifier: MIT */
/* A program that never allocates a message. */
#include <magring.h>

int main(void)
{
	struct magring_pool *pool;
	if (magring_pool_create(&pool, NULL) != 0)
		return 1;
	return magring_pool_destroy(pool) != 0;
}
