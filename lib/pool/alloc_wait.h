/* SPDX-License-Identifier: MIT */
/*
 * alloc_wait: an allocation that may have to wait for memory.
 */
#ifndef MAGRING_ALLOC_WAIT_H
#define MAGRING_ALLOC_WAIT_H

#include "pool/pool.h"

/*
 * A slab when magring_private_take() has none: 0, -ENOBUFS, -ETIMEDOUT.
 * It is of the class, or of a larger one that *class_index then is. The
 * accounts count it as so many bytes.
 */
int alloc_wait(struct magring_pool *pool, unsigned int *class_index, size_t bytes,
	int64_t timeout_ns, void **ret_slab);

#endif
