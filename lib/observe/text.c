/* SPDX-License-Identifier: MIT */
/*
 * Text about pools is put together in memory, and then written to the stream.
 *
 * Composing it takes locks. They must not be held while a stream makes the
 * thread wait, nor by a thread that is cancelled there.
 *
 * The C library flushes all streams at exit(), in the child of a fork those of
 * the parent's other threads as well. The stacks of these threads are other
 * threads' by then. So what a stream leads to is on the heap, and what another
 * process composed is dropped.
 */
#include "observe/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "pool/fork.h"

struct text {
	char *bytes;
	size_t size;
	bool failed;             /* memory was refused, so the text is not complete */
	unsigned int generation; /* of the process */
};

/* Not open_memstream(): its stream does not say that memory was refused. */
static ssize_t append(void *cookie, const char *bytes, size_t size)
{
	struct text *text = cookie;
	if (text->generation != fork_generation())
		return (ssize_t)size;
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

static int compose_text(struct text *text, FILE *stream, bool (*compose)(FILE *out, void *context),
	void *context)
{
	FILE *out = fopencookie(text, "w", (cookie_io_functions_t){ .write = append });
	if (out == NULL)
		return -ENOMEM;
	bool composed = compose(out, context);
	if (fclose(out) != 0 || !composed || text->failed)
		return -ENOMEM;
	return fwrite(text->bytes, 1, text->size, stream) == text->size ? 0 : -EIO;
}

int text_compose(FILE *stream, bool (*compose)(FILE *out, void *context), void *context)
{
	int cancel_state, rc = -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	struct text *text = calloc(1, sizeof(*text));
	if (text != NULL) {
		text->generation = fork_generation();
		rc = compose_text(text, stream, compose, context);
		free(text->bytes);
		free(text);
	}
	pthread_setcancelstate(cancel_state, NULL);
	return rc;
}
