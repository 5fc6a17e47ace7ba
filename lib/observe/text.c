/* SPDX-License-Identifier: MIT */
/*
 * Text about pools is put together in memory, and then written to the stream.
 *
 * Composing it takes locks. They must not be held while a stream makes the
 * thread wait, nor by a thread that is cancelled there.
 */
#include "observe/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

struct text {
	char *bytes;
	size_t size;
	bool failed; /* memory was refused, so the text is not complete */
};

/* Not open_memstream(): its stream does not say that memory was refused. */
static ssize_t append(void *cookie, const char *bytes, size_t size)
{
	struct text *text = cookie;
	char *more = realloc(text->bytes, text->size + size);
	if (more == NULL) {
		text->failed = true;
		return 0;
	}
	memcpy(more + text->size, bytes, size);
	text->bytes = more;
	text->size += size;
	return (ssize_t)size;
}

int text_compose(FILE *stream, bool (*compose)(FILE *out, void *context), void *context)
{
	struct text text = { 0 };
	int cancel_state, rc = -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	FILE *out = fopencookie(&text, "w", (cookie_io_functions_t){ .write = append });
	if (out == NULL)
		goto restore;
	bool composed = compose(out, context);
	if (fclose(out) == 0 && composed && !text.failed)
		rc = fwrite(text.bytes, 1, text.size, stream) == text.size ? 0 : -EIO;
	free(text.bytes);
restore:
	pthread_setcancelstate(cancel_state, NULL);
	return rc;
}
