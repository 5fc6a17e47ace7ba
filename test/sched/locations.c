/* SPDX-License-Identifier: MIT */
/*
 * Atomic variables: their last stores, and which of these a load may return. See
 * memory.c.
 */
#include "memory.h"

struct location *location_check(uintptr_t address, unsigned int size, const char *what, bool write)
{
	struct location *first = NULL;
	size_t covered;
	rights_check(address, size, what);
	for (uintptr_t at = address, end = address + size; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		cell_check_written(cell, what, address);
		if (write)
			cell_check_times(cell->read, what, address);
		if (at == address)
			first = &memory->location[cell->location];
	}
	return first;
}

/* What the location was before has no more threads that know it. */
static void leave(const struct location *before, uintptr_t address, unsigned int size)
{
	if (unknown(before->written) >= 0 || unknown(before->read) >= 0)
		sched_fail("atomic accesses of %u bytes at %#lx and %u at %#lx", before->size,
			(unsigned long)before->address, size, (unsigned long)address);
}

static struct location *add_location(uintptr_t address, unsigned int size)
{
	size_t covered;
	if (memory->locations == LOCATIONS)
		sched_fail("too many atomic locations");
	buffer_drain_own(address, size);
	for (uintptr_t at = address, end = address + size; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell->location != 0)
			leave(&memory->location[cell->location], address, size);
		cell->location = (uint16_t)memory->locations;
	}
	return &memory->location[memory->locations++];
}

/* All that memory has is one store, which every thread knows. */
static void begin(struct location *location, uintptr_t address, unsigned int size)
{
	memset(location, 0, offsetof(struct location, stores));
	location->address = address;
	location->size = size;
	location->count = 1;
	memset(newest(location), 0, sizeof(struct store));
	newest(location)->value = get(address, size);
}

struct location *location_of(uintptr_t address, unsigned int size, const char *what, bool write)
{
	static struct location local; /* of memory that no thread shares */
	struct location *location = &local;
	if (cell_of(address) == NULL) {
		begin(location, address, size);
		return location;
	}
	location = location_check(address, size, what, write);
	if (location->address != address || location->size != size)
		location = add_location(address, size);
	else if (location->count > 0)
		return location;
	begin(location, address, size);
	return location;
}

static bool is_known(const struct store *store)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (store->seen[i] != 0 && store->seen[i] <= me->clock.at[THREADS + i])
			return true;
	return false;
}

unsigned int location_candidates(struct location *location)
{
	unsigned int n = 1;
	while (n < location->count && !is_known(back(location, n - 1)))
		n++;
	return n;
}

void location_see(struct store *store, int order)
{
	if (store->seen[me->id] == 0)
		store->seen[me->id] = now(me);
	if (!store->releases)
		return;
	if (acquires(order)) {
		clock_join(&me->clock, &store->release);
	} else {
		clock_join(&me->unacquired, &store->release);
		me->has_unacquired = true;
	}
}

void location_note_half(const struct location *location, const struct store *store)
{
	unsigned int *count = &memory->halves_count[me->id];
	if (store->pair != 0)
		memory->halves[me->id][(*count)++ % HALVES] =
			(struct half){ .address = location->address ^ 8, .pair = store->pair };
}

void location_see_halves(void)
{
	unsigned int *count = &memory->halves_count[me->id];
	for (unsigned int i = 0; i < *count && i < HALVES; i++) {
		const struct half *half = &memory->halves[me->id][i];
		struct cell *cell = cell_of(half->address);
		struct location *location = &memory->location[cell->location];
		for (unsigned int n = 0; cell->location != 0 && n < location->count; n++)
			if (back(location, n)->pair == half->pair &&
				back(location, n)->seen[me->id] == 0)
				back(location, n)->seen[me->id] = now(me);
	}
	*count = 0;
}

void location_commit(struct location *location, uint64_t value, const struct clock *release,
	unsigned int writer, uint32_t epoch)
{
	location->newest = (location->newest + 1) % STORES;
	location->count += location->count < STORES;
	struct store *store = newest(location);
	memset(store->seen, 0, sizeof(store->seen));
	store->value = value;
	store->pair = 0;
	store->seen[writer] = epoch;
	store->releases = release != NULL;
	if (release != NULL)
		store->release = *release;
	location->written[writer] = epoch;
	put(location->address, location->size, value);
}
