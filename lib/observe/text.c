/* SPDX-License-Identifier: MIT */
/*
 * Text about pools is put together in memory, and then written to the stream.
 *
 * Composing it takes locks. They must not be held while a stream makes the
 * thread wait, nor by a thread that is cancelled there.
 *
 * No stream of the library's own is used. exit() flushes all streams, and musl
 * waits for the lock of each. In the child of a fork they are those of the
 * parent's other threads as well.
 */
#include "observe/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pool/fork.h"

static bool make_room(struct text *text, size_t size)
{
	if (text->failed || size <= text->room - text->size)
		return !text->failed;
	size_t room = 2 * (text->room + size);
	char *bytes = realloc(text->bytes, room);
	if (bytes == NULL) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->room = room;
	return true;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
	if (!make_room(text, size))
		return;
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_add_byte(struct text *text, char byte)
{
	text_add(text, &byte, 1);
}

void text_print(struct text *text, const char *format, ...)
{
	/* With the zero byte that follows: the next part overwrites it. */
	size_t needs = 1;
	while (make_room(text, needs)) {
		size_t room = text->room - text->size;
		va_list arguments;
		va_start(arguments, format);
		int size = vsnprintf(text->bytes + text->size, room, format, arguments);
		va_end(arguments);
		if (size < 0) {
			text->failed = true;
		} else if ((size_t)size < room) {
			text->size += (size_t)size;
			return;
		}
		needs = (size_t)size + 1;
	}
}

void text_end(struct text *whole, struct text *part)
{
	whole->failed = whole->failed || part->failed;
	free(part->bytes);
}

int text_compose(FILE *stream, bool (*compose)(struct text *text, void *context), void *context)
{
	struct text text = { 0 };
	int cancel_state, rc = -ENOMEM;
	if (!fork_init()) /* the text may come before the first create */
		return -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (compose(&text, context) && !text.failed)
		rc = fwrite(text.bytes, 1, text.size, stream) == text.size ? 0 : -EIO;
	free(text.bytes);
	pthread_setcancelstate(cancel_state, NULL);
	return rc;
}
