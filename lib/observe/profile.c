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
#include <inttypes.h>

#include "observe/text.h"
#include "pool/pool.h"
#include "pool/sample.h"

static void write_counts(FILE *out, struct count used, struct count allocated)
{
	/*
	 * pprof compares these texts. If nothing was ever freed they must not
	 * be the same, as in a profile of what is in use only. So one has
	 * leading zeros.
	 */
	fprintf(out, "%" PRIu64 ": %" PRIu64 " [%020" PRIu64 ": %020" PRIu64 "] @", used.objects,
		used.bytes, allocated.objects, allocated.bytes);
}

static void add_count(struct count *sum, struct count count)
{
	sum->objects += count.objects;
	sum->bytes += count.bytes;
}

static void write_stacks(FILE *out, struct profile *profile)
{
	struct count used = { 0 }, allocated = { 0 };
	profile_for_each(profile, stack) {
		add_count(&used, stack_in_use(stack));
		add_count(&allocated, stack->allocated);
	}
	fputs("heap profile: ", out);
	write_counts(out, used, allocated);
	fprintf(out, " heap_v2/%" PRIu64 "\n", profile->mean);
	profile_for_each(profile, stack) {
		if (stack->allocated.objects == 0)
			continue;
		write_counts(out, stack_in_use(stack), stack->allocated);
		for (int i = 0; i < stack->depth; i++)
			fprintf(out, " 0x%" PRIxPTR, (uintptr_t)stack->frame[i]);
		fputc('\n', out);
	}
}

static void write_maps(FILE *out)
{
	char part[4096];
	size_t size;
	FILE *maps = fopen("/proc/self/maps", "re");
	fputs("\nMAPPED_LIBRARIES:\n", out);
	if (maps == NULL)
		return;
	while ((size = fread(part, 1, sizeof(part), maps)) > 0)
		fwrite(part, 1, size, out);
	fclose(maps);
}

static bool compose_profile(FILE *out, void *context)
{
	struct magring_pool *pool = context;
	struct profile *profile = pool->profile;
	if (profile != NULL) {
		pthread_mutex_lock(&profile->lock);
		write_stacks(out, profile);
		pthread_mutex_unlock(&profile->lock);
	} else {
		fputs("heap profile: ", out);
		write_counts(out, (struct count){ 0 }, (struct count){ 0 });
		fputs(" heap_v2/1\n", out);
	}
	write_maps(out);
	return true;
}

int magring_pool_write_profile(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL
					      : text_compose(stream, compose_profile, pool);
}
