/* SPDX-License-Identifier: MIT */
/*
 * Free slabs from wherever the depot has some.
 *
 *	filled    a magazine from the stack of the class
 *	overflow  slabs without a magazine, into an empty one
 *	carve     chunks of the budget, split into magazines
 *	cooling   the magazine that has cooled longest
 *
 * What is carved has its kind in depot->kinds, for frees to compare. Its byte
 * there is accessible since the slab is (region.c). A message comes after the
 * carving of its slab, and a trim clears the kinds of a chunk before others can
 * carve it. So these bytes need no order of their own.
 *
 * To put a slab back must not fail, even if there is no magazine for it and no
 * memory for one. Such a slab goes to the overflow of its class.
 */
#include "pool/carve.h"

#include "base/sanitizer.h"
#include "base/tracepoint.h"
#include "pool/cooling.h"

static void put_overflow(struct depot *depot, unsigned int class_index, uint32_t round)
{
	sanitizer_permit(depot_slab(depot, round), sizeof(ck_stack_entry_t));
	tagged_stack_push(&depot->class[class_index].overflow.stack, depot_slab(depot, round));
}

static void fill_from_overflow(struct depot *depot, unsigned int class_index,
	struct magazine *magazine)
{
	struct depot_class *class = &depot->class[class_index];
	void *slab;
	while (magazine->count < class->rounds &&
		(slab = tagged_stack_pop(&class->overflow.stack)) != NULL)
		magazine->round[magazine->count++] = depot_round(depot, slab);
}

/* At most so many chunks in a row, counted. Returns: the bytes. */
static size_t carve_bytes(struct depot *depot, unsigned int class_index, size_t slabs, size_t most,
	size_t *ret_offset)
{
	struct depot_class *class = &depot->class[class_index];
	size_t bytes = chunk_carve(&depot->chunks, class_index, slabs, most, ret_offset);
	if (bytes == 0)
		return 0;
	/*
	 * [account] release: a thread that sees the count sees the bytes taken.
	 * And it counts them before another thread can have a slab of them.
	 */
	atomic_fetch_add_explicit(&class->carved, bytes / class->slab_size, memory_order_release);
	TRACEPOINT4(carve, depot, depot->name, class_index, bytes);
	sanitizer_forbid(depot->slabs.base + *ret_offset, bytes);
	return bytes;
}

/*
 * Carve chunks, or as much as is left of one, into `first` and then into
 * magazines for the depot.
 */
static void carve(struct depot *depot, unsigned int class_index, struct magazine *first)
{
	const struct depot_class *class = &depot->class[class_index];
	size_t offset;
	size_t bytes = carve_bytes(depot, class_index, class->chunk, class->batch, &offset);
	size_t left = bytes;
	struct magazine *magazine = first;
	while (left > 0) {
		uint32_t round = (uint32_t)((offset + bytes - left) / SLAB_UNIT);
		left -= class->slab_size;
		depot->kinds.base[round] = (unsigned char)(class->header >> 56);
		if (magazine == NULL) {
			put_overflow(depot, class_index, round);
			continue;
		}
		magazine->round[magazine->count++] = round;
		if (magazine->count < class->rounds && left > 0)
			continue;
		if (magazine != first)
			depot_put(depot, class_index, magazine);
		magazine = left > 0 ? depot_take_empty(depot) : NULL;
	}
}

struct magazine *depot_take_filled(struct depot *depot, unsigned int class_index)
{
	struct magazine *magazine = tagged_stack_pop(&depot->class[class_index].filled.stack);
	if (magazine != NULL)
		return magazine;
	magazine = depot_take_empty(depot);
	if (magazine == NULL)
		return cooling_take(depot, class_index);
	fill_from_overflow(depot, class_index, magazine);
	if (magazine->count == 0)
		carve(depot, class_index, magazine);
	if (magazine->count > 0)
		return magazine;
	depot_put(depot, class_index, magazine);
	return cooling_take(depot, class_index);
}

bool depot_take_round(struct depot *depot, unsigned int class_index, uint32_t *ret_round)
{
	struct magazine *magazine = depot_take_filled(depot, class_index);
	if (magazine != NULL) {
		*ret_round = magazine->round[--magazine->count];
		depot_put(depot, class_index, magazine);
		return true;
	}
	/* No slabs, or no magazine to carve into. */
	void *slab = tagged_stack_pop(&depot->class[class_index].overflow.stack);
	if (slab == NULL) {
		size_t offset;
		if (carve_bytes(depot, class_index, 1, 1, &offset) == 0)
			return false;
		slab = depot->slabs.base + offset;
		depot->kinds.base[offset / SLAB_UNIT] =
			(unsigned char)(depot->class[class_index].header >> 56);
	}
	*ret_round = depot_round(depot, slab);
	return true;
}

void depot_put_round(struct depot *depot, unsigned int class_index, uint32_t round)
{
	struct magazine *magazine = depot_take_empty(depot);
	if (magazine == NULL) {
		put_overflow(depot, class_index, round);
		return;
	}
	magazine->round[magazine->count++] = round;
	depot_put_part(depot, class_index, magazine);
}
