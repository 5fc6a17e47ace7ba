/* SPDX-License-Identifier: MIT */
/*
 * Memory of a checked pool that a trim gives to other size classes.
 */
#include "pool/checked_slab.h"

void checked_forget(struct checked *checked, size_t offset, size_t bytes)
{
	for (size_t i = offset / SLAB_UNIT; i < (offset + bytes) / SLAB_UNIT; i++) {
		uint32_t word = atomic_load_explicit(&checked->slab[i].word, memory_order_relaxed);
		if (checked_state(word) != CHECKED_NEVER)
			atomic_store_explicit(&checked->slab[i].word,
				checked_word(checked_generation(word), 0, CHECKED_NEVER),
				memory_order_relaxed);
	}
}
