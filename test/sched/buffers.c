/* SPDX-License-Identifier: MIT */
/*
 * The store buffers of TSO memory. A store in one is seen by its own thread, and
 * by the others when it reaches memory. Stores of a thread do so in order.
 */
#include "memory.h"

void memory_drain_one(struct thread *thread)
{
	if (thread->buffered == 0)
		return;
	struct buffered first = thread->buffer[0];
	memmove(thread->buffer, thread->buffer + 1, --thread->buffered * sizeof(thread->buffer[0]));
	size_t covered;
	struct cell *cell = cell_at(first.address, first.size, &covered);
	if (cell->freed || memory->location[cell->location].address != first.address ||
		memory->location[cell->location].count == 0)
		sched_fail("a buffered store to memory that has gone, at %#lx",
			(unsigned long)first.address);
	location_commit(&memory->location[cell->location], first.value,
		first.releases ? &first.release : NULL, thread->id, first.epoch);
}

void memory_drain(struct thread *thread)
{
	while (thread->buffered > 0)
		memory_drain_one(thread);
}

void buffer_add(struct location *location, uint64_t value, const struct clock *release)
{
	if (me->buffered == BUFFERED)
		memory_drain_one(me);
	struct buffered *store = &me->buffer[me->buffered++];
	*store = (struct buffered){ .address = location->address,
		.size = location->size,
		.value = value,
		.releases = release != NULL,
		.epoch = now(me) };
	if (release != NULL)
		store->release = *release;
	location->written[me->id] = now(me);
}

const struct buffered *buffer_own(uintptr_t address)
{
	for (unsigned int i = me->buffered; i > 0; i--)
		if (me->buffer[i - 1].address == address)
			return &me->buffer[i - 1];
	return NULL;
}

void buffer_drain_own(uintptr_t address, size_t bytes)
{
	for (unsigned int i = 0; i < me->buffered; i++) {
		const struct buffered *store = &me->buffer[i];
		if (store->address < address + bytes && address < store->address + store->size) {
			memory_drain(me);
			return;
		}
	}
}
