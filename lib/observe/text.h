/* SPDX-License-Identifier: MIT */
/*
 * text: what is said about a pool, for a stream.
 */
#ifndef MAGRING_TEXT_H
#define MAGRING_TEXT_H

#include <stdio.h>

struct magring_pool;

/* Have the text composed, then write it: 0, -ENOMEM, -EIO. */
int text_write(FILE *stream, void (*compose)(FILE *out, struct magring_pool *pool),
	struct magring_pool *pool);

#endif
