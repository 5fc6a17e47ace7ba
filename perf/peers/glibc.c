/* SPDX-License-Identifier: MIT */
/*
 * glibc's malloc and free of one size on one thread, without the counter of
 * heap.c in between.
 */
#include "heap.h"
#include "peer.h"

#include <err.h>
#include <stdlib.h>

static void *create(size_t size)
{
	size_t *state = malloc(sizeof(*state));

	if (state == NULL)
		err(2, "glibc");
	*state = size;
	return state;
}

static void alloc(void *state, size_t times)
{
	size_t size = *(size_t *)state;

	for (size_t i = 0; i < times; i++) {
		void *memory = __libc_malloc(size);

		if (memory == NULL)
			err(2, "glibc");
		__libc_free(memory);
	}
}

const struct micro micro_glibc_alloc = {
	.name = "glibc",
	.create = create,
	.run = alloc,
	.destroy = free,
};
