/* SPDX-License-Identifier: MIT */
/*
 * A program that has tracepoints and cleanups of its own. The linker keeps one of several sections
 * that are alike, such as those that come with these, and the library must not miss the ones it had.
 */
#include <magring.h>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#else
#define DTRACE_PROBE1(provider, name, argument) (void)(argument)
#endif

static int done;

static void finish(int *value)
{
	done += *value;
}

static int with_cleanup(struct magring_pool *pool)
{
	__attribute__((cleanup(finish))) int value = 1;
	DTRACE_PROBE1(linking, destroy, value);
	return magring_pool_destroy(pool);
}

int main(void)
{
	struct magring_pool *pool;
	struct magring_message message;
	if (magring_pool_create(&pool, NULL) != 0 ||
		magring_message_alloc(pool, &message, "id", 2, 1000, 0) != 0)
		return 1;
	magring_message_free(&message);
	return with_cleanup(pool) != 0 || done != 1;
}
