/* SPDX-License-Identifier: MIT */
/*
 * What a checked pool keeps beside its slabs: made, given up, and inherited by
 * the child of a fork.
 */
#include "pool/checked_slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tuning.h"

bool checked_by_default(void)
{
	enum { UNKNOWN, NO, YES };
	static _Atomic(unsigned char) answer;
	/* Relaxed: threads that ask at once come to the same answer. */
	unsigned char known = atomic_load_explicit(&answer, memory_order_relaxed);
	if (known == UNKNOWN) {
		const char *wanted = secure_getenv("MAGRING_CHECKED");
		bool yes = wanted == NULL ? CHECKED_BY_DEFAULT : strcmp(wanted, "1") == 0;
		known = yes ? YES : NO;
		atomic_store_explicit(&answer, known, memory_order_relaxed);
	}
	return known == YES;
}

int checked_create(struct checked **ret_checked, uint64_t serial, size_t memory_limit)
{
	struct checked *checked = calloc(1, sizeof(*checked));
	if (checked == NULL)
		return -ENOMEM;
	checked->size = (memory_limit / SLAB_UNIT + 1) * sizeof(*checked->slab);
	checked->slab = mmap(NULL, checked->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (checked->slab == MAP_FAILED) {
		free(checked);
		return -ENOMEM;
	}
	/* Far from those of other pools: multiples of the golden ratio are. */
	checked->generation = (uint16_t)(serial * 0x9e37);
	checked->bytes_max = memory_limit / CHECKED_LIMBO_SHARE;
	pthread_mutex_init(&checked->lock, NULL); /* cannot fail on Linux */
	*ret_checked = checked;
	return 0;
}

void checked_destroy(struct checked *checked)
{
	if (checked == NULL)
		return;
	pthread_mutex_destroy(&checked->lock);
	munmap(checked->slab, checked->size);
	free(checked);
}

void checked_inherit(struct checked *checked)
{
	pthread_mutex_init(&checked->lock, NULL); /* cannot fail on Linux */
	checked->bytes = 0;
}

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
