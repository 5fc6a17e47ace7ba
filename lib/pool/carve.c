/* SPDX-License-Identifier: MIT */
/*
 * Free slabs from wherever the depot has some.
 *
 *	filled    a magazine from the stack of the class
 *	overflow  slabs without a magazine, into an empty one
 *	carve     a chunk of the budget, split into magazines
 *	cooling   the magazine that has cooled longest
 *
 * What is carved has its kind in depot->kinds, for frees to compare. A message
 * comes after the carving of its slab, and a trim clears the kinds of a chunk
 * before others can carve it. So these bytes need no order of their own.
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

/*
 * Carve a chunk, or as much as is left of one, into `first` and then into
 * magazines for the depot. Returns the number of slabs.
 */
static size_t carve(struct depot *depot, unsigned int class_index, struct magazine *first)
{
	const struct depot_class *class = &depot->class[class_index];
	size_t offset;
	size_t bytes = chunk_carve(&depot->chunks, class_index, class->chunk, &offset);
	size_t left = bytes;
	struct magazine *magazine = first;
	if (bytes > 0) {
		TRACEPOINT3(carve, depot, class_index, bytes);
		sanitizer_forbid(depot->slabs.base + offset, bytes);
	}
	while (left > 0) {
		uint32_t round = (uint32_t)((offset + bytes - left) / SLAB_UNIT);
		left -= class->slab_size;
		depot->kinds[round] = (unsigned char)(class->header >> 56);
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
	return bytes / class->slab_size;
}

struct magazine *depot_take_filled(struct depot *depot, unsigned int class_index,
	size_t *ret_carved)
{
	*ret_carved = 0;
	struct magazine *magazine = tagged_stack_pop(&depot->class[class_index].filled.stack);
	if (magazine != NULL)
		return magazine;
	magazine = depot_take_empty(depot);
	if (magazine == NULL)
		return cooling_take(depot, class_index);
	fill_from_overflow(depot, class_index, magazine);
	if (magazine->count == 0)
		*ret_carved = carve(depot, class_index, magazine);
	if (magazine->count > 0)
		return magazine;
	depot_put(depot, class_index, magazine);
	return cooling_take(depot, class_index);
}

bool depot_take_round(struct depot *depot, unsigned int class_index, uint32_t *ret_round,
	size_t *ret_carved)
{
	struct magazine *magazine = depot_take_filled(depot, class_index, ret_carved);
	if (magazine != NULL) {
		*ret_round = magazine->round[--magazine->count];
		depot_put(depot, class_index, magazine);
		return true;
	}
	/* No slabs, or no magazine to carve into. */
	void *slab = tagged_stack_pop(&depot->class[class_index].overflow.stack);
	if (slab == NULL) {
		size_t offset, bytes = chunk_carve(&depot->chunks, class_index, 1, &offset);
		if (bytes == 0)
			return false;
		*ret_carved = 1;
		TRACEPOINT3(carve, depot, class_index, bytes);
		slab = depot->slabs.base + offset;
		depot->kinds[offset / SLAB_UNIT] =
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
