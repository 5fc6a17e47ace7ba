/* SPDX-License-Identifier: MIT */
/*
 * Chunks: where slabs are carved from, and what becomes of free memory.
 *
 * Slabs are carved by the chunk, and a record tells where each chunk is:
 *
 *	fresh, beyond `taken` -> chunk of a class -> free range -> chunk ...
 *
 * Carving makes a chunk out of a free range that suffices, or of fresh memory.
 * A trim makes a free range out of a chunk whose slabs are all free. It merges
 * ranges that adjoin and gives the whole pages in them to the system: these are
 * `absent` until the range is carved. Memory changes its class in no other way.
 * What is left of the budget, when that is too little for a slab, becomes a
 * range as well: with the ranges before it there may be enough.
 *
 * One slab in use keeps its whole chunk, so chunks are small. While the budget
 * is ample a thread carves several in a row, each with a record of its own, and
 * so carving stays rare.
 *
 *	taken = bytes of chunks + bytes of free ranges, on stacks or in hands
 *	absent <= bytes of the whole pages in the range
 *
 * Invariant: a record is on one stack or in one thread's hands. Records live in
 * the metadata for good, so that any thread may pop their stacks
 * (tagged_stack.h). A chunk without a record, for want of memory, is used but
 * never trimmed.
 *
 * One thread holds a range while it cuts it, and a whole class while it trims
 * it. Other threads do not wait. They carve elsewhere, or must learn that they
 * have overlooked memory. So moves are counted twice, as they begin and as they
 * end. A thread reads `ended`, finds nothing, and reads the same from `begun`:
 * then it has overlooked nothing.
 *
 * Metadata that was given back is in ranges, too. They are never merged, and
 * hold zeroes: a magazine made of them is like one of fresh memory.
 */
#include "pool/chunk.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/watched.h"
#include "tuning.h"

/* Records made at a time: as large as a magazine, which stays aligned. */
#define CHUNK_RECORDS 8

void chunks_init(struct chunks *chunks, struct region *slabs, struct region *metadata,
	unsigned int classes)
{
	chunks->slabs = slabs;
	chunks->metadata = metadata;
	chunks->classes = classes;
	atomic_init(&chunks->records, 0);
	atomic_init(&chunks->free_bytes, 0);
	atomic_init(&chunks->absent_bytes, 0);
	atomic_init(&chunks->begun, 0);
	atomic_init(&chunks->ended, 0);
	ck_stack_init(&chunks->spare.stack);
	ck_stack_init(&chunks->pages.stack);
	for (unsigned int i = 0; i < classes; i++) {
		ck_stack_init(&chunks->free[i].stack);
		ck_stack_init(&chunks->carved[i].stack);
	}
}

void chunk_begin_move(struct chunks *chunks)
{
	atomic_fetch_add_explicit(&chunks->begun, 1, memory_order_relaxed);
	/* Before a pop: a thread that misses what is popped sees the move. */
	atomic_thread_fence(memory_order_release);
}

void chunk_end_move(struct chunks *chunks)
{
	/* [moves] release: everything is where others find it. */
	atomic_fetch_add_explicit(&chunks->ended, 1, memory_order_release);
}

uint64_t chunk_moves(struct chunks *chunks)
{
	/* [moves] acquire: pairs with chunk_end_move(). */
	return atomic_load_explicit(&chunks->ended, memory_order_acquire);
}

bool chunk_moved(struct chunks *chunks, uint64_t moves)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&chunks->begun, memory_order_relaxed) != moves;
}

struct chunk *chunk_record(struct chunks *chunks)
{
	struct chunk *chunk = tagged_stack_pop(&chunks->spare.stack);
	size_t bytes = CHUNK_RECORDS * sizeof(*chunk), offset;
	if (chunk != NULL || region_take(chunks->metadata, bytes, 1, &offset) == 0)
		return chunk;
	/* Relaxed: an estimate for trims. */
	atomic_fetch_add_explicit(&chunks->records, CHUNK_RECORDS, memory_order_relaxed);
	chunk = (struct chunk *)(void *)(chunks->metadata->base + offset);
	for (int i = 1; i < CHUNK_RECORDS; i++)
		tagged_stack_push(&chunks->spare.stack, &chunk[i].link);
	return chunk;
}

void chunk_forget(struct chunks *chunks, struct chunk *chunk)
{
	tagged_stack_push(&chunks->spare.stack, &chunk->link);
}

static size_t bytes_of_pages(const struct chunk *range)
{
	size_t begin = (range->offset + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
	size_t end = (range->offset + range->bytes) / REGION_PAGE * REGION_PAGE;
	return begin < end ? end - begin : 0;
}

size_t chunk_give_back(struct chunks *chunks, const struct region *region, struct chunk *range)
{
	size_t pages = bytes_of_pages(range), more = pages - range->absent;
	size_t begin = (range->offset + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
	/*
	 * The system refuses for locked memory. If its pages are larger it
	 * would take whole ones, so it is not asked. Either way any class may
	 * use the range.
	 */
	if (more == 0 || sysconf(_SC_PAGESIZE) != (long)REGION_PAGE ||
		madvise(region->base + begin, pages, MADV_DONTNEED) != 0)
		return 0;
	range->absent = pages;
	/* [account] release: the bytes were taken before. */
	atomic_fetch_add_explicit(&chunks->absent_bytes, more, memory_order_release);
	return more;
}

/* Cut bytes from the front of a range. */
static size_t cut(struct chunks *chunks, struct chunk *range, size_t bytes)
{
	size_t offset = range->offset, absent = range->absent;
	range->offset += bytes;
	range->bytes -= bytes;
	range->absent = absent > 0 ? bytes_of_pages(range) : 0;
	if (range->absent > absent)
		range->absent = absent;
	/* Relaxed: for statistics. */
	atomic_fetch_sub_explicit(&chunks->absent_bytes, absent - range->absent,
		memory_order_relaxed);
	return offset;
}

struct chunk *chunk_take_rest(struct chunks *chunks)
{
	struct chunk *range = chunk_record(chunks);
	if (range == NULL)
		return NULL;
	range->bytes = region_take(chunks->slabs, SLAB_UNIT, chunks->slabs->limit / SLAB_UNIT,
		&range->offset);
	range->absent = 0;
	if (range->bytes > 0)
		return range;
	chunk_forget(chunks, range);
	return NULL;
}

void chunk_put_range(struct chunks *chunks, struct chunk *range)
{
	unsigned int class_index = chunks->classes - 1;
	if (range->bytes < slab_size(class_index)) {
		class_index = slab_class(range->bytes);
		class_index -= slab_size(class_index) > range->bytes;
	}
	tagged_stack_push(&chunks->free[class_index].stack, &range->link);
}

/* The first class with a range that serves this one, or chunks->classes. */
static unsigned int first_range(const struct chunks *chunks, unsigned int class_index)
{
	while (class_index < chunks->classes &&
		tagged_stack_is_empty(&chunks->free[class_index].stack))
		class_index++;
	return class_index;
}

bool chunk_has_range(const struct chunks *chunks, unsigned int class_index)
{
	return first_range(chunks, class_index) < chunks->classes;
}

static size_t carve_range(struct chunks *chunks, unsigned int class_index, size_t most,
	size_t *ret_offset)
{
	struct chunk *range = NULL;
	size_t size = slab_size(class_index), bytes = 0;
	/* Relaxed: chunk_moved() tells of a range that appears meanwhile. */
	if (atomic_load_explicit(&chunks->free_bytes, memory_order_relaxed) == 0)
		return 0;
	class_index = first_range(chunks, class_index);
	if (class_index == chunks->classes)
		return 0;
	chunk_begin_move(chunks);
	for (; class_index < chunks->classes && range == NULL; class_index++)
		range = tagged_stack_pop(&chunks->free[class_index].stack);
	if (range != NULL) {
		bytes = range->bytes < most * size ? range->bytes / size * size : most * size;
		*ret_offset = cut(chunks, range, bytes);
		atomic_fetch_sub_explicit(&chunks->free_bytes, bytes, memory_order_relaxed);
		if (range->bytes > 0)
			chunk_put_range(chunks, range);
		else
			chunk_forget(chunks, range);
	}
	chunk_end_move(chunks);
	return bytes;
}

/* Note that these bytes are chunks of the class, of so many bytes each. */
static void note(struct chunks *chunks, unsigned int class_index, size_t offset, size_t bytes,
	size_t each)
{
	struct chunk *chunk;
	while (bytes > 0 && (chunk = chunk_record(chunks)) != NULL) {
		chunk->offset = offset;
		chunk->bytes = bytes < each ? bytes : each;
		chunk->absent = 0;
		offset += chunk->bytes;
		bytes -= chunk->bytes;
		/* Its slabs are in the caller's hands: no trim finds them. */
		tagged_stack_push(&chunks->carved[class_index].stack, &chunk->link);
	}
}

static bool is_ample(const struct chunks *chunks)
{
	size_t limit = chunks->slabs->limit;
	/* Relaxed: an estimate. */
	size_t left = limit - atomic_load_explicit(&chunks->slabs->taken, memory_order_relaxed);
	left += atomic_load_explicit(&chunks->free_bytes, memory_order_relaxed);
	return left >= limit / CHUNK_AMPLE_SHARE;
}

/* To map fresh memory is a move: other threads may overlook it. */
static size_t take_fresh(struct chunks *chunks, size_t size, size_t most, size_t *ret_offset)
{
	if (!region_grows(chunks->slabs))
		return region_take(chunks->slabs, size, most, ret_offset);
	chunk_begin_move(chunks);
	size_t bytes = region_take(chunks->slabs, size, most, ret_offset);
	if (bytes > 0)
		chunk_end_move(chunks);
	else /* relaxed: nothing has moved */
		atomic_fetch_sub_explicit(&chunks->begun, 1, memory_order_relaxed);
	return bytes;
}

size_t chunk_carve(struct chunks *chunks, unsigned int class_index, size_t slabs, size_t most,
	size_t *ret_offset)
{
	size_t size = slab_size(class_index);
	size_t wanted = most > 1 && is_ample(chunks) ? slabs * most : slabs;
	size_t bytes = carve_range(chunks, class_index, wanted, ret_offset);
	if (bytes == 0)
		bytes = take_fresh(chunks, size, wanted, ret_offset);
	else
		watched_carve(chunks, chunks->slabs->base + *ret_offset, bytes, size);
	note(chunks, class_index, *ret_offset, bytes, slabs * size);
	return bytes;
}

bool chunk_take_metadata(struct chunks *chunks, size_t bytes, size_t *ret_offset)
{
	struct chunk *range = tagged_stack_pop(&chunks->pages.stack);
	if (range == NULL)
		return false;
	*ret_offset = cut(chunks, range, bytes);
	if (range->bytes > 0)
		tagged_stack_push(&chunks->pages.stack, &range->link);
	else
		chunk_forget(chunks, range);
	return true;
}
