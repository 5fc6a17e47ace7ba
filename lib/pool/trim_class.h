/* SPDX-License-Identifier: MIT */
/*
 * trim_class: the whole chunks of a class become free ranges.
 *
 * A thread that holds the pool's `trimming` calls these, within a move.
 */
#ifndef MAGRING_TRIM_CLASS_H
#define MAGRING_TRIM_CLASS_H

#include "pool/pool.h"

struct span {
	struct chunk *chunk;
	size_t free; /* bytes of its slabs that were found */
};

/* A trim, and its notes on the spans of one class, by their offsets. */
struct trim {
	struct magring_pool *pool;
	struct depot *depot;
	struct chunks *chunks;
	struct span *spans;
	size_t count;
	size_t capacity;
	size_t pages;           /* for trim_magazines() */
	ck_stack_entry_t *free; /* chunks that were given up */
	size_t given_up;        /* their bytes, in all */
	size_t bytes;           /* that the system got */
};

/* The notes, and zero bytes for trim_magazines() behind them. 0, -ENOMEM. */
int trim_begin(struct trim *trim, struct magring_pool *pool);
/* The notes go, and the pool's statistics have the trim. */
void trim_end(struct trim *trim);

void trim_class(struct trim *trim, unsigned int class_index);
/* What is left of the budget becomes a new range. False: there is none. */
bool trim_take_rest(struct trim *trim);
/*
 * Merge all free ranges, the new ones among them, where they adjoin. Let every
 * class carve from them, and have the system take whole pages if `give_back`.
 */
void trim_ranges(struct trim *trim, bool give_back);

#endif
