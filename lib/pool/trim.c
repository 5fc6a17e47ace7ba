/* SPDX-License-Identifier: MIT */
/*
 * Giving memory back. A chunk can go when each of its slabs is free and in no other thread's
 * hands; nothing marks a slab as free, so the trimming thread looks at them all, one size
 * class at a time:
 *
 *	caches    that are idle are emptied into the depot, as for reclaiming
 *	take      the class's chunks, magazines and loose slabs, off their stacks, one by one
 *	count     for each chunk, how many of its slabs are among them
 *	give up   chunks with all of them: these become free ranges; their slabs are none any more
 *	put       what is left back
 *
 * and then, for all classes, merges the free ranges that adjoin, has the system take the
 * whole pages in them, and lets everybody carve from them. What was taken is the trimming
 * thread's alone, so a chunk that it has counted whole stays whole. What is freed behind
 * its back waits for the next trim, and so does a chunk of which another thread's
 * cache holds a slab.
 *
 * Others go on meanwhile, without what is in this thread's hands; all of it is one move
 * (chunk.c), so who finds no memory knows that there may be some. They are woken at the end.
 *
 * In the end it is the turn of empty magazines, 256 bytes for each 60 slabs or fewer: whole pages
 * of them go to the system. Reading their links later is possible still: zeroes.
 *
 * The notes taken on the way are in memory mapped for the purpose, for as many chunks as there
 * are records when it begins. If there are more by then, the rest is left for the next time.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/sanitizer.h"
#include "pool/pool.h"
#include "base/tracepoint.h"

#define MAGAZINES_PER_PAGE (CHUNK_PAGE / sizeof(struct magazine))
_Static_assert(CHUNK_PAGE % sizeof(struct magazine) == 0, "pages are full of magazines");

struct span {
	struct chunk *chunk;
	size_t free; /* bytes of its slabs that were found */
};

struct trim {
	struct magring_pool *pool;
	struct depot *depot;
	struct chunks *chunks;
	struct span *spans;     /* those of one class, in order of their offsets */
	size_t count;
	size_t capacity;
	unsigned char *empty;   /* how many empty magazines a page of the metadata has */
	size_t empty_pages;
	ck_stack_entry_t *free; /* chunks that were given up */
	size_t bytes;           /* that the system has got */
};

static void keep(ck_stack_entry_t **list, ck_stack_entry_t *entry)
{
	/* Others may still be reading it: see tagged_stack.h. */
	ck_pr_store_ptr(&entry->next, *list);
	*list = entry;
}

static void *next(ck_stack_entry_t **list)
{
	ck_stack_entry_t *entry = *list;
	if (entry != NULL)
		*list = entry->next;
	return entry;
}

static int compare(const void *a, const void *b)
{
	size_t offset = ((const struct span *)a)->chunk->offset;
	size_t other = ((const struct span *)b)->chunk->offset;
	return (offset > other) - (offset < other);
}

/* The chunk or range of this slab, or NULL: it was carved without a record, or later. */
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

/* Chunks, or ranges, off a stack and into order. */
static void take_spans(struct trim *trim, ck_stack_t *stack)
{
	struct chunk *chunk;
	while (trim->count < trim->capacity && (chunk = tagged_stack_pop(stack)) != NULL)
		trim->spans[trim->count++] = (struct span){ .chunk = chunk };
}

/* Whole chunks to the list, the others back. */
static void give_up(struct trim *trim, unsigned int class_index)
{
	struct depot_class *class = &trim->depot->class[class_index];
	size_t bytes = 0;
	for (size_t i = 0; i < trim->count; i++) {
		struct chunk *chunk = trim->spans[i].chunk;
		if (!is_whole(&trim->spans[i])) {
			tagged_stack_push(&trim->chunks->carved[class_index].stack, &chunk->link);
			continue;
		}
		sanitizer_forbid(trim->depot->slabs.base + chunk->offset, chunk->bytes);
		bytes += chunk->bytes;
		keep(&trim->free, &chunk->link);
	}
	/* [account] release: who sees this count sees that of those who carved. */
	atomic_store_explicit(&class->trimmed,
		atomic_load_explicit(&class->trimmed, memory_order_relaxed) + bytes / class->slab_size,
		memory_order_release);
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

static void trim_class(struct trim *trim, unsigned int class_index)
{
	struct depot_class *class = &trim->depot->class[class_index];
	ck_stack_entry_t *magazines = NULL, *loose = NULL, *slab;
	struct magazine *magazine;
	trim->count = 0;
	take_spans(trim, &trim->chunks->carved[class_index].stack);
	if (trim->count == 0)
		return;
	qsort(trim->spans, trim->count, sizeof(*trim->spans), compare);
	while ((magazine = tagged_stack_pop(&class->filled.stack)) != NULL ||
			(magazine = depot_take_cooled(trim->depot, class_index)) != NULL) {
		for (uint32_t i = 0; i < magazine->count; i++)
			count(trim, magazine->round[i], class->slab_size);
		keep(&magazines, &magazine->link);
	}
	while ((slab = tagged_stack_pop(&class->overflow.stack)) != NULL) {
		count(trim, depot_round(trim->depot, slab), class->slab_size);
		keep(&loose, slab);
	}
	while ((magazine = next(&magazines)) != NULL)
		put_magazine(trim, class_index, magazine);
	while ((slab = next(&loose)) != NULL)
		if (!is_whole(find(trim, depot_round(trim->depot, slab))))
			depot_put_round(trim->depot, class_index, depot_round(trim->depot, slab));
	give_up(trim, class_index);
}

/* All free ranges, the new ones among them, merged where they adjoin. */
static void merge_ranges(struct trim *trim)
{
	struct chunk *chunk, *last = NULL;
	size_t bytes = 0;
	trim->count = 0;
	while ((chunk = next(&trim->free)) != NULL) {
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
	qsort(trim->spans, trim->count, sizeof(*trim->spans), compare);
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

static void give_back_ranges(struct trim *trim)
{
	for (size_t i = 0; i < trim->count; i++) {
		struct chunk *range = trim->spans[i].chunk;
		if (range == NULL)
			continue;
		pool_memory(trim->pool); /* its highest is now, if ever */
		trim->bytes += chunk_give_back(trim->chunks, &trim->depot->slabs, range);
		chunk_put_range(trim->chunks, range);
	}
}

static void put_empty(struct trim *trim, size_t offset, size_t bytes)
{
	for (; bytes > 0; offset += sizeof(struct magazine), bytes -= sizeof(struct magazine)) {
		struct magazine *magazine = (struct magazine *)(void *)(trim->depot->metadata.base + offset);
		magazine->count = 0;
		depot_put(trim->depot, 0, magazine);
	}
}

/* Pages of nothing but empty magazines, which are this thread's. */
static void give_back_pages(struct trim *trim, size_t page, size_t count)
{
	struct chunk *range = chunk_record(trim->chunks);
	size_t offset = page * CHUNK_PAGE, bytes = count * CHUNK_PAGE;
	if (range != NULL) {
		range->offset = offset;
		range->bytes = bytes;
		range->absent = 0;
		size_t given = chunk_give_back(trim->chunks, &trim->depot->metadata, range);
		if (given > 0) {
			trim->bytes += given;
			tagged_stack_push(&trim->chunks->pages.stack, &range->link);
			return;
		}
		chunk_forget(trim->chunks, range);
	}
	put_empty(trim, offset, bytes);
}

static size_t page_of(const struct trim *trim, const struct magazine *magazine)
{
	return (size_t)((const unsigned char *)magazine - trim->depot->metadata.base) / CHUNK_PAGE;
}

static void trim_magazines(struct trim *trim)
{
	ck_stack_entry_t *magazines = NULL;
	struct magazine *magazine;
	while ((magazine = tagged_stack_pop(&trim->depot->empty.stack)) != NULL) {
		if (page_of(trim, magazine) < trim->empty_pages)
			trim->empty[page_of(trim, magazine)]++;
		keep(&magazines, &magazine->link);
	}
	while ((magazine = next(&magazines)) != NULL)
		if (page_of(trim, magazine) >= trim->empty_pages ||
				trim->empty[page_of(trim, magazine)] < MAGAZINES_PER_PAGE)
			depot_put(trim->depot, 0, magazine);
	for (size_t page = 0, end; page < trim->empty_pages; page = end + 1) {
		for (end = page; end < trim->empty_pages && trim->empty[end] == MAGAZINES_PER_PAGE; end++)
			;
		if (end > page)
			give_back_pages(trim, page, end - page);
	}
}

static int trim_pool(struct trim *trim, int64_t idle_ns)
{
	struct depot *depot = trim->depot;
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	/* Relaxed: what is more by now is left for the next time. */
	trim->capacity = atomic_load_explicit(&trim->chunks->records, memory_order_relaxed);
	trim->empty_pages =
		atomic_load_explicit(&depot->metadata.taken, memory_order_relaxed) / CHUNK_PAGE;
	size_t bytes = trim->capacity * sizeof(*trim->spans) + trim->empty_pages + 1;
	void *notes = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (notes == MAP_FAILED)
		return -ENOMEM;
	trim->spans = notes;
	trim->empty = (unsigned char *)(trim->spans + trim->capacity);
	magring_pool_get_stats(trim->pool, &stats); /* for the watermarks */
	thread_empty_idle(&trim->pool->registry, depot, idle_ns);
	chunk_begin_move(trim->chunks);
	for (unsigned int i = 0; i < depot->classes; i++)
		trim_class(trim, i);
	merge_ranges(trim);
	give_back_ranges(trim);
	chunk_end_move(trim->chunks);
	trim_magazines(trim);
	munmap(notes, bytes);
	/* Relaxed: numbers to look at. */
	atomic_fetch_add_explicit(&trim->pool->trims, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&trim->pool->trimmed_bytes, trim->bytes, memory_order_relaxed);
	TRACEPOINT2(trim, depot, trim->bytes);
	for (unsigned int i = 0; i < depot->classes; i++)
		pool_notify_waiters(trim->pool, i);
	return 0;
}

int magring_pool_trim(struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes)
{
	if (pool == NULL || idle_ns < 0)
		return -EINVAL;
	/* [trim] acquire: what the last trim has noted of caches is seen. */
	if (atomic_exchange_explicit(&pool->trimming, true, memory_order_acquire))
		return -EBUSY;
	struct trim trim = { .pool = pool, .depot = &pool->depot, .chunks = &pool->depot.chunks };
	int rc = trim_pool(&trim, idle_ns);
	/* [trim] release: pairs with the exchange. */
	atomic_store_explicit(&pool->trimming, false, memory_order_release);
	if (rc == 0 && ret_bytes != NULL)
		*ret_bytes = trim.bytes;
	return rc;
}
