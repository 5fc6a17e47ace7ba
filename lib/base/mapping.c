/* SPDX-License-Identifier: MIT */
/*
 * Mappings that the system does not take back are kept for later.
 *
 * A process may have 65,530 mappings, if vm.max_map_count is as it comes. The
 * kernel joins those that touch, so that far more than that fit. But to unmap
 * one from between two others is to split what was joined. At the limit that is
 * refused with -ENOMEM, and the memory would be lost. So it is kept:
 *
 *	its pages      go back to the system, by madvise, but for the first.
 *	               This has the link of the list, and is zeroed by its next
 *	               user.
 *	its addresses  are for the next mapping of the same size.
 *
 * A mapping that is unmapped may have made room. So then one that was kept, of
 * the same size, is unmapped as well.
 *
 * There is one list for each power of two. All mappings of a list have the same
 * size as long as callers ask for no two sizes between two powers of two. If
 * they do, a mapping may stay where it is, and nothing worse comes of it.
 */
#include "base/mapping.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

struct kept {
	struct kept *next;
	size_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *kept[64]; /* by log2(bytes), rounded down */

static struct kept **list_of(size_t bytes)
{
	return &kept[63 - __builtin_clzll(bytes)];
}

static void *take_kept(size_t bytes)
{
	struct kept **list = list_of(bytes);
	pthread_mutex_lock(&lock);
	struct kept *first = *list;
	if (first != NULL && first->bytes != bytes)
		first = NULL;
	if (first != NULL)
		*list = first->next;
	pthread_mutex_unlock(&lock);
	if (first != NULL)
		*first = (struct kept){ .bytes = 0 };
	return first;
}

static void put_kept(struct kept *memory, size_t bytes)
{
	struct kept **list = list_of(bytes);
	memory->bytes = bytes;
	pthread_mutex_lock(&lock);
	memory->next = *list;
	*list = memory;
	pthread_mutex_unlock(&lock);
}

static bool unmap(void *memory, size_t bytes)
{
	return memory == NULL || munmap(memory, bytes) == 0;
}

void *mapping_create(size_t bytes)
{
	void *memory = take_kept(bytes);
	if (memory != NULL)
		return memory;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED ? memory : NULL;
}

void mapping_destroy(void *memory, size_t bytes)
{
	if (unmap(memory, bytes)) {
		memory = take_kept(bytes);
		if (unmap(memory, bytes))
			return;
	} else if (madvise(memory, bytes, MADV_DONTNEED) != 0) {
		memset(memory, 0, bytes); /* pages that are locked do not go back */
	}
	put_kept(memory, bytes);
}

void mapping_forget_kept(void)
{
	pthread_mutex_init(&lock, NULL); /* cannot fail on Linux */
	/* Another thread may have been changing the lists. */
	memset(kept, 0, sizeof(kept));
}
