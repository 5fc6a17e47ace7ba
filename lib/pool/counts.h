/* SPDX-License-Identifier: MIT */
/*
 * counts: what a pool has, as sums over the counters of its threads.
 */
#ifndef MAGRING_COUNTS_H
#define MAGRING_COUNTS_H

#include "pool/pool.h"

/* Of one class. freed <= allocated and trimmed <= carved, at any time. */
struct class_counts {
	uint64_t allocated, freed; /* slabs */
	uint64_t allocated_bytes, freed_bytes;
	uint64_t exchanges;
	uint64_t carved, trimmed; /* slabs */
};

void pool_count_class(struct magring_pool *pool, unsigned int class_index,
	struct class_counts *ret_counts);

/* Bytes taken from the system. Raises pool->memory_high. */
uint64_t pool_memory(struct magring_pool *pool);
/* Raise pool->payload_high to at least `bytes`. Returns: its value. */
uint64_t pool_raise_payload_high(struct magring_pool *pool, uint64_t bytes);
/* Raise both to what is in use now. */
void pool_raise_highs(struct magring_pool *pool);

#endif
