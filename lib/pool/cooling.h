/* SPDX-License-Identifier: MIT */
/*
 * cooling: magazines of slabs that are likely in the cache of another core.
 */
#ifndef MAGRING_COOLING_H
#define MAGRING_COOLING_H

#include "pool/depot.h"

/* Hand over a magazine of slabs that other threads have allocated. */
void cooling_put(struct depot *depot, unsigned int class_index, struct magazine *magazine);
/* The magazine of the class that has cooled longest, or NULL. */
struct magazine *cooling_take(struct depot *depot, unsigned int class_index);

#endif
