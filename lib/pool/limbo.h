/* SPDX-License-Identifier: MIT */
/*
 * limbo: freed slabs that are not used again yet.
 */
#ifndef MAGRING_LIMBO_H
#define MAGRING_LIMBO_H

#include "pool/checked_slab.h"

/* A slab that is filled as free ones are. Others may leave. */
void limbo_put(struct magring_pool *pool, uint32_t round, size_t size);
/* Give all slabs back to the pool. True: there were some. */
bool limbo_empty(struct magring_pool *pool);
/* A free slab was written to, at this address: the process ends. */
_Noreturn void limbo_broken(const struct checked_slab *record, const void *at);

#endif
