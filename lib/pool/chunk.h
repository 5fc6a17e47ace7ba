/* SPDX-License-Identifier: MIT */
/*
 * chunk: memory for slabs, carved from the budget or from free ranges.
 */
#ifndef MAGRING_CHUNK_H
#define MAGRING_CHUNK_H

#include "base/tagged_stack.h"
#include "pool/region.h"
#include "pool/size_class.h"

/* A run of bytes of a region: see chunk.c. */
struct chunk {
	ck_stack_entry_t link;
	size_t offset;
	size_t bytes;
	size_t absent; /* bytes of a free range that the system has */
};
_Static_assert(sizeof(struct chunk) == 32, "eight records are as large as a magazine");
_Static_assert(offsetof(struct chunk, link) == 0, "a link is its chunk");

struct chunks {
	struct region *slabs;
	struct region *metadata;
	unsigned int classes;
	_Atomic(size_t) records;      /* made so far */
	_Atomic(size_t) free_bytes;   /* of slabs, in ranges */
	_Atomic(size_t) absent_bytes; /* of both regions: with the system */
	_Atomic(uint64_t) begun;      /* moves: see chunk_moved() */
	_Atomic(uint64_t) ended;
	struct aligned_stack spare;                    /* records of nothing */
	struct aligned_stack pages;                    /* ranges of metadata */
	struct aligned_stack free[SLAB_CLASSES_MAX];   /* ranges, by the largest class that fits */
	struct aligned_stack carved[SLAB_CLASSES_MAX]; /* chunks, by class */
};

void chunks_init(struct chunks *chunks, struct region *slabs, struct region *metadata,
	unsigned int classes);

/*
 * Memory for slabs of the class: one chunk of at most `slabs` of them, or as
 * many as `most` chunks in a row while the budget is ample. Returns: its bytes,
 * 0 for none.
 */
size_t chunk_carve(struct chunks *chunks, unsigned int class_index, size_t slabs, size_t most,
	size_t *ret_offset);
/*
 * Whether a free range serves this class. This may have changed by the time
 * that the caller uses it: see chunk_moved().
 */
bool chunk_has_range(const struct chunks *chunks, unsigned int class_index);
/* That many bytes of metadata, all zero. */
bool chunk_take_metadata(struct chunks *chunks, size_t bytes, size_t *ret_offset);

/* A record, or NULL when the memory for records is used up; and back. */
struct chunk *chunk_record(struct chunks *chunks);
void chunk_forget(struct chunks *chunks, struct chunk *chunk);

/*
 * Give the whole pages in a free range of the region to the system. Returns:
 * the bytes that it did not have before.
 */
size_t chunk_give_back(struct chunks *chunks, const struct region *region, struct chunk *range);
/*
 * All that is left of the budget, as a range that no class carves from yet. The
 * caller is within a move. NULL: nothing is left, or the system refuses.
 */
struct chunk *chunk_take_rest(struct chunks *chunks);
/* Let every class carve from this range of slabs. */
void chunk_put_range(struct chunks *chunks, struct chunk *range);

/*
 * Between begin and end a thread may hold free memory where others do not find
 * it. A thread that found none since chunk_moves() asks chunk_moved(). True:
 * something has moved, and it may have overlooked some.
 */
void chunk_begin_move(struct chunks *chunks);
void chunk_end_move(struct chunks *chunks);
uint64_t chunk_moves(struct chunks *chunks);
bool chunk_moved(struct chunks *chunks, uint64_t moves);

#endif
