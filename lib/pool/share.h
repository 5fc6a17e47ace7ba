/* SPDX-License-Identifier: MIT */
/*
 * share: several messages with one slab.
 */
#ifndef MAGRING_SHARE_H
#define MAGRING_SHARE_H

#include "pool/pool.h"

/* A region for the words that count: see region_init(). */
int share_init(struct region *shares, size_t memory_limit, bool whole);

/*
 * A message that was shared ends. Returns: the header from before the
 * first share if it was the last with its slab, which is the caller's then.
 * Else 0.
 */
uint64_t share_end(uint64_t header, uint64_t pointer);

#endif
