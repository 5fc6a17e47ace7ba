/* SPDX-License-Identifier: MIT */
/*
 * text: text about pools, for a stream.
 */
#ifndef MAGRING_TEXT_H
#define MAGRING_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* If memory is refused the text is not complete, and is not written. */
struct text {
	char *bytes;
	size_t size, room;
	bool failed; /* memory was refused */
};

void text_add(struct text *text, const void *bytes, size_t size);
void text_add_string(struct text *text, const char *string);
void text_add_byte(struct text *text, char byte);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A text that another one was made of is not needed any more. If memory was
 * refused for it, the other one is not complete. */
void text_end(struct text *whole, struct text *part);

/*
 * Have a text composed, then write it. If compose answers false it had no
 * memory, and nothing is written. Returns: 0, -ENOMEM, -EIO.
 */
int text_compose(FILE *stream, bool (*compose)(struct text *text, void *context), void *context);

#endif
