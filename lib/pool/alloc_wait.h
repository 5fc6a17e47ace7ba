/* SPDX-License-Identifier: MIT */
/*
 * room: an allocation that may have to wait for memory.
 */
#ifndef MAGRING_ROOM_H
#define MAGRING_ROOM_H

#include "pool/pool.h"

/* A slab of the class when pool_alloc_fast() has none: 0, -ENOBUFS, -ETIMEDOUT. bytes is
 * what the accounts are told. */
int alloc_wait(struct magring_pool *pool, unsigned int class_index, size_t bytes,
	int64_t timeout_ns, void **ret_slab);

#endif
