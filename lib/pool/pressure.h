/* SPDX-License-Identifier: MIT */
/*
 * pressure: memory of other size classes, when there is no other.
 */
#ifndef MAGRING_PRESSURE_H
#define MAGRING_PRESSURE_H

#include "pool/pool.h"

/* What counters tell of all classes. */
struct survey {
	uint64_t freed;                  /* bytes that messages have given back, ever */
	uint64_t free[SLAB_CLASSES_MAX]; /* bytes of slabs that no message holds */
};

void pressure_survey(struct magring_pool *pool, struct survey *ret_survey);

/*
 * Make whole chunks of other classes free ranges, until one serves this class.
 * *ret_hidden is set if some memory was out of reach. Returns: whether it has
 * tried, which is a move of this thread: see chunk_moved().
 */
bool pressure_trim(struct magring_pool *pool, unsigned int class_index, const struct survey *survey,
	bool *ret_hidden);

#endif
