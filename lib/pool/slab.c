/* SPDX-License-Identifier: MIT */
/*
 * Size classes are spaced four to a doubling, as in jemalloc: 64, 128, 192, 256,
 * 320, 384, 448, 512, 640, ... bytes, so that at most a fifth of a slab is slack.
 *
 * A region is address space without access rights, reserved as a whole, and an
 * atomic bump. Taking moves `taken` up by CAS, after the pages below the new
 * value were made accessible:
 *
 *	taken <= limit <= reserved,   taken <= writable <= reserved
 *
 * Raising the rights of a page that has them already changes nothing, so threads
 * that race here repeat one another's work rather than wait for it. The pages get
 * memory when they are touched, not before. A region never takes anything back:
 * what was carved goes round in magazines, or is carved anew (chunk.c).
 */
#include "pool/slab.h"
#include "tuning.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sanitizer.h"

#define PAGE ((size_t)4096)
/* Access rights are raised in steps, so that few system calls and few distinct
 * mappings are needed. */

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

size_t slab_size(unsigned int class_index)
{
	if (class_index < 4)
		return (class_index + 1) * SLAB_UNIT;
	return ((size_t)(5 + class_index % 4) << (class_index / 4 - 1)) * SLAB_UNIT;
}

size_t slab_chunk(unsigned int class_index, size_t memory_limit)
{
	/* What is carved stays with its class until it is trimmed: leave the other
	 * classes some of a small budget. */
	size_t share = memory_limit / 32;
	size_t slabs = (share < CHUNK_BYTES ? share : CHUNK_BYTES) / slab_size(class_index);
	return slabs > 0 ? slabs : 1;
}

int region_init(struct region *region, size_t limit)
{
	size_t reserved = round_up(limit, PAGE);
	void *base = mmap(NULL, reserved, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	region->base = base;
	region->limit = limit;
	region->reserved = reserved;
	atomic_init(&region->taken, 0);
	atomic_init(&region->writable, 0);
	return 0;
}

void region_fini(struct region *region)
{
	/* Others may be given these addresses. */
	sanitizer_permit(region->base, atomic_load_explicit(&region->taken, memory_order_relaxed));
	munmap(region->base, region->reserved);
}

/* Make the first `end` bytes accessible. */
static bool region_open(struct region *region, size_t end)
{
	/* [rights] acquire: pairs with the CAS below; the mprotect of whoever moved
	 * `writable` past `end` is over. */
	size_t writable = atomic_load_explicit(&region->writable, memory_order_acquire);
	while (writable < end) {
		size_t wanted = round_up(end, REGION_RIGHTS_STEP);
		if (wanted > region->reserved)
			wanted = region->reserved;
		if (mprotect(region->base + writable, wanted - writable,
				PROT_READ | PROT_WRITE) != 0)
			return false;
		/* [rights] release: the pages are accessible before the word says so. */
		if (atomic_compare_exchange_weak_explicit(&region->writable, &writable, wanted,
				memory_order_release, memory_order_acquire))
			return true;
	}
	return true;
}

size_t region_take(struct region *region, size_t size, size_t most, size_t *ret_offset)
{
	/* Relaxed: the CAS decides who owns the bytes, and nothing was written
	 * there by anybody else. */
	size_t taken = atomic_load_explicit(&region->taken, memory_order_relaxed);
	size_t bytes;
	do {
		size_t left = (region->limit - taken) / size;
		bytes = (left < most ? left : most) * size;
		if (bytes == 0 || !region_open(region, taken + bytes))
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&region->taken, &taken, taken + bytes,
		memory_order_relaxed, memory_order_relaxed));
	*ret_offset = taken;
	return bytes;
}
