/* SPDX-License-Identifier: MIT */
/*
 * A region: address space without access rights, and an atomic bump pointer.
 *
 *	taken <= limit <= whole,  taken <= writable <= whole,  reserved <= whole
 *
 * To take bytes a thread first makes the pages below the new value accessible.
 * Then it moves `taken` up by CAS. Raising the rights of a page twice changes
 * nothing, so threads that race repeat one another's work instead of waiting.
 * A page gets memory when it is first touched.
 *
 * A limit of address space may be less than the whole, or leave others none:
 * RLIMIT_AS, or RLIMIT_MEMLOCK where all memory is locked. A region begins with
 * REGION_START_BYTES then, far from other mappings. What follows is mapped when
 * it is needed, and accessible at once:
 *
 *	[0, reserved) and [0, writable) are mapped. Threads map from `writable`
 *	on, and only where nothing is.
 *
 * One thread succeeds in that, and only this thread can raise `writable` then.
 * The others are refused. They cannot tell its mapping from a stranger's, which
 * may be there as well. So they try for a moment, and then have no memory. For
 * them it is hidden, as in any move (chunk.c). They do not wait for a thread
 * that stops between its mmap() and the CAS. In the child of a fork this thread
 * is gone, so there the region has as much as it has.
 *
 * A region takes nothing back. Carved memory circulates in magazines, or a trim
 * makes it free to be carved again (chunk.c).
 */
#include "pool/region.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/pause.h"
#include "base/sanitizer.h"
#include "tuning.h"

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/*
 * Map bytes at an address where nothing is, or anywhere. Returns: NULL if the
 * system refuses.
 */
static unsigned char *map(unsigned char *address, size_t bytes, int rights)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	flags |= address != NULL ? MAP_FIXED_NOREPLACE : 0;
	void *memory = mmap(address, bytes, rights, flags, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	/* Linux before 4.17 takes the address for a wish. */
	if (address != NULL && memory != address) {
		munmap(memory, bytes);
		errno = EEXIST;
		return NULL;
	}
	/*
	 * A trim gives back pages between others, and the system would fill
	 * them up again to make huge ones. It may not know of any.
	 */
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

/*
 * Reserve the first bytes of a region that is to grow. The system puts mappings
 * side by side, from the highest address down. An eighth of all addresses below
 * there is room, and each region leaves the last one's whole behind.
 */
static unsigned char *map_start(size_t whole)
{
	static _Atomic(uintptr_t) behind;
	unsigned char *near = map(NULL, REGION_START_BYTES, PROT_NONE);
	if (near == NULL)
		return NULL;
	/* Relaxed: any value will do. */
	uintptr_t part = (uintptr_t)near / 8;
	uintptr_t past = atomic_fetch_add_explicit(&behind, whole, memory_order_relaxed);
	uintptr_t distance = part + past % part + whole;
	unsigned char *far = NULL;
	if (distance > whole && distance < (uintptr_t)near)
		far = map(near - distance / REGION_PAGE * REGION_PAGE, REGION_START_BYTES,
			PROT_NONE);
	if (far == NULL)
		return near; /* and grow as far as there is room */
	munmap(near, REGION_START_BYTES);
	return far;
}

bool region_room(size_t bytes)
{
	unsigned char *memory = map(NULL, bytes, PROT_NONE);
	return memory != NULL && munmap(memory, bytes) == 0;
}

int region_init(struct region *region, size_t limit, bool whole)
{
	size_t pages = round_up(limit, REGION_PAGE), reserved = pages;
	unsigned char *base = NULL;
	if (whole || pages <= REGION_START_BYTES)
		base = map(NULL, pages, PROT_NONE);
	if (base == NULL && pages > REGION_START_BYTES) {
		base = map_start(pages);
		reserved = REGION_START_BYTES;
	}
	if (base == NULL)
		return -ENOMEM;
	region->base = base;
	region->limit = limit;
	region->reserved = reserved;
	region->whole = pages;
	region->beside = NULL;
	atomic_init(&region->taken, 0);
	atomic_init(&region->writable, 0);
	return 0;
}

void region_put_beside(struct region *region, struct region *beside, size_t unit)
{
	region->beside = beside;
	region->unit = unit;
}

void region_fini(struct region *region)
{
	/* The system may hand these addresses out again. */
	sanitizer_permit(region->base, atomic_load_explicit(&region->taken, memory_order_relaxed));
	size_t writable = atomic_load_explicit(&region->writable, memory_order_relaxed);
	munmap(region->base, writable > region->reserved ? writable : region->reserved);
}

/*
 * Make the bytes between these accessible, or a first part of them. Returns:
 * the end of what is, `begin` if the system refuses.
 */
static size_t open_step(const struct region *region, size_t begin, size_t end)
{
	const int rights = PROT_READ | PROT_WRITE;
	if (begin >= region->reserved)
		return map(region->base + begin, end - begin, rights) != NULL ? end : begin;
	if (end > region->reserved)
		end = region->reserved;
	return mprotect(region->base + begin, end - begin, rights) == 0 ? end : begin;
}

/* Make the first `end` bytes accessible. */
static bool region_open(struct region *region, size_t end)
{
	/*
	 * [rights] acquire: pairs with the CAS below. The mprotect() or mmap()
	 * of the thread that moved `writable` past `end` is over.
	 */
	size_t writable = atomic_load_explicit(&region->writable, memory_order_acquire);
	for (int tries = 0; writable < end;) {
		size_t wanted = round_up(end, REGION_RIGHTS_STEP);
		if (wanted > region->whole)
			wanted = region->whole;
		if (region->beside != NULL && !region_open(region->beside, wanted / region->unit))
			return false;
		size_t opened = open_step(region, writable, wanted);
		if (opened == writable) {
			/* Perhaps another thread's, to be counted yet. */
			if (errno != EEXIST || ++tries > RECLAIM_TRIES)
				return false;
			pause_for(RECLAIM_PAUSE_NS);
		}
		/*
		 * [rights] release: the pages are accessible before the word
		 * says so. A strong CAS: what this thread has mapped it could
		 * not map again. After a refusal it only reads.
		 */
		if (atomic_compare_exchange_strong_explicit(&region->writable, &writable, opened,
			    memory_order_release, memory_order_acquire))
			writable = opened;
	}
	return true;
}

bool region_grows(const struct region *region)
{
	/* Relaxed: an estimate that is too high for a moment. */
	size_t writable = atomic_load_explicit(&region->writable, memory_order_relaxed);
	return (region->reserved < region->whole && writable < region->whole) ||
		(region->beside != NULL && region_grows(region->beside));
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
