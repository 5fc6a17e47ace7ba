/* SPDX-License-Identifier: MIT */
/*
 * quarantine: freed slabs that are not used again yet.
 */
#ifndef MAGRING_QUARANTINE_H
#define MAGRING_QUARANTINE_H

#include "pool/checked_slab.h"

/* A slab that is filled as free ones are. Others may leave. */
void quarantine_put(struct magring_pool *pool, uint32_t round, size_t size);
/* Give all slabs back to the pool. True: there were some. */
bool quarantine_empty(struct magring_pool *pool);
/* A free slab was written to, at this address: the process ends. */
_Noreturn void quarantine_broken(const struct checked_slab *record, const void *at);

#endif
