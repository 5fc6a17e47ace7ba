/* SPDX-License-Identifier: MIT */
/*
 * Text about a pool is put together in memory, because the locks that are taken for it
 * must not be kept while a stream is waited for, and a thread that is cancelled
 * meanwhile must not keep them either.
 */
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

int text_write(FILE *stream, void (*compose)(FILE *out, struct magring_pool *pool),
	struct magring_pool *pool)
{
	char *text = NULL;
	size_t size = 0;
	int cancel_state, rc = -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	FILE *out = open_memstream(&text, &size);
	if (out == NULL)
		goto restore;
	compose(out, pool);
	rc = ferror(out) ? -ENOMEM : 0;
	if (fclose(out) != 0)
		rc = -ENOMEM;
	if (rc == 0 && fwrite(text, 1, size, stream) != size)
		rc = -EIO;
	free(text);
restore:
	pthread_setcancelstate(cancel_state, NULL);
	return rc;
}
