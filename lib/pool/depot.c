/* SPDX-License-Identifier: MIT */
/*
 * The depot passes magazines between threads.
 *
 * Each class has a stack of magazines that hold something. Empty magazines are
 * alike for all classes and lie on one stack. A slab that finds no magazine,
 * and no memory for one, lies on the overflow stack of its class. It is linked
 * through its own bytes.
 *
 * A pop of tagged_stack.h may read the link of a magazine that another thread
 * has just taken. So magazines come from a region, and their addresses stay
 * readable. A trim may give back pages of empty magazines: they then read as
 * zeroes.
 */
#include "pool/depot.h"

#include <unistd.h>

#include "tuning.h"

/*
 * Rounds of a full magazine. More rounds cost fewer exchanges. Fewer rounds
 * leave less memory idle in caches, of which each holds up to two magazines a
 * class.
 */
static uint32_t magazine_rounds(size_t slab_size)
{
	size_t rounds = MAGAZINE_BYTES / slab_size;
	size_t most = MAGAZINE_BYTES_MAX / slab_size;
	if (rounds < MAGAZINE_ROUNDS_FEW)
		rounds = most < MAGAZINE_ROUNDS_FEW ? most : MAGAZINE_ROUNDS_FEW;
	return rounds < 1 ? 1 : rounds > MAGAZINE_ROUNDS ? MAGAZINE_ROUNDS : (uint32_t)rounds;
}

/* One and a half times the cache of a core, within a share of the budget. */
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

static void init_class(struct depot *depot, unsigned int class_index, size_t memory_limit)
{
	struct depot_class *class = &depot->class[class_index];
	ck_stack_init(&class->filled.stack);
	ck_stack_init(&class->overflow.stack);
	atomic_init(&class->carved, 0);
	atomic_init(&class->trimmed, 0);
	class->slab_size = slab_size(class_index);
	class->chunk = slab_chunk(class_index, memory_limit);
	class->batch = slab_batch(class_index, memory_limit);
	class->rounds = magazine_rounds(class->slab_size);
	size_t bytes = class->rounds * class->slab_size;
	size_t places = (bytes + COOLING_PLACE_BYTES - 1) / COOLING_PLACE_BYTES;
	bool cools = class->slab_size >= COOLING_SLAB_MIN && places <= depot->cooling.places;
	class->places = cools ? (uint32_t)places : 0;
}

int depot_init(struct depot *depot, size_t memory_limit, unsigned int classes)
{
	/*
	 * Metadata: twice the magazines that hold all slabs of the smallest
	 * class, and those of caches. Address space only.
	 */
	size_t metadata = memory_limit * METADATA_SHARE;
	metadata = metadata < METADATA_BYTES_FEW ? METADATA_BYTES_FEW
		: metadata < METADATA_BYTES      ? metadata
						 : METADATA_BYTES;
	metadata += memory_limit / 8;
	/* All regions, with the pool's own, are less than a half of that. */
	bool whole = region_room(2 * (memory_limit + metadata));
	int rc = region_init(&depot->slabs, memory_limit, whole);
	if (rc != 0)
		return rc;
	rc = region_init(&depot->metadata, metadata, whole);
	if (rc != 0) {
		region_fini(&depot->slabs);
		return rc;
	}
	/* For all of the last page, too. */
	rc = region_init(&depot->kinds, (memory_limit + REGION_PAGE) / SLAB_UNIT, whole);
	if (rc != 0) {
		region_fini(&depot->metadata);
		region_fini(&depot->slabs);
		return rc;
	}
	region_put_beside(&depot->slabs, &depot->kinds, SLAB_UNIT);
	ck_stack_init(&depot->empty.stack);
	chunks_init(&depot->chunks, &depot->slabs, &depot->metadata, classes);
	depot->classes = classes;
	depot->cooling.places = cooling_places(memory_limit);
	atomic_init(&depot->cooling.next, 0);
	for (unsigned int i = 0; i < COOLING_PLACES; i++)
		atomic_init(&depot->cooling.place[i], 0);
	for (unsigned int i = 0; i < classes; i++)
		init_class(depot, i, memory_limit);
	return 0;
}

void depot_fini(struct depot *depot)
{
	region_fini(&depot->kinds);
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
	/* The magazine on top was put last, and is likely not full. */
	bool part = magazine->count > 0 && magazine->count < class->rounds;
	struct magazine *other = part ? tagged_stack_pop(&class->filled.stack) : NULL;
	if (other != NULL) {
		while (other->count < class->rounds && magazine->count > 0)
			other->round[other->count++] = magazine->round[--magazine->count];
		depot_put(depot, class_index, other);
	}
	depot_put(depot, class_index, magazine);
}
