/* SPDX-License-Identifier: MIT */
/*
 * The profile as text for pprof and its like: the format of heap profiles that
 * tcmalloc and jemalloc write. It has the samples as they were taken, and the
 * mean in the header.
 *
 * Counts are read under the profile's lock, for which allocations and frees of
 * sampled messages wait. The frames of a stack never change.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "observe/text.h"
#include "pool/pool.h"
#include "pool/sample.h"

static void write_counts(struct text *out, struct count used, struct count allocated)
{
	/*
	 * pprof compares these texts. If nothing was ever freed they must not
	 * be the same, as in a profile of what is in use only. So one has
	 * leading zeros.
	 */
	text_print(out, "%" PRIu64 ": %" PRIu64 " [%020" PRIu64 ": %020" PRIu64 "] @", used.objects,
		used.bytes, allocated.objects, allocated.bytes);
}

static void add_count(struct count *sum, struct count count)
{
	sum->objects += count.objects;
	sum->bytes += count.bytes;
}

static void write_stacks(struct text *out, struct profile *profile)
{
	struct count used = { 0 }, allocated = { 0 };
	profile_for_each(profile, stack) {
		add_count(&used, stack_in_use(stack));
		add_count(&allocated, stack->allocated);
	}
	text_add_string(out, "heap profile: ");
	write_counts(out, used, allocated);
	text_print(out, " heap_v2/%" PRIu64 "\n", profile->mean);
	profile_for_each(profile, stack) {
		if (stack->allocated.objects == 0)
			continue;
		write_counts(out, stack_in_use(stack), stack->allocated);
		for (int i = 0; i < stack->depth; i++)
			text_print(out, " 0x%" PRIxPTR, (uintptr_t)stack->frame[i]);
		text_add_byte(out, '\n');
	}
}

static void write_maps(struct text *out)
{
	ssize_t size;
	text_add_string(out, "\nMAPPED_LIBRARIES:\n");
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* Allocated: stacks of threads may be small. */
	char *part = malloc(REGION_PAGE);
	while (part != NULL && (size = read(fd, part, REGION_PAGE)) > 0)
		text_add(out, part, (size_t)size);
	out->failed = out->failed || part == NULL;
	free(part);
	close(fd);
}

static bool compose_profile(struct text *out, void *context)
{
	struct magring_pool *pool = context;
	struct profile *profile = pool->profile;
	if (profile != NULL) {
		pthread_mutex_lock(&profile->lock);
		write_stacks(out, profile);
		pthread_mutex_unlock(&profile->lock);
	} else {
		text_add_string(out, "heap profile: ");
		write_counts(out, (struct count){ 0 }, (struct count){ 0 });
		text_add_string(out, " heap_v2/1\n");
	}
	write_maps(out);
	return true;
}

int magring_pool_write_profile(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL
					      : text_compose(stream, compose_profile, pool);
}
