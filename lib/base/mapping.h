/* SPDX-License-Identifier: MIT */
/*
 * mapping: memory that is mapped for one purpose, and given back whole.
 */
#ifndef MAGRING_MAPPING_H
#define MAGRING_MAPPING_H

#include <stddef.h>

/* New memory, all zero, or NULL. */
void *mapping_create(size_t bytes);
void mapping_destroy(void *memory, size_t bytes);
/* In the child of a fork: no other thread is at the mappings that are kept. */
void mapping_forget_kept(void);

#endif
