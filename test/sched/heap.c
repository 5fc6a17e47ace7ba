/* SPDX-License-Identifier: MIT */
/*
 * The heap and the address space of a run. Nothing is handed out twice. If the
 * program wants that, the system refuses some of it.
 */
#include "kernel.h"
#include "shim.h"

#include <errno.h>

#undef free
#undef memcpy

static unsigned int pieces; /* that the run has, of both */

bool kernel_refuses(void)
{
	if (!is_running() || engine->odds == 0)
		return false;
	bool refused = engine->odds == 1 || strategy_decide(REFUSE, 2) != 0;
	engine->refused += refused;
	return refused;
}

void sched_refuse(unsigned int odds)
{
	engine->odds = odds;
}

void sched_limit_mappings(size_t bytes)
{
	engine->mapped_max = bytes;
}

static bool exceeds(size_t bytes, int rights)
{
	return is_running() && rights == PROT_NONE && engine->mapped_max != 0 &&
		bytes > engine->mapped_max;
}

unsigned int sched_refused(void)
{
	return engine->refused;
}

unsigned int sched_pieces(void)
{
	return pieces;
}

/* The bytes before a piece of the heap say how long it is. */
static void *take(size_t bytes, size_t align)
{
	char *memory = NULL;
	if (bytes <= SIZE_MAX / 2 && !kernel_refuses())
		memory = memory_take(bytes + align, align < 16 ? 16 : align);
	if (memory == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	pieces++;
	memory += align < 16 ? 16 : align;
	((size_t *)(void *)memory)[-1] = bytes;
	return memory;
}

void *shim_malloc(size_t bytes)
{
	return take(bytes, 16);
}

void *shim_calloc(size_t count, size_t bytes)
{
	return take(bytes > 0 && count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes, 16);
}

void *shim_aligned_alloc(size_t align, size_t bytes)
{
	return take(bytes, align);
}

void shim_free(void *memory)
{
	if (memory == NULL)
		return;
	pieces--;
	memory_freed((uintptr_t)memory, ((size_t *)memory)[-1]);
}

void *shim_realloc(void *memory, size_t bytes)
{
	void *larger = take(bytes, 16);
	if (larger != NULL && memory != NULL) {
		size_t before = ((size_t *)memory)[-1];
		memcpy(larger, memory, before < bytes ? before : bytes);
		shim_free(memory);
	}
	return larger;
}

char *shim_strdup(const char *text)
{
	char *copy = take(strlen(text) + 1, 16);
	return copy != NULL ? strcpy(copy, text) : NULL;
}

static void *map_hole(void *address, size_t bytes)
{
	kernel_enter();
	if (kernel_refuses())
		errno = ENOMEM;
	else if (!memory_fill_hole(address, bytes))
		errno = EEXIST;
	else
		return rights_open(address, bytes), address;
	return MAP_FAILED;
}

void *shim_mmap(void *address, size_t bytes, int rights, int flags, int fd, off_t offset)
{
	(void)flags, (void)fd, (void)offset;
	void *memory = NULL;
	bytes = (bytes + 4095) / 4096 * 4096;
	if (address != NULL)
		return map_hole(address, bytes);
	if (!exceeds(bytes, rights) && !kernel_refuses())
		memory = rights == PROT_NONE ? memory_reserve_hole(bytes, 4096)
					     : memory_take(bytes, 4096);
	if (memory == NULL) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (rights == PROT_NONE)
		rights_reserve(memory, bytes + MEMORY_HOLE);
	pieces++;
	return memory;
}

int shim_munmap(void *address, size_t bytes)
{
	kernel_enter();
	pieces--;
	memory_freed((uintptr_t)address, bytes);
	return 0;
}

int shim_mprotect(void *address, size_t bytes, int rights)
{
	(void)rights;
	if (!is_running())
		return 0;
	kernel_enter();
	if (kernel_refuses()) {
		errno = ENOMEM;
		return -1;
	}
	memory_open(address, bytes);
	rights_open(address, bytes);
	return 0;
}

int shim_madvise(void *address, size_t bytes, int advice)
{
	kernel_enter();
	trace("madvise", (uintptr_t)address, bytes);
	if (kernel_refuses()) {
		errno = EAGAIN;
		return -1;
	}
	if (advice == MADV_DONTNEED)
		memory_zero((uintptr_t)address, bytes);
	return 0;
}
