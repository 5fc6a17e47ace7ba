/* SPDX-License-Identifier: MIT */
/*
 * text: text about pools, for a stream.
 */
#ifndef MAGRING_TEXT_H
#define MAGRING_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct magring_pool;

/*
 * Have a text composed, then write it. If compose answers false it had no
 * memory, and nothing is written. Returns: 0, -ENOMEM, -EIO.
 */
int text_compose(FILE *stream, bool (*compose)(FILE *out, void *context), void *context);

/* The same for a text about one pool, which needs no memory of its own. */
int text_write(FILE *stream, void (*compose)(FILE *out, struct magring_pool *pool),
	struct magring_pool *pool);

#endif
