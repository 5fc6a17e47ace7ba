/* SPDX-License-Identifier: MIT */
/*
 * memory: what arena.c, cells.c, locations.c, buffers.c and memory.c share. A
 * cell is for races, a location for the values of an atomic variable.
 */
#ifndef MAGRING_SCHED_MEMORY_H
#define MAGRING_SCHED_MEMORY_H

#include "engine.h"

#include <string.h>

#define ARENA ((uintptr_t)0x200000000000)
#define ARENA_BYTES ((size_t)256 << 20)
#define STORES 8
#define LOCATIONS 8192
#define CELL 4
#define PARTS 65536
#define OPENED 256
#define PAGE ((size_t)4096)
#define RESERVED 64
#define HALVES 8 /* that a thread may see between two fences, and more are forgotten */

struct store {
	uint64_t value;
	struct clock release;
	uint32_t seen[THREADS]; /* when a thread first saw it; 0: not yet */
	uint32_t pair;          /* the number of the 16-byte store that it is half of; or 0 */
	bool releases;
};

struct location {
	uintptr_t address;
	unsigned int size;
	unsigned int count; /* of stores that are remembered */
	unsigned int newest;
	uint32_t read[THREADS]; /* atomically, last */
	uint32_t written[THREADS];
	struct store stores[STORES];
};

struct cell {
	uint32_t run; /* in which the rest was valid */
	uint32_t written;
	uint8_t writer;
	bool freed;
	uint16_t location; /* and 0 is none */
	uint16_t parts;    /* and 0 is none: a cell for each byte, instead of this one */
	uint32_t read[THREADS];
};

/* See rights.c. */
struct page {
	uint32_t run; /* in which the rest was valid */
	bool is_reserved;
	uint32_t opened[THREADS]; /* when a thread first made it accessible; 0: not yet */
};

struct memory {
	char *next; /* free memory of the arena */
	char *first;
	unsigned int opened; /* pieces that the run may write to */
	struct piece {
		void *address;
		size_t bytes;
	} open[OPENED];
	struct piece without[RESERVED]; /* mapped without rights */
	unsigned int reserved;
	struct hole {
		char *begin, *end;
	} holes[RESERVED]; /* addresses behind these, where more can be mapped */
	unsigned int hole_count;
	unsigned int locations;
	struct clock fences; /* what the full fences so far order */
	uint32_t pairs;      /* 16-byte stores so far */
	struct half {
		uintptr_t address;
		uint32_t pair;
	} halves[THREADS][HALVES]; /* of which a thread has seen the other one */
	unsigned int halves_count[THREADS];
	struct page *page;
	struct cell *arena;
	struct cell *globals;
	struct location location[LOCATIONS];
	unsigned int parts;
	struct cell part[PARTS][CELL];
};
extern struct memory *memory;

extern char __data_start[], _end[];

/* ------------------------------------------------------------------ cells -- */

/* NULL: memory that no thread shares, like the thread-local. */
static inline struct cell *cell_of(uintptr_t address)
{
	struct cell *cell;
	if (address - ARENA < ARENA_BYTES)
		cell = &memory->arena[(address - ARENA) / CELL];
	else if (address >= (uintptr_t)__data_start && address < (uintptr_t)_end)
		cell = &memory->globals[address / CELL - (uintptr_t)__data_start / CELL];
	else
		return NULL;
	if (cell->run != engine->run) {
		memset(cell, 0, sizeof(*cell));
		cell->run = engine->run;
	}
	return cell;
}

/* Of these bytes, the cell that has the first, and how many of them it has. */
static inline struct cell *cell_at(uintptr_t address, size_t bytes, size_t *ret_covered)
{
	struct cell *cell = cell_of(address);
	size_t offset = address % CELL;
	*ret_covered = CELL - offset;
	if (cell == NULL)
		return NULL;
	if (cell->parts == 0) {
		if (offset == 0 && bytes >= CELL)
			return cell;
		if (memory->parts == PARTS)
			sched_fail("too many cells in parts");
		for (int i = 0; i < CELL; i++)
			memory->part[memory->parts][i] = *cell;
		cell->parts = (uint16_t)memory->parts++;
	}
	*ret_covered = 1;
	return &memory->part[cell->parts][offset];
}

static inline uint32_t now(const struct thread *thread)
{
	return thread->clock.at[thread->id];
}

/* A thread that had made such an access, not known to the running one. */
static inline int unknown(const uint32_t *times)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (times[i] > me->clock.at[i])
			return (int)i;
	return -1;
}

/* rights.c */
void rights_check_pages(uintptr_t address, size_t bytes, const char *what);
static inline void rights_check(uintptr_t address, size_t bytes, const char *what)
{
	if (address - ARENA < ARENA_BYTES && memory->reserved > 0)
		rights_check_pages(address, bytes, what);
}

/* cells.c: what fails if the access races with what the cell knows. */
void cell_check_written(const struct cell *cell, const char *what, uintptr_t address);
void cell_check_times(const uint32_t *times, const char *what, uintptr_t address);

/* -------------------------------------------------------------- locations -- */

static inline uint64_t get(uintptr_t address, unsigned int size)
{
	uint64_t value = 0;
	memcpy(&value, (const void *)address, size);
	return value;
}

static inline void put(uintptr_t address, unsigned int size, uint64_t value)
{
	memcpy((void *)address, &value, size);
}

static inline struct store *newest(struct location *location)
{
	return &location->stores[location->newest];
}

static inline struct store *back(struct location *location, unsigned int n)
{
	return &location->stores[(location->newest + STORES - n) % STORES];
}

static inline bool acquires(int order)
{
	return order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE;
}

static inline bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* What the thread does from now on is not in what it has released so far. */
static inline void tick(struct thread *thread)
{
	thread->clock.at[thread->id]++;
	thread->clock.at[THREADS + thread->id]++;
}

/* What a store by the running thread carries, or NULL. */
static inline const struct clock *carried(int order)
{
	return releases(order) ? &me->clock : me->has_released ? &me->released : NULL;
}

/* locations.c */
/* Of all the bytes, for races. Returns the location of the first. */
struct location *location_check(uintptr_t address, unsigned int size, const char *what, bool write);
struct location *location_of(uintptr_t address, unsigned int size, const char *what, bool write);
/* How many stores, from the newest, a load may return one of. */
unsigned int location_candidates(struct location *location);
void location_see(struct store *store, int order);
void location_note_half(const struct location *location, const struct store *store);
/* The running thread passes an acquire fence. */
void location_see_halves(void);
void location_commit(struct location *location, uint64_t value, const struct clock *release,
	unsigned int writer, uint32_t epoch);

/* buffers.c */
void buffer_add(struct location *location, uint64_t value, const struct clock *release);
/* The newest store of the running thread that is still in its buffer. */
const struct buffered *buffer_own(uintptr_t address);
/* Before other accesses to the same memory: they find the stores there. */
void buffer_drain_own(uintptr_t address, size_t bytes);

#endif
