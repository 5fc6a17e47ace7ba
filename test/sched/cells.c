/* SPDX-License-Identifier: MIT */
/*
 * Plain accesses: races, and uses of what was freed or zeroed. See memory.c.
 */
#include "memory.h"

#define FREED_MAX 65536 /* bytes of a piece that are marked as freed */

static void race(const char *what, uintptr_t address, int thread)
{
	sched_fail("race at %#lx: %s by thread %u (%s), not ordered after one by thread %d (%s)",
		(unsigned long)address, what, me->id, me->name, thread,
		engine->threads[thread].name);
}

void cell_check_written(const struct cell *cell, const char *what, uintptr_t address)
{
	if (cell->freed)
		sched_fail("%s of freed memory at %#lx by thread %u (%s)", what,
			(unsigned long)address, me->id, me->name);
	if (cell->written > me->clock.at[cell->writer])
		race(what, address, cell->writer);
}

void cell_check_times(const uint32_t *times, const char *what, uintptr_t address)
{
	int thread = unknown(times);
	if (thread >= 0)
		race(what, address, thread);
}

static void plain_cell(struct cell *cell, uintptr_t address, bool write)
{
	const char *what = write ? "a plain write" : "a plain read";
	uint32_t time = now(me);
	/* Again: nothing came between, as no thread knows of this time yet. */
	bool again = (cell->written == time && cell->writer == me->id) ||
		(!write && cell->read[me->id] == time);
	if (again && cell->location == 0 && !cell->freed)
		return;
	cell_check_written(cell, what, address);
	if (write)
		cell_check_times(cell->read, what, address);
	if (cell->location != 0) {
		struct location *location = &memory->location[cell->location];
		cell_check_times(location->written, what, address);
		if (write) {
			cell_check_times(location->read, what, address);
			location->count = 0; /* anew from what memory has then */
		}
	}
	if (write) {
		cell->written = time;
		cell->writer = (uint8_t)me->id;
		memset(cell->read, 0, sizeof(cell->read));
	} else {
		cell->read[me->id] = time;
	}
}

void memory_plain(uintptr_t address, size_t bytes, bool write)
{
	if (!is_running())
		return;
	if (me->buffered > 0)
		buffer_drain_own(address, bytes);
	trace(write ? "write" : "read", address, bytes);
	rights_check(address, bytes, write ? "a plain write" : "a plain read");
	size_t covered;
	for (uintptr_t at = address, end = address + bytes; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL)
			return;
		plain_cell(cell, at, write);
	}
}

static void mark_freed(uintptr_t begin, uintptr_t end)
{
	size_t covered;
	for (uintptr_t at = begin; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL || cell->freed)
			continue; /* it was opened twice */
		plain_cell(cell, at, true);
		cell->freed = true;
	}
}

void memory_freed(uintptr_t address, size_t bytes)
{
	if (!is_running())
		return;
	buffer_drain_own(address, bytes);
	trace("free", address, bytes);
	size_t covered;
	plain_cell(cell_at(address, CELL, &covered), address, true); /* not twice */
	/* What was never opened was never used. */
	for (unsigned int i = 0; i < memory->opened && i < OPENED; i++) {
		uintptr_t begin = (uintptr_t)memory->open[i].address;
		uintptr_t end = begin + memory->open[i].bytes;
		begin = begin > address ? begin : address;
		end = end < address + bytes ? end : address + bytes;
		if (begin < end)
			mark_freed(begin, end);
	}
	if (memory->opened > OPENED)
		mark_freed(address, address + (bytes < FREED_MAX ? bytes : FREED_MAX));
}

/*
 * The system takes pages, and they read as zeroes. A thread may read an atomic
 * variable there at that moment, as pops of a stack do, but not change it. An
 * atomic variable is zero as by a relaxed store: a fence before it counts.
 */
void memory_zero(uintptr_t address, size_t bytes)
{
	memory_drain(me);
	memset((void *)address, 0, bytes);
	size_t covered;
	for (uintptr_t at = address, end = address + bytes; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL)
			return;
		if (cell->location == 0) {
			/* What was never written reads the same at that moment. */
			plain_cell(cell, at, cell->written > 0);
			continue;
		}
		struct location *location = &memory->location[cell->location];
		cell_check_written(cell, "zeroing", at);
		cell_check_times(cell->read, "zeroing", at);
		cell_check_times(location->written, "zeroing", at);
		if (location->address == at)
			location_commit(location, 0, me->has_released ? &me->released : NULL,
				me->id, now(me));
	}
}
