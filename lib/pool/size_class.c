/* SPDX-License-Identifier: MIT */
/*
 * Size classes: four to a doubling, as in jemalloc.
 *
 * The sizes are 64, 128, 192, 256, 320, 384, 448, 512, 640, ... bytes. Beyond
 * one unit at most a fifth of a slab is slack.
 */
#include "pool/size_class.h"

#include "tuning.h"

size_t slab_size(unsigned int class_index)
{
	if (class_index < 4)
		return (class_index + 1) * SLAB_UNIT;
	return ((size_t)(5 + class_index % 4) << (class_index / 4 - 1)) * SLAB_UNIT;
}

size_t slab_chunk(unsigned int class_index, size_t memory_limit)
{
	/*
	 * Carved memory stays with its class until a trim. A small budget is
	 * therefore carved in small steps, which leaves some for other classes.
	 */
	size_t share = memory_limit / 32;
	size_t slabs = (share < CHUNK_BYTES ? share : CHUNK_BYTES) / slab_size(class_index);
	return slabs > 0 ? slabs : 1;
}
