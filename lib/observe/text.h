/* SPDX-License-Identifier: MIT */
/*
 * text: text about pools, for a stream.
 */
#ifndef MAGRING_TEXT_H
#define MAGRING_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Have a text composed, then write it. If compose answers false it had no
 * memory, and nothing is written. Returns: 0, -ENOMEM, -EIO.
 */
int text_compose(FILE *stream, bool (*compose)(FILE *out, void *context), void *context);

#endif
