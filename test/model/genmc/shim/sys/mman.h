/* SPDX-License-Identifier: MIT */
/* Instead of the system's: memory of shim.c, accessible throughout. */
#include <stddef.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define MAP_NORESERVE 16384
#define MAP_FAILED ((void *)-1)

void *shim_map(size_t bytes);

#define mmap(address, bytes, rights, flags, fd, offset) shim_map(bytes)
#define munmap(address, bytes) ((void)(address))
#define mprotect(address, bytes, rights) 0
#define MADV_DONTNEED 4
#define madvise(address, bytes, advice) 0
