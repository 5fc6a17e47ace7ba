/* SPDX-License-Identifier: MIT */
/*
 * carve: free slabs, by the magazine and one by one.
 */
#ifndef MAGRING_CARVE_H
#define MAGRING_CARVE_H

#include "pool/depot.h"

/* A magazine with at least one free slab of the class, or NULL. */
struct magazine *depot_take_filled(struct depot *depot, unsigned int class_index);

/* One slab, for threads that have no cache or must not touch theirs. */
bool depot_take_round(struct depot *depot, unsigned int class_index, uint32_t *ret_round);
void depot_put_round(struct depot *depot, unsigned int class_index, uint32_t round);

#endif
