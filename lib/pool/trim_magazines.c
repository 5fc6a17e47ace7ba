/* SPDX-License-Identifier: MIT */
/*
 * Trimming of empty magazines: 256 bytes for each 60 slabs or fewer.
 *
 * The trimming thread takes all empty magazines off their stack and counts them
 * by page. Pages full of them go to the system, the others back to the stack. A
 * thread may still read the link of a magazine in a page that went: it reads
 * zero.
 */
#include "pool/trim_magazines.h"

#define MAGAZINES_PER_PAGE (REGION_PAGE / sizeof(struct magazine))
_Static_assert(REGION_PAGE % sizeof(struct magazine) == 0, "pages are full of magazines");

size_t trim_magazine_pages(const struct depot *depot)
{
	/* Relaxed: pages beyond these are left for the next time. */
	return atomic_load_explicit(&depot->metadata.taken, memory_order_relaxed) / REGION_PAGE;
}

static void put_empty(struct depot *depot, size_t offset, size_t bytes)
{
	for (; bytes > 0; offset += sizeof(struct magazine), bytes -= sizeof(struct magazine)) {
		struct magazine *magazine = (void *)(depot->metadata.base + offset);
		magazine->count = 0;
		depot_put(depot, 0, magazine);
	}
}

/* Pages of nothing but empty magazines, which are this thread's. */
static size_t give_back_pages(struct depot *depot, size_t page, size_t count)
{
	struct chunk *range = chunk_record(&depot->chunks);
	size_t offset = page * REGION_PAGE, bytes = count * REGION_PAGE;
	if (range != NULL) {
		range->offset = offset;
		range->bytes = bytes;
		range->absent = 0;
		size_t given = chunk_give_back(&depot->chunks, &depot->metadata, range);
		if (given > 0) {
			tagged_stack_push(&depot->chunks.pages.stack, &range->link);
			return given;
		}
		chunk_forget(&depot->chunks, range);
	}
	put_empty(depot, offset, bytes);
	return 0;
}

static size_t page_of(const struct depot *depot, const struct magazine *magazine)
{
	return (size_t)((const unsigned char *)magazine - depot->metadata.base) / REGION_PAGE;
}

size_t trim_magazines(struct depot *depot, unsigned char *empty, size_t pages)
{
	ck_stack_entry_t *magazines = NULL;
	struct magazine *magazine;
	size_t bytes = 0;
	while ((magazine = tagged_stack_pop(&depot->empty.stack)) != NULL) {
		if (page_of(depot, magazine) < pages)
			empty[page_of(depot, magazine)]++;
		trim_keep(&magazines, &magazine->link);
	}
	while ((magazine = trim_next(&magazines)) != NULL)
		if (page_of(depot, magazine) >= pages ||
			empty[page_of(depot, magazine)] < MAGAZINES_PER_PAGE)
			depot_put(depot, 0, magazine);
	for (size_t page = 0, end; page < pages; page = end + 1) {
		for (end = page; end < pages && empty[end] == MAGAZINES_PER_PAGE; end++)
			;
		if (end > page)
			bytes += give_back_pages(depot, page, end - page);
	}
	return bytes;
}
