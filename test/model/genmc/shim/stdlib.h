/* SPDX-License-Identifier: MIT */
/* Instead of the system's: memory of shim.c, for rings that main() makes. */
#ifndef SHIM_STDLIB_H
#define SHIM_STDLIB_H

#include <stddef.h>

void *shim_map(size_t bytes);

#define malloc(bytes) shim_map(bytes)
#define free(memory) ((void)(memory))

#endif
