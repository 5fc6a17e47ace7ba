/* SPDX-License-Identifier: MIT */
/*
 * What a trim does with one class, and then with free ranges.
 *
 * A chunk may go when each of its slabs is free and in no other thread's hands.
 * Nothing marks a slab as free. So the trimming thread looks at all free slabs
 * of the class:
 *
 *	take      the class's chunks, magazines and overflow, off their stacks
 *	count     for each chunk, the bytes of its slabs among them
 *	give up   whole chunks: they become free ranges
 *	put       everything else back
 *
 * Invariant: what was taken belongs to the trimming thread alone, so a chunk
 * that it counted whole stays whole. A slab that is freed meanwhile waits for
 * the next trim. So does a chunk of which another thread's cache holds a slab.
 *
 * Other threads go on, without what is in this thread's hands. All of it is one
 * move (chunk.c), so a thread that finds no memory knows that there may be
 * some.
 *
 * The notes are in memory mapped for the purpose, for as many chunks as there
 * are records at the start. Later ones are left for the next trim.
 */
#include "pool/trim_class.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/sanitizer.h"
#include "base/tracepoint.h"
#include "base/watched.h"
#include "pool/carve.h"
#include "pool/checked_slab.h"
#include "pool/cooling.h"
#include "pool/counts.h"
#include "pool/trim_magazines.h"

static size_t notes_bytes(const struct trim *trim)
{
	return trim->capacity * sizeof(*trim->spans) + trim->pages + 1;
}

int trim_begin(struct trim *trim, struct magring_pool *pool)
{
	struct depot *depot = &pool->depot;
	*trim = (struct trim){ .pool = pool, .depot = depot, .chunks = &depot->chunks };
	/*
	 * Relaxed: chunks beyond these are left for the next time. One more is
	 * for what is left of the budget.
	 */
	trim->capacity = 1 + atomic_load_explicit(&depot->chunks.records, memory_order_relaxed);
	trim->pages = trim_magazine_pages(depot);
	void *notes = mmap(NULL, notes_bytes(trim), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (notes == MAP_FAILED)
		return -ENOMEM;
	trim->spans = notes;
	return 0;
}

void trim_end(struct trim *trim)
{
	munmap(trim->spans, notes_bytes(trim));
	/* Relaxed: numbers to read. */
	atomic_fetch_add_explicit(&trim->pool->trims, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&trim->pool->trimmed_bytes, trim->bytes, memory_order_relaxed);
	TRACEPOINT3(trim, trim->depot, trim->depot->name, trim->bytes);
}

static bool is_before(const struct span *span, const struct span *other)
{
	return span->chunk->offset < other->chunk->offset;
}

/* Put a span where it belongs among the children of its place in a heap. */
static void sift(struct span *heap, size_t place, size_t count)
{
	struct span span = heap[place];
	for (size_t child; (child = 2 * place + 1) < count; place = child) {
		if (child + 1 < count && is_before(&heap[child], &heap[child + 1]))
			child++;
		if (!is_before(&span, &heap[child]))
			break;
		heap[place] = heap[child];
	}
	heap[place] = span;
}

/* By their offsets. qsort() may allocate, and all of it is within a move. */
static void sort(struct span *spans, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift(spans, i - 1, count);
	for (size_t last = count; last-- > 1;) {
		struct span highest = spans[0];
		spans[0] = spans[last];
		spans[last] = highest;
		sift(spans, 0, last);
	}
}

/* The span of this slab, or NULL: it was carved later, or without a record. */
static struct span *find(const struct trim *trim, uint32_t round)
{
	size_t offset = round * SLAB_UNIT, low = 0, high = trim->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (trim->spans[middle].chunk->offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	struct span *span = low > 0 ? &trim->spans[low - 1] : NULL;
	return span != NULL && offset < span->chunk->offset + span->chunk->bytes ? span : NULL;
}

static bool is_whole(const struct span *span)
{
	return span != NULL && span->free == span->chunk->bytes;
}

static void count(struct trim *trim, uint32_t round, size_t slab_size)
{
	struct span *span = find(trim, round);
	if (span != NULL)
		span->free += slab_size;
}

/* Take chunks, or ranges, off a stack. */
static void take_spans(struct trim *trim, ck_stack_t *stack)
{
	struct chunk *chunk;
	while (trim->count < trim->capacity && (chunk = tagged_stack_pop(stack)) != NULL)
		trim->spans[trim->count++] = (struct span){ .chunk = chunk };
}

/* Move whole chunks to the list, and put the others back. */
static void give_up(struct trim *trim, unsigned int class_index)
{
	struct depot_class *class = &trim->depot->class[class_index];
	uint64_t trimmed = atomic_load_explicit(&class->trimmed, memory_order_relaxed);
	for (size_t i = 0; i < trim->count; i++) {
		struct chunk *chunk = trim->spans[i].chunk;
		if (!is_whole(&trim->spans[i])) {
			tagged_stack_push(&trim->chunks->carved[class_index].stack, &chunk->link);
			continue;
		}
		unsigned char *memory = trim->depot->slabs.base + chunk->offset;
		sanitizer_forbid(memory, chunk->bytes);
		if (trim->pool->checked != NULL)
			checked_forget(trim->pool->checked, chunk->offset, chunk->bytes);
		watched_acquire(trim->chunks); /* of the last one that did this */
		memset(trim->depot->kinds.base + chunk->offset / SLAB_UNIT, 0,
			chunk->bytes / SLAB_UNIT);
		watched_give_up(trim->chunks, memory, chunk->bytes, class->slab_size);
		trimmed += chunk->bytes / class->slab_size;
		trim->given_up += chunk->bytes;
		trim_keep(&trim->free, &chunk->link);
	}
	/* [account] release: a reader of this count sees what was carved. */
	atomic_store_explicit(&class->trimmed, trimmed, memory_order_release);
}

static void put_magazine(struct trim *trim, unsigned int class_index, struct magazine *magazine)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < magazine->count; i++)
		if (!is_whole(find(trim, magazine->round[i])))
			magazine->round[left++] = magazine->round[i];
	magazine->count = left;
	depot_put_part(trim->depot, class_index, magazine);
}

void trim_class(struct trim *trim, unsigned int class_index)
{
	struct depot_class *class = &trim->depot->class[class_index];
	ck_stack_entry_t *magazines = NULL, *overflow = NULL, *slab;
	struct magazine *magazine;
	trim->count = 0;
	take_spans(trim, &trim->chunks->carved[class_index].stack);
	if (trim->count == 0)
		return;
	sort(trim->spans, trim->count);
	while ((magazine = tagged_stack_pop(&class->filled.stack)) != NULL ||
		(magazine = cooling_take(trim->depot, class_index)) != NULL) {
		for (uint32_t i = 0; i < magazine->count; i++)
			count(trim, magazine->round[i], class->slab_size);
		trim_keep(&magazines, &magazine->link);
	}
	while ((slab = tagged_stack_pop(&class->overflow.stack)) != NULL) {
		count(trim, depot_round(trim->depot, slab), class->slab_size);
		trim_keep(&overflow, slab);
	}
	while ((magazine = trim_next(&magazines)) != NULL)
		put_magazine(trim, class_index, magazine);
	while ((slab = trim_next(&overflow)) != NULL)
		if (!is_whole(find(trim, depot_round(trim->depot, slab))))
			depot_put_round(trim->depot, class_index, depot_round(trim->depot, slab));
	give_up(trim, class_index);
}

bool trim_take_rest(struct trim *trim)
{
	struct chunk *rest = chunk_take_rest(trim->chunks);
	if (rest != NULL)
		trim_keep(&trim->free, &rest->link);
	return rest != NULL;
}

/* Merge all free ranges, the new ones among them, where they adjoin. */
static void merge_ranges(struct trim *trim)
{
	struct chunk *chunk, *last = NULL;
	size_t bytes = 0;
	trim->count = 0;
	while ((chunk = trim_next(&trim->free)) != NULL) {
		bytes += chunk->bytes;
		if (trim->count < trim->capacity)
			trim->spans[trim->count++] = (struct span){ .chunk = chunk };
		else
			chunk_put_range(trim->chunks, chunk);
	}
	/* Relaxed: within a move. */
	atomic_fetch_add_explicit(&trim->chunks->free_bytes, bytes, memory_order_relaxed);
	for (unsigned int i = 0; i < trim->depot->classes; i++)
		take_spans(trim, &trim->chunks->free[i].stack);
	sort(trim->spans, trim->count);
	for (size_t i = 0; i < trim->count; i++) {
		chunk = trim->spans[i].chunk;
		if (last != NULL && last->offset + last->bytes == chunk->offset) {
			last->bytes += chunk->bytes;
			last->absent += chunk->absent;
			chunk_forget(trim->chunks, chunk);
			trim->spans[i].chunk = NULL;
		} else {
			last = chunk;
		}
	}
}

void trim_ranges(struct trim *trim, bool give_back)
{
	merge_ranges(trim);
	for (size_t i = 0; i < trim->count; i++) {
		struct chunk *range = trim->spans[i].chunk;
		if (range == NULL)
			continue;
		if (give_back) {
			pool_memory(trim->pool); /* for the highest value */
			trim->bytes += chunk_give_back(trim->chunks, &trim->depot->slabs, range);
		}
		chunk_put_range(trim->chunks, range);
	}
}
