/* SPDX-License-Identifier: MIT */
/*
 * The depot (Bonwick and Adams, "Magazines and Vmem", USENIX 2001) passes
 * magazines between threads. Per class there is a stack of magazines that hold
 * something; empty ones are alike for all classes and lie on one stack. When no
 * filled one is left, a chunk is carved from the budget and split into magazines,
 * one for the caller and the rest for everybody.
 *
 * The stacks are those of tagged_stack.h, whose pop may read the link of a magazine that
 * another thread has taken meanwhile: magazines come from a region and never return
 * to it. Pages of nothing but empty ones may be trimmed, as reading them is all that
 * has to be possible.
 *
 * Putting one slab back must not fail, even if no empty magazine is left and no
 * memory for one. Such a slab goes to the class's `loose` stack, linked through
 * its own bytes, until there is a magazine again.
 */
#include "pool/depot.h"
#include "tuning.h"

#include "base/sanitizer.h"
#include "base/tracepoint.h"

/*
 * A magazine holds slabs of 32 KiB in all, but at least 16 of them unless these
 * were more than 256 KiB, and at least one. More rounds, fewer exchanges; fewer
 * rounds, less memory that lies idle in caches: a thread keeps up to two magazines of
 * each class that it uses.
 */

static uint32_t magazine_rounds(size_t slab_size)
{
	size_t rounds = MAGAZINE_BYTES / slab_size;
	size_t most = MAGAZINE_BYTES_MAX / slab_size;
	if (rounds < MAGAZINE_ROUNDS_FEW)
		rounds = most < MAGAZINE_ROUNDS_FEW ? most : MAGAZINE_ROUNDS_FEW;
	return rounds < 1 ? 1 : rounds > MAGAZINE_ROUNDS ? MAGAZINE_ROUNDS : (uint32_t)rounds;
}

/* Slabs of fewer bytes do not rest. */
/* How much rests at most: one and a half times the cache, and such a share of the budget. */

static uint32_t cooling_places(size_t memory_limit)
{
	long cache = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
	cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
	size_t bytes = (cache > 0 ? (size_t)cache : COOLING_CACHE_BYTES) / 2 * 3;
	if (bytes > memory_limit / COOLING_SHARE)
		bytes = memory_limit / COOLING_SHARE;
	size_t places = bytes / COOLING_PLACE_BYTES;
	return places < COOLING_PLACES ? (uint32_t)places : COOLING_PLACES;
}

int depot_init(struct depot *depot, size_t memory_limit, unsigned int classes)
{
	int rc = region_init(&depot->slabs, memory_limit);
	if (rc != 0)
		return rc;
	/* Twice the magazines that hold all slabs of the smallest class when full,
	 * and thousands of caches. Address space only. */
	rc = region_init(&depot->metadata, memory_limit / 8 + ((size_t)16 << 20));
	if (rc != 0) {
		region_fini(&depot->slabs);
		return rc;
	}
	ck_stack_init(&depot->empty.stack);
	chunks_init(&depot->chunks, &depot->slabs, &depot->metadata, classes);
	depot->classes = classes;
	depot->cooling.places = cooling_places(memory_limit);
	atomic_init(&depot->cooling.next, 0);
	for (unsigned int i = 0; i < COOLING_PLACES; i++)
		atomic_init(&depot->cooling.place[i], 0);
	for (unsigned int i = 0; i < classes; i++) {
		struct depot_class *class = &depot->class[i];
		ck_stack_init(&class->filled.stack);
		ck_stack_init(&class->overflow.stack);
		atomic_init(&class->trimmed, 0);
		class->slab_size = slab_size(i);
		class->chunk = slab_chunk(i, memory_limit);
		class->rounds = magazine_rounds(class->slab_size);
		size_t places = (class->rounds * class->slab_size + COOLING_PLACE_BYTES - 1) / COOLING_PLACE_BYTES;
		class->places = class->slab_size < COOLING_SLAB_MIN || places > depot->cooling.places ? 0 : (uint32_t)places;
	}
	return 0;
}

void depot_fini(struct depot *depot)
{
	region_fini(&depot->metadata);
	region_fini(&depot->slabs);
}

struct magazine *depot_take_empty(struct depot *depot)
{
	struct magazine *magazine = tagged_stack_pop(&depot->empty.stack);
	if (magazine != NULL)
		return magazine;
	size_t offset;
	if (!chunk_take_metadata(&depot->chunks, sizeof(*magazine), &offset) &&
			region_take(&depot->metadata, sizeof(*magazine), 1, &offset) == 0)
		return NULL;
	magazine = (struct magazine *)(void *)(depot->metadata.base + offset);
	magazine->count = 0;
	return magazine;
}

void depot_put(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct depot_stack *stack =
		magazine->count > 0 ? &depot->class[class_index].filled : &depot->empty;
	tagged_stack_push(&stack->stack, &magazine->link);
}

void depot_put_part(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct depot_class *class = &depot->class[class_index];
	/* On top lies the magazine that was put last, likely not a full one. */
	bool part = magazine->count > 0 && magazine->count < class->rounds;
	struct magazine *other = part ? tagged_stack_pop(&class->filled.stack) : NULL;
	if (other != NULL) {
		while (other->count < class->rounds && magazine->count > 0)
			other->round[other->count++] = magazine->round[--magazine->count];
		depot_put(depot, class_index, other);
	}
	depot_put(depot, class_index, magazine);
}

/* What a place holds. */
static uint64_t place_of(const struct depot *depot, unsigned int class_index, const struct magazine *magazine)
{
	uint64_t offset = (uint64_t)((const unsigned char *)magazine - depot->metadata.base);
	return offset * 128 + class_index + 1;
}

static unsigned int class_at(uint64_t place)
{
	return (unsigned int)(place % 128) - 1;
}

static struct magazine *magazine_at(const struct depot *depot, uint64_t place)
{
	return (struct magazine *)(void *)(depot->metadata.base + place / 128);
}

void depot_cool(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct cooling *cooling = &depot->cooling;
	uint32_t places = depot->class[class_index].places;
	if (places == 0 || magazine->count == 0) {
		depot_put(depot, class_index, magazine);
		return;
	}
	/* Relaxed: places are told apart by it, nothing more. */
	uint64_t at = atomic_fetch_add_explicit(&cooling->next, places, memory_order_relaxed);
	for (uint32_t i = 1; i <= places; i++, at++) {
		_Atomic(uint64_t) *place = &cooling->place[at % cooling->places];
		uint64_t mine = i == places ? place_of(depot, class_index, magazine) : 0;
		uint64_t old = 0;
		/* [cooling] release: as [depot], to who takes it from here. */
		if (atomic_compare_exchange_strong_explicit(place, &old, mine, memory_order_release,
				memory_order_relaxed))
			continue;
		chunk_begin_move(&depot->chunks);
		/* [cooling] release: the same. Acquire: pairs with both, for what was here. */
		old = atomic_exchange_explicit(place, mine, memory_order_acq_rel);
		if (old != 0)
			depot_put(depot, class_at(old), magazine_at(depot, old));
		chunk_end_move(&depot->chunks);
	}
}

struct magazine *depot_take_cooled(struct depot *depot, unsigned int class_index)
{
	struct cooling *cooling = &depot->cooling;
	/* Relaxed: where to begin, at the oldest; and what changes meanwhile is told by chunk_moved(). */
	uint64_t at = atomic_load_explicit(&cooling->next, memory_order_relaxed);
	for (uint32_t i = 0; i < cooling->places; i++, at++) {
		_Atomic(uint64_t) *place = &cooling->place[at % cooling->places];
		uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
		/* [cooling] acquire: pairs with depot_cool(). */
		if (old != 0 && class_at(old) == class_index &&
				atomic_compare_exchange_strong_explicit(place, &old, 0,
					memory_order_acquire, memory_order_relaxed))
			return magazine_at(depot, old);
	}
	return NULL;
}

static void put_overflow(struct depot *depot, unsigned int class_index, uint32_t round)
{
	sanitizer_permit(depot_slab(depot, round), sizeof(ck_stack_entry_t));
	tagged_stack_push(&depot->class[class_index].overflow.stack, depot_slab(depot, round));
}

static void fill_from_overflow(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct depot_class *class = &depot->class[class_index];
	void *slab;
	while (magazine->count < class->rounds && (slab = tagged_stack_pop(&class->overflow.stack)) != NULL)
		magazine->round[magazine->count++] = depot_round(depot, slab);
}

/* Carve a chunk, or what is left of one, into `first` and the rest into the depot.
 * Returns how many slabs. */
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
		return depot_take_cooled(depot, class_index);
	fill_from_overflow(depot, class_index, magazine);
	if (magazine->count == 0)
		*ret_carved = carve(depot, class_index, magazine);
	if (magazine->count > 0)
		return magazine;
	depot_put(depot, class_index, magazine);
	return depot_take_cooled(depot, class_index);
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
