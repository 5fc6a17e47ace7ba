/* SPDX-License-Identifier: MIT */
/*
 * Text about a pool is put together in memory, because the locks that are taken for it
 * must not be kept while a stream is waited for, and a thread that is cancelled
 * meanwhile must not keep them either.
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
	bool failed; /* there was no memory: what is there is not all */
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

int text_write(FILE *stream, void (*compose)(FILE *out, struct magring_pool *pool),
	struct magring_pool *pool)
{
	struct text text = { 0 };
	int cancel_state, rc = -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	FILE *out = fopencookie(&text, "w", (cookie_io_functions_t){ .write = append });
	if (out == NULL)
		goto restore;
	compose(out, pool);
	if (fclose(out) == 0 && !text.failed)
		rc = fwrite(text.bytes, 1, text.size, stream) == text.size ? 0 : -EIO;
	free(text.bytes);
restore:
	pthread_setcancelstate(cancel_state, NULL);
	return rc;
}
