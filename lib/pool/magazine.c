/* SPDX-License-Identifier: MIT */
/*
 * The magazine layer (Bonwick and Adams, "Magazines and Vmem", USENIX 2001).
 *
 * Their buffer is called a slab here, and their slab a chunk (chunk.c).
 *
 * A thread works on its `hot` slab and its `loaded` magazine alone. A free has
 * the slab hot if none is, and an allocation takes that one first. Such a pair
 * of calls passes one word. The magazine and its count are left alone, as each
 * load of them would wait for the store before it.
 *
 * When `loaded` is empty, or full on a free, the thread swaps it with
 * `previous`. If that does not help it exchanges one magazine with the depot.
 * `previous` is then full, or empty. So a whole magazine of allocations, or of
 * frees, follows before the next exchange.
 *
 *	alloc                                   free, its mirror image
 *	a slab is hot: take it                  none is hot: it is
 *	loaded has a round: take it             loaded has room: put it
 *	previous has rounds: swap, take         previous has room: swap, put
 *	depot has a filled one: exchange        depot has an empty one: exchange
 *	budget left: carve                      memory left: a new one
 */
#include "pool/magazine.h"

#include "base/tracepoint.h"
#include "pool/carve.h"
#include "pool/cooling.h"

static void swap(struct magazine_pair *pair)
{
	struct magazine *magazine = pair->loaded;
	uint32_t rounds = pair->loaded_rounds;
	uint32_t capacity = pair->loaded_capacity;
	pair->loaded = pair->previous;
	pair->loaded_rounds = pair->previous_rounds;
	pair->loaded_capacity = pair->previous_capacity;
	pair->previous = magazine;
	pair->previous_rounds = rounds;
	pair->previous_capacity = capacity;
	pair->cold_rounds = 0;
}

static struct magazine *take_previous(struct magazine_pair *pair)
{
	struct magazine *magazine = pair->previous;
	if (magazine != NULL)
		magazine->count = pair->previous_rounds;
	pair->previous = NULL;
	pair->previous_rounds = pair->previous_capacity = 0;
	return magazine;
}

/*
 * Whether more slabs were freed into this cache than allocated from it, and so
 * its thread frees for others.
 */
static bool frees_for_others(const struct magazine_pair *pair)
{
	/* Relaxed: written by this thread alone. */
	return atomic_load_explicit(&pair->counts.freed, memory_order_relaxed) >
		atomic_load_explicit(&pair->counts.allocated, memory_order_relaxed);
}

/* loaded becomes previous, previous goes to the depot, magazine is loaded. */
static void exchange(struct magazine_pair *pair, struct depot *depot, unsigned int class_index,
	struct magazine *magazine)
{
	struct magazine *previous = take_previous(pair);
	if (previous != NULL && frees_for_others(pair))
		cooling_put(depot, class_index, previous);
	else if (previous != NULL)
		depot_put(depot, class_index, previous);
	swap(pair);
	pair->loaded = magazine;
	pair->loaded_rounds = magazine->count;
	pair->loaded_capacity = depot->class[class_index].rounds;
	pair->cold_rounds = magazine->count;
	pair->header = depot->class[class_index].header;
	if (pair->hot == 0)
		pair->hot = HOT_NONE;
	count_add(&pair->counts.exchanges, 1);
	TRACEPOINT4(exchange, depot, depot->name, class_index, magazine->count);
}

bool magazine_refill(struct magazine_pair *pair, struct depot *depot, unsigned int class_index)
{
	if (pair->previous_rounds > 0) {
		swap(pair);
		return true;
	}
	struct magazine *magazine = depot_take_filled(depot, class_index);
	if (magazine == NULL)
		return false;
	exchange(pair, depot, class_index, magazine);
	return true;
}

bool magazine_drain(struct magazine_pair *pair, struct depot *depot, unsigned int class_index)
{
	if (pair->previous_rounds < pair->previous_capacity) {
		swap(pair);
		return true;
	}
	struct magazine *magazine = depot_take_empty(depot);
	if (magazine == NULL)
		return false;
	exchange(pair, depot, class_index, magazine);
	return true;
}

size_t magazine_flush(struct magazine_pair *pair, struct depot *depot, unsigned int class_index)
{
	size_t rounds = (size_t)pair->loaded_rounds + pair->previous_rounds;
	uint32_t round;
	if (magazine_take_hot(pair, depot, &round)) {
		rounds++;
		if (pair->loaded_rounds < pair->loaded_capacity)
			magazine_put(pair, round);
		else
			depot_put_round(depot, class_index, round);
	}
	for (int i = 0; i < 2; i++) {
		struct magazine *magazine = take_previous(pair);
		if (magazine != NULL)
			depot_put_part(depot, class_index, magazine);
		swap(pair);
	}
	return rounds;
}
