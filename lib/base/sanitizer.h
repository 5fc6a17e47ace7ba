/* SPDX-License-Identifier: MIT */
/*
 * sanitizer: what AddressSanitizer and memcheck are told about slabs. Both then
 * report the use of a payload after its message was freed or sent, and beyond
 * its end. A free and a send require that the payload may be touched. So copies
 * of a message are reported, too. AddressSanitizer is told in a library that is
 * built with it, and memcheck in one that is built with -Dvalgrind=true. In any
 * other build these are nothing.
 *
 * A slab may be touched from alloc to free, as far as the message's bytes
 * reach, and not while it is in a queue. The library itself touches free slabs
 * only to link those that no magazine holds. Their first bytes stay open.
 */
#ifndef MAGRING_SANITIZER_H
#define MAGRING_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_ASAN 1
#endif
#endif

#if defined(SANITIZER_ASAN)
#include <sanitizer/asan_interface.h>
#include <stddef.h>
#define SANITIZER 1
#define sanitizer_create(pool) ((void)(pool))
#define sanitizer_destroy(pool) ((void)(pool))
#define sanitizer_alloc(pool, slab, bytes) ASAN_UNPOISON_MEMORY_REGION(slab, bytes)
#define sanitizer_free(pool, slab, slab_size) ASAN_POISON_MEMORY_REGION(slab, slab_size)
#define sanitizer_forbid(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define sanitizer_permit(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
/* Reports where it is poisoned, as for any read. */
static inline void sanitizer_require(void *address, size_t bytes)
{
	const volatile char *poisoned = __asan_region_is_poisoned(address, bytes);
	if (poisoned != NULL)
		(void)*poisoned;
}
#elif defined(MAGRING_VALGRIND)
#include <valgrind/memcheck.h>
#define SANITIZER 1
#define sanitizer_create(pool) VALGRIND_CREATE_MEMPOOL(pool, 0, 0)
#define sanitizer_destroy(pool) VALGRIND_DESTROY_MEMPOOL(pool)
#define sanitizer_alloc(pool, slab, bytes) VALGRIND_MEMPOOL_ALLOC(pool, slab, bytes)
#define sanitizer_free(pool, slab, slab_size) VALGRIND_MEMPOOL_FREE(pool, slab)
#define sanitizer_forbid(address, bytes) ((void)VALGRIND_MAKE_MEM_NOACCESS(address, bytes))
#define sanitizer_permit(address, bytes) ((void)VALGRIND_MAKE_MEM_DEFINED(address, bytes))
#define sanitizer_require(address, bytes) ((void)VALGRIND_CHECK_MEM_IS_ADDRESSABLE(address, bytes))
#else
#define sanitizer_create(pool) ((void)0)
#define sanitizer_destroy(pool) ((void)0)
#define sanitizer_alloc(pool, slab, bytes) ((void)0)
#define sanitizer_free(pool, slab, slab_size) ((void)0)
#define sanitizer_forbid(address, bytes) ((void)0)
#define sanitizer_permit(address, bytes) ((void)0)
#define sanitizer_require(address, bytes) ((void)0)
#endif

#endif
