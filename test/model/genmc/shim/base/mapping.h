/* SPDX-License-Identifier: MIT */
/* Instead of lib/base/mapping.h: no ring of a check is so large. */
#ifndef MAGRING_MAPPING_H
#define MAGRING_MAPPING_H

#include <stddef.h>

#define mapping_create(bytes) ((void *)0)
#define mapping_destroy(memory, bytes) ((void)(memory))

#endif
