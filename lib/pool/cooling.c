/* SPDX-License-Identifier: MIT */
/*
 * Cooling: large slabs that others allocated wait before they are used again.
 *
 * A freed slab is in the cache of the core that freed it. A thread on another
 * core that writes to it waits until that core gives up each line. Once other
 * slabs have displaced it there, the wait is over. So a magazine of large slabs
 * is handed on after as many bytes were freed behind it as that cache holds.
 * Where slabs pass from core to core this doubled the throughput of 4 KiB
 * payloads. The price is the memory that cools: it is out of use for a while.
 *
 * The places form a ring, one for each COOLING_PLACE_BYTES of slabs. A magazine
 * takes as many places in a row as it has bytes, and stands in the last of
 * them.
 *
 *	put: claim places; empty each of them; store the magazine in the last
 *	     what was in a place goes to the depot
 *	take: the first magazine of the class from the oldest place on
 *
 * A magazine that moves from a place to the depot is in a thread's hands for a
 * moment. That is a move (chunk.c): a thread that finds no memory tries again.
 */
#include "pool/cooling.h"

/* A place holds the offset of a magazine, and its class. 0 is nothing. */
static uint64_t place_of(const struct depot *depot, unsigned int class_index,
	const struct magazine *magazine)
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

void cooling_put(struct depot *depot, unsigned int class_index, struct magazine *magazine)
{
	struct cooling *cooling = &depot->cooling;
	uint32_t places = depot->class[class_index].places;
	if (places == 0 || magazine->count == 0) {
		depot_put(depot, class_index, magazine);
		return;
	}
	/* Relaxed: it only gives each thread places of its own. */
	uint64_t at = atomic_fetch_add_explicit(&cooling->next, places, memory_order_relaxed);
	for (uint32_t i = 1; i <= places; i++, at++) {
		_Atomic(uint64_t) *place = &cooling->place[at % cooling->places];
		uint64_t mine = i == places ? place_of(depot, class_index, magazine) : 0;
		uint64_t old = 0;
		/*
		 * [cooling] release: as [depot], for the thread that takes it
		 * from here.
		 */
		if (atomic_compare_exchange_strong_explicit(place, &old, mine, memory_order_release,
			    memory_order_relaxed))
			continue;
		chunk_begin_move(&depot->chunks);
		/*
		 * [cooling] acq_rel: the same, and pairs with both for what was
		 * here.
		 */
		old = atomic_exchange_explicit(place, mine, memory_order_acq_rel);
		if (old != 0)
			depot_put(depot, class_at(old), magazine_at(depot, old));
		chunk_end_move(&depot->chunks);
	}
}

struct magazine *cooling_take(struct depot *depot, unsigned int class_index)
{
	struct cooling *cooling = &depot->cooling;
	/* Relaxed: where to begin. chunk_moved() tells of changes meanwhile. */
	uint64_t at = atomic_load_explicit(&cooling->next, memory_order_relaxed);
	for (uint32_t i = 0; i < cooling->places; i++, at++) {
		_Atomic(uint64_t) *place = &cooling->place[at % cooling->places];
		uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
		/* [cooling] acquire: pairs with cooling_put(). */
		if (old != 0 && class_at(old) == class_index &&
			atomic_compare_exchange_strong_explicit(place, &old, 0,
				memory_order_acquire, memory_order_relaxed))
			return magazine_at(depot, old);
	}
	return NULL;
}
