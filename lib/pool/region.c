/* SPDX-License-Identifier: MIT */
/*
 * A region: address space without access rights, and an atomic bump pointer.
 *
 *	taken <= limit <= reserved,   taken <= writable <= reserved
 *
 * To take bytes a thread first makes the pages below the new value accessible.
 * Then it moves `taken` up by CAS. Raising the rights of a page twice changes
 * nothing, so threads that race repeat one another's work instead of waiting.
 * A page gets memory when it is first touched.
 *
 * A region takes nothing back. Carved memory circulates in magazines, or a trim
 * makes it free to be carved again (chunk.c).
 */
#include "pool/region.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sanitizer.h"
#include "tuning.h"

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

int region_init(struct region *region, size_t limit)
{
	size_t reserved = round_up(limit, REGION_PAGE);
	void *base =
		mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	/*
	 * A trim gives back pages between others, and the system would fill
	 * them up again to make huge ones. It may not know of any.
	 */
	(void)madvise(base, reserved, MADV_NOHUGEPAGE);
	region->base = base;
	region->limit = limit;
	region->reserved = reserved;
	atomic_init(&region->taken, 0);
	atomic_init(&region->writable, 0);
	return 0;
}

void region_fini(struct region *region)
{
	/* The system may hand these addresses out again. */
	sanitizer_permit(region->base, atomic_load_explicit(&region->taken, memory_order_relaxed));
	munmap(region->base, region->reserved);
}

/* Make the first `end` bytes accessible. */
static bool region_open(struct region *region, size_t end)
{
	/*
	 * [rights] acquire: pairs with the CAS below. The mprotect() of the
	 * thread that moved `writable` past `end` is over.
	 */
	size_t writable = atomic_load_explicit(&region->writable, memory_order_acquire);
	while (writable < end) {
		size_t wanted = round_up(end, REGION_RIGHTS_STEP);
		if (wanted > region->reserved)
			wanted = region->reserved;
		if (mprotect(region->base + writable, wanted - writable, PROT_READ | PROT_WRITE) !=
			0)
			return false;
		/*
		 * [rights] release: the pages are accessible before the word
		 * says so.
		 */
		if (atomic_compare_exchange_weak_explicit(&region->writable, &writable, wanted,
			    memory_order_release, memory_order_acquire))
			return true;
	}
	return true;
}

bool region_reach(struct region *region, size_t end)
{
	end = round_up(end, REGION_PAGE);
	if (!region_open(region, end))
		return false;
	/* Relaxed: a number to read. */
	size_t taken = atomic_load_explicit(&region->taken, memory_order_relaxed);
	while (taken < end &&
		!atomic_compare_exchange_weak_explicit(&region->taken, &taken, end,
			memory_order_relaxed, memory_order_relaxed))
		;
	return true;
}

size_t region_take(struct region *region, size_t size, size_t most, size_t *ret_offset)
{
	/*
	 * Relaxed: the CAS decides which thread owns the bytes, and they are
	 * fresh.
	 */
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
