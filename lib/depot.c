/* SPDX-License-Identifier: MIT */
/*
 * The depot (Bonwick and Adams, "Magazines and Vmem", USENIX 2001) passes
 * magazines between threads. Per class there is a stack of magazines that hold
 * something; empty ones are alike for all classes and lie on one stack. When no
 * filled one is left, a chunk is carved from the budget and split into magazines,
 * one for the caller and the rest for everybody.
 *
 * The stacks are ConcurrencyKit's (Treiber, with a generation count against
 * ABA). Its pop reads the link of an entry that another thread may just have
 * popped, so a magazine's memory stays what it is until the pool goes: magazines
 * come from a region and never return to it.
 *
 *	[depot] what was written into a magazine before depot_put() is visible after
 *	the take that returns it.
 *
 * Putting one slab back must not fail, even if no empty magazine is left and no
 * memory for one. Such a slab goes to the class's `loose` stack, linked through
 * its own bytes.
 */
#include "depot.h"

#include <errno.h>
#include <string.h>

/* A thread's cache keeps at most twice this many bytes of a class, but at least
 * two slabs. */
#define MAGAZINE_BYTES ((size_t)256 << 10)

#if defined(__SANITIZE_THREAD__)
#define DEPOT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DEPOT_TSAN 1
#endif
#endif

#ifdef DEPOT_TSAN
/* ThreadSanitizer does not see the fences of ck_stack's assembly: tell it. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define edge_release(address) __tsan_release(address)
#define edge_acquire(address) __tsan_acquire(address)
#else
#define edge_release(address) atomic_thread_fence(memory_order_release)
#define edge_acquire(address) atomic_thread_fence(memory_order_acquire)
#endif

static void stack_push(struct depot_stack *stack, ck_stack_entry_t *entry)
{
	/* [depot] release: reads and writes of the entry's memory are over before
	 * the entry is on the stack (ck's own fence orders stores alone). */
	edge_release(entry);
	ck_stack_push_mpmc(&stack->stack, entry);
}

static void *stack_pop(struct depot_stack *stack)
{
	ck_stack_entry_t *entry = ck_stack_pop_mpmc(&stack->stack);
	if (entry != NULL)
		/* [depot] acquire: pairs with stack_push(). */
		edge_acquire(entry);
	return entry;
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
	depot->classes = classes;
	for (unsigned int i = 0; i < classes; i++) {
		struct depot_class *class = &depot->class[i];
		ck_stack_init(&class->filled.stack);
		ck_stack_init(&class->loose.stack);
		class->slab_size = slab_size(i);
		class->chunk = slab_chunk(i);
		size_t rounds = MAGAZINE_BYTES / class->slab_size;
		class->rounds = rounds < 1 ? 1 : rounds > MAGAZINE_ROUNDS ? MAGAZINE_ROUNDS : (uint32_t)rounds;
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
	struct magazine *magazine = stack_pop(&depot->empty);
	if (magazine != NULL)
		return magazine;
	size_t offset;
	if (region_take(&depot->metadata, sizeof(*magazine), sizeof(*magazine),
			sizeof(*magazine), &offset) == 0)
		return NULL;
	magazine = (struct magazine *)(void *)(depot->metadata.base + offset);
	magazine->count = 0;
	return magazine;
}

void depot_put(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct depot_stack *stack =
		magazine->count > 0 ? &depot->class[class_index].filled : &depot->empty;
	stack_push(stack, &magazine->link);
}

/* Fill a magazine with the slabs from *offset on, as many as fit below end. */
static void fill(const struct depot_class *class, struct magazine *magazine,
	size_t *offset, size_t end)
{
	while (magazine->count < class->rounds && *offset < end) {
		magazine->round[magazine->count++] = (uint32_t)(*offset / SLAB_UNIT);
		*offset += class->slab_size;
	}
}

static struct magazine *carve(struct depot *depot, unsigned int class_index, size_t *ret_carved)
{
	const struct depot_class *class = &depot->class[class_index];
	/* The magazine first: slabs that nobody can hold must not be carved. */
	struct magazine *first = depot_take_empty(depot);
	if (first == NULL)
		return NULL;
	size_t offset;
	size_t bytes = region_take(&depot->slabs, class->slab_size,
		class->chunk * class->slab_size, class->slab_size, &offset);
	*ret_carved = bytes / class->slab_size;
	size_t end = offset + bytes;
	if (bytes == 0) {
		depot_put(depot, class_index, first);
		return NULL;
	}
	fill(class, first, &offset, end);
	while (offset < end) {
		struct magazine *more = depot_take_empty(depot);
		if (more == NULL) {
			depot_put_round(depot, class_index, (uint32_t)(offset / SLAB_UNIT));
			offset += class->slab_size;
			continue;
		}
		fill(class, more, &offset, end);
		depot_put(depot, class_index, more);
	}
	return first;
}

struct magazine *depot_take_filled(struct depot *depot, unsigned int class_index,
	size_t *ret_carved)
{
	struct depot_class *class = &depot->class[class_index];
	*ret_carved = 0;
	struct magazine *magazine = stack_pop(&class->filled);
	if (magazine != NULL)
		return magazine;
	return carve(depot, class_index, ret_carved);
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
	void *slab = stack_pop(&depot->class[class_index].loose);
	if (slab == NULL)
		return false;
	*ret_round = depot_round(depot, slab);
	return true;
}

void depot_put_round(struct depot *depot, unsigned int class_index, uint32_t round)
{
	struct depot_class *class = &depot->class[class_index];
	/* On top lies the magazine that was put last, likely not a full one. */
	struct magazine *magazine = stack_pop(&class->filled);
	if (magazine != NULL && magazine->count == class->rounds) {
		depot_put(depot, class_index, magazine);
		magazine = NULL;
	}
	if (magazine == NULL)
		magazine = depot_take_empty(depot);
	if (magazine == NULL) {
		ck_stack_entry_t *link = depot_slab(depot, round);
		stack_push(&class->loose, link);
		return;
	}
	magazine->round[magazine->count++] = round;
	depot_put(depot, class_index, magazine);
}
