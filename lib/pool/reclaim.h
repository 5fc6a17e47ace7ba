/* SPDX-License-Identifier: MIT */
/*
 * reclaim: slabs out of the caches of other threads.
 */
#ifndef MAGRING_RECLAIM_H
#define MAGRING_RECLAIM_H

#include "pool/thread_registry.h"

/*
 * Empty one class of all caches into the depot. *ret_hidden tells whether some
 * slabs are out of reach: the owner of a cache, or another reclaimer, is at
 * work in it right now.
 *
 * Returns: the number of slabs.
 */
size_t thread_reclaim(struct thread_registry *registry, struct depot *depot,
	unsigned int class_index, bool *ret_hidden);

/*
 * Empty all classes of the caches without traffic for at least idle_ns, 0: of
 * all caches. Calls of this function compare to find that out. No two run at a
 * time. *ret_hidden is set if one of these was left alone.
 *
 * Returns: the number of slabs.
 */
size_t thread_empty_idle(struct thread_registry *registry, struct depot *depot, int64_t idle_ns,
	bool *ret_hidden);

#endif
