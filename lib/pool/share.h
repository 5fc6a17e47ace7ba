/* SPDX-License-Identifier: MIT */
/*
 * share: several messages with one slab.
 */
#ifndef MAGRING_SHARE_H
#define MAGRING_SHARE_H

#include "pool/pool.h"

/* A region for the words that count. Returns: 0, -ENOMEM. */
int share_init(struct region *shares, size_t memory_limit);

/*
 * A message gets a second one with its slab. At the first time it is of this
 * kind; from then on both are MESSAGE_SHARED.
 *
 * Returns: 0, -ENOMEM.
 */
int share_first(struct magring_pool *pool, const void *slab, unsigned int kind);
/* Returns: 0, -EOVERFLOW. */
int share_again(struct magring_pool *pool, const void *slab);
/*
 * A message less has the slab. Returns: the kind from before the first share,
 * if it was the last one; the slab is the caller's then. Else 0.
 */
unsigned int share_free(struct magring_pool *pool, const void *slab);

#endif
