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

/* Bytes that are carved at a time: a small budget in small steps. */
static size_t step(size_t memory_limit)
{
	size_t share = memory_limit / 32;
	return share < CARVE_BYTES ? share : CARVE_BYTES;
}

size_t slab_chunk(unsigned int class_index, size_t memory_limit)
{
	size_t size = slab_size(class_index), bytes = CHUNK_SLABS_FEW * size;
	if (bytes < CHUNK_BYTES)
		bytes = CHUNK_BYTES;
	if (bytes > step(memory_limit))
		bytes = step(memory_limit);
	return bytes >= size ? bytes / size : 1;
}

size_t slab_batch(unsigned int class_index, size_t memory_limit)
{
	size_t chunks = step(memory_limit) /
		(slab_chunk(class_index, memory_limit) * slab_size(class_index));
	return chunks > 0 ? chunks : 1;
}
