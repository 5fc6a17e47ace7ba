/* SPDX-License-Identifier: MIT */
/*
 * watched: what ThreadSanitizer and LeakSanitizer are told by a library that is
 * built without them, in a program that is built with them.
 *
 * Their functions are weak references, under names that C lets be declared:
 * NULL in any other process. All calls are in slow paths. What is told on fast
 * paths is in magring/sanitizers.h, which is compiled into the program.
 *
 * With MAGRING_NO_TSAN, for a library that is instrumented, ThreadSanitizer is
 * told nothing: the library's own order is checked then.
 */
#ifndef MAGRING_WATCHED_H
#define MAGRING_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#ifdef MAGRING_NO_TSAN
static inline bool watched_for_races(void)
{
	return false;
}

static inline void watched_acquire(void *address)
{
	(void)address;
}

static inline void watched_release(void *address)
{
	(void)address;
}
#else
extern __attribute__((weak)) void tsan_acquire(void *address) __asm__("__tsan_acquire");
extern __attribute__((weak)) void tsan_release(void *address) __asm__("__tsan_release");

static inline bool watched_for_races(void)
{
	return tsan_acquire != NULL && tsan_release != NULL;
}

/* This thread sees what other threads did before they released the address. */
static inline void watched_acquire(void *address)
{
	if (watched_for_races())
		tsan_acquire(address);
}

static inline void watched_release(void *address)
{
	if (watched_for_races())
		tsan_release(address);
}
#endif

/*
 * Memory for slabs that were `old_size` bytes each was given up, or was carved
 * into slabs of `size` bytes. A slab's address stands for it, and slabs of
 * another size have other addresses. So the edges go through `moves`.
 */
static inline void watched_give_up(void *moves, unsigned char *memory, size_t bytes,
	size_t old_size)
{
	for (size_t at = 0; watched_for_races() && at < bytes; at += old_size)
		watched_acquire(memory + at);
	watched_release(moves);
}

static inline void watched_carve(void *moves, unsigned char *memory, size_t bytes, size_t size)
{
	watched_acquire(moves);
	for (size_t at = 0; watched_for_races() && at < bytes; at += size)
		watched_release(memory + at);
}

extern __attribute__((weak)) void lsan_add_root(const void *memory, size_t bytes) __asm__(
	"__lsan_register_root_region");
extern __attribute__((weak)) void lsan_remove_root(const void *memory, size_t bytes) __asm__(
	"__lsan_unregister_root_region");

/* Mapped memory that may hold pointers of the program's: what is in it is no
 * leak. LeakSanitizer reads what is accessible of it. */
static inline void watched_add_root(const void *memory, size_t bytes)
{
	if (lsan_add_root != NULL)
		lsan_add_root(memory, bytes);
}

/* Before it is unmapped. */
static inline void watched_remove_root(const void *memory, size_t bytes)
{
	if (lsan_remove_root != NULL)
		lsan_remove_root(memory, bytes);
}

#endif
