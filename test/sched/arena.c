/* SPDX-License-Identifier: MIT */
/*
 * The memory that runs use, beside variables. A run takes pieces of it, one after
 * the other, and gives none back. Before the next run it is zero again.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct memory *memory;

static void *map_at(uintptr_t address, size_t bytes)
{
	void *result = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0),
		-1, 0);
	if (result == MAP_FAILED) {
		perror("sched: mmap");
		exit(2);
	}
	return result;
}

void memory_init(void)
{
	memory = map_at(0, sizeof(*memory));
	memory->first = memory->next = map_at(ARENA, ARENA_BYTES);
	memory->arena = map_at(0, ARENA_BYTES / CELL * sizeof(struct cell));
	memory->page = map_at(0, ARENA_BYTES / PAGE * sizeof(struct page));
	memory->globals =
		map_at(0, ((size_t)(_end - __data_start) / CELL + 3) * sizeof(struct cell));
}

void *memory_reserve(size_t bytes, size_t align)
{
	char *taken = (char *)(((uintptr_t)memory->next + align - 1) / align * align);
	/* Some bytes between two pieces belong to none. */
	if ((uintptr_t)taken > ARENA + ARENA_BYTES - 64 ||
		bytes > ARENA + ARENA_BYTES - 64 - (uintptr_t)taken)
		return NULL;
	memory->next = taken + bytes + 64;
	if (!is_running())
		memory->first = memory->next; /* it outlives every run */
	return taken;
}

void *memory_reserve_hole(size_t bytes, size_t align)
{
	char *taken = memory_reserve(bytes + MEMORY_HOLE, align);
	if (taken != NULL && is_running() && memory->hole_count < RESERVED)
		memory->holes[memory->hole_count++] =
			(struct hole){ taken + bytes, taken + bytes + MEMORY_HOLE };
	return taken;
}

bool memory_fill_hole(char *address, size_t bytes)
{
	for (unsigned int i = 0; i < memory->hole_count; i++) {
		struct hole *hole = &memory->holes[i];
		if (address != hole->begin || bytes > (size_t)(hole->end - hole->begin))
			continue;
		hole->begin += bytes;
		memory_open(address, bytes);
		return true;
	}
	return false;
}

void memory_open(void *address, size_t bytes)
{
	if (!is_running())
		return;
	if (memory->opened < OPENED)
		memory->open[memory->opened] = (struct piece){ address, bytes };
	memory->opened++;
}

void *memory_take(size_t bytes, size_t align)
{
	void *taken = memory_reserve(bytes, align);
	if (taken != NULL)
		memory_open(taken, bytes);
	return taken;
}

/* Memory is zero again, as far as a run may have written. */
void memory_begin(void)
{
	size_t bytes = 0;
	for (unsigned int i = 0; i < memory->opened && i < OPENED; i++)
		bytes += memory->open[i].bytes;
	if (memory->opened <= OPENED && bytes < (size_t)1 << 20)
		for (unsigned int i = 0; i < memory->opened; i++)
			memset(memory->open[i].address, 0, memory->open[i].bytes);
	else {
		uintptr_t begin = ((uintptr_t)memory->first + 4095) & ~(uintptr_t)4095;
		memset(memory->first, 0, begin - (uintptr_t)memory->first);
		madvise((void *)begin, (size_t)(memory->next - (char *)begin) + 4096,
			MADV_DONTNEED);
	}
	memory->opened = memory->reserved = memory->hole_count = 0;
	memory->next = memory->first;
	memory->locations = memory->parts = 1;
	memset(&memory->fences, 0, sizeof(memory->fences));
	memory->pairs = 0;
	memset(memory->halves_count, 0, sizeof(memory->halves_count));
}
