/* SPDX-License-Identifier: MIT */
/*
 * sampler: which allocations of a thread are sampled.
 */
#ifndef MAGRING_SAMPLER_H
#define MAGRING_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>

#include "magring.h"

/* Whether a message is sampled. It was allocated just now, and has so many
 * bytes: in means. */
bool sampler_is_due(double means);

/*
 * As magring_private_take(), for payloads beyond fast_max: in a pool with
 * samples a slab for a message that is not sampled. Its header is 0 if there is
 * none, or it may be.
 */
struct magring_private_slab sampler_take(struct magring_pool *pool, size_t bytes);

/* How many of the next `count` messages of this size are not sampled, and that
 * so many were allocated. */
size_t sampler_skips(double means, size_t count);
void sampler_skip(double means, size_t count);

#endif
