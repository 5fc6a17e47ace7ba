/* SPDX-License-Identifier: MIT */
/*
 * What a profile knows, as text: for pprof and its like, in the format of heap profiles that
 * tcmalloc and jemalloc write, with the samples as they were taken and the mean in the header;
 * and for people, as a report of the messages that are out. The process's environment
 * can ask for both at a pool's or the process's end.
 *
 * Counts and lists are read under the profile's lock, for which allocations and frees of
 * sampled messages wait; the stacks themselves stay as they are until the pool's end. The
 * dynamic linker is not asked under that lock: it has one of its own, under which a library that
 * is being loaded may allocate messages.
 */
#include "observe/report.h"
#include "tuning.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool/pool.h"
#include "pool/sample.h"
#include "observe/text.h"


/* --------------------------------------------------------------- profile -- */

static void write_counts(FILE *out, struct count used, struct count allocated)
{
	/* A profile in which nothing was ever freed must not look like one that knows only what
	 * is in use: pprof compares these texts. So one has zeros before it. */
	fprintf(out, "%" PRIu64 ": %" PRIu64 " [%020" PRIu64 ": %020" PRIu64 "] @",
		used.objects, used.bytes, allocated.objects, allocated.bytes);
}

static void add_count(struct count *sum, struct count count)
{
	sum->objects += count.objects;
	sum->bytes += count.bytes;
}

static void write_stacks(FILE *out, struct profile *profile)
{
	struct cds_list_head *link;
	struct count used = { 0 }, allocated = { 0 };
	cds_list_for_each(link, &profile->stacks) {
		add_count(&used, stack_in_use(stack_at(link)));
		add_count(&allocated, stack_at(link)->allocated);
	}
	fputs("heap profile: ", out);
	write_counts(out, used, allocated);
	fprintf(out, " heap_v2/%" PRIu64 "\n", profile->mean);
	cds_list_for_each(link, &profile->stacks) {
		struct stack *stack = stack_at(link);
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

static void write_profile(FILE *out, struct magring_pool *pool)
{
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
}

int magring_pool_write_profile(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_write(stream, write_profile, pool);
}

/* ------------------------------------------------------------------ leaks -- */

/* "function+0x17 (program+0x1234)": the first as far as it is known; the second is what addr2line
 * and gdb take, of the call and not of what follows it. */
static void write_frame(FILE *out, const void *address)
{
	const char *call = (const char *)address - 1;
	Dl_info info = { 0 };
	void *map = NULL;
	fputs("    ", out);
	if (dladdr1(call, &info, &map, RTLD_DL_LINKMAP) == 0 || map == NULL) {
		fprintf(out, "0x%" PRIxPTR "\n", (uintptr_t)call);
		return;
	}
	if (info.dli_sname != NULL)
		fprintf(out, "%s+0x%" PRIxPTR " ", info.dli_sname,
			(uintptr_t)call - (uintptr_t)info.dli_saddr);
	fprintf(out, "(%s+0x%" PRIxPTR ")\n", info.dli_fname,
		(uintptr_t)call - ((struct link_map *)map)->l_addr);
}

static void write_live(FILE *out, const struct live *live, int64_t now_ns)
{
	int64_t age_ms = (now_ns - live->time_ns) / 1000000;
	fputs("  id \"", out);
	for (size_t i = 0; i < live->id_size && i < SAMPLE_ID_KEPT; i++) {
		if (live->id[i] < ' ' || live->id[i] > '~' || live->id[i] == '"' || live->id[i] == '\\')
			fprintf(out, "\\x%02x", live->id[i]);
		else
			fputc(live->id[i], out);
	}
	fprintf(out, "\"%s, %zu bytes, %" PRId64 ".%03d s old\n", live->id_size > SAMPLE_ID_KEPT ? "..." : "",
		live->bytes, age_ms / 1000, (int)(age_ms % 1000));
}

/* A call site and size class, and its oldest messages: copies, but for the stack. */
struct group {
	struct stack *stack;
	struct count used;
	struct live oldest[REPORT_MESSAGES];
};

/* Under the lock. The groups with most bytes, largest first; returns how many there are in all. */
static size_t choose_groups(struct profile *profile, struct stack **largest)
{
	struct cds_list_head *link;
	size_t groups = 0;
	cds_list_for_each(link, &profile->stacks) {
		struct stack *stack = stack_at(link);
		if (stack_in_use(stack).objects == 0)
			continue;
		size_t place = groups < REPORT_GROUPS ? groups : REPORT_GROUPS;
		groups++;
		for (; place > 0 && stack_in_use(largest[place - 1]).bytes < stack_in_use(stack).bytes; place--)
			if (place < REPORT_GROUPS)
				largest[place] = largest[place - 1];
		if (place < REPORT_GROUPS)
			largest[place] = stack;
	}
	return groups;
}

/* Under the lock. */
static void copy_group(struct group *group, struct stack *stack)
{
	struct cds_list_head *link;
	size_t count = 0;
	group->stack = stack;
	group->used = stack_in_use(stack);
	cds_list_for_each(link, &stack->live) {
		if (count == REPORT_MESSAGES)
			break;
		group->oldest[count++] = *caa_container_of(link, struct live, link);
	}
}

static void write_group(FILE *out, const struct group *group, int64_t now_ns)
{
	fprintf(out, "%" PRIu64 " messages with %" PRIu64 " bytes were allocated here:\n",
		group->used.objects, group->used.bytes);
	for (int i = 0; i < group->stack->depth; i++)
		write_frame(out, group->stack->frame[i]);
	for (size_t i = 0; i < group->used.objects && i < REPORT_MESSAGES; i++)
		write_live(out, &group->oldest[i], now_ns);
	if (group->used.objects > REPORT_MESSAGES)
		fputs("  and younger ones\n", out);
}

static void write_groups(FILE *out, struct profile *profile)
{
	struct stack *largest[REPORT_GROUPS];
	struct group group[REPORT_GROUPS];
	pthread_mutex_lock(&profile->lock);
	size_t groups = choose_groups(profile, largest);
	for (size_t i = 0; i < groups && i < REPORT_GROUPS; i++)
		copy_group(&group[i], largest[i]);
	pthread_mutex_unlock(&profile->lock);
	int64_t now_ns = clock_now();
	for (size_t i = 0; i < groups && i < REPORT_GROUPS; i++)
		write_group(out, &group[i], now_ns);
	if (groups > REPORT_GROUPS)
		fprintf(out, "and %zu groups with fewer bytes\n", groups - REPORT_GROUPS);
}

static void write_leaks(FILE *out, struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct profile *profile = pool->profile;
	magring_pool_get_stats(pool, &stats);
	fprintf(out, "magring: pool \"%s\": %" PRIu64 " slabs are out, messages of %" PRIu64 " bytes",
		pool->name, stats.slabs_in_use, stats.payload_bytes_in_use);
	if (profile == NULL) {
		fputs("; nothing is sampled\n", out);
		return;
	}
	if (profile->mean > 1)
		fprintf(out, "; sampled, once in %" PRIu64 " bytes", profile->mean);
	fputc('\n', out);
	write_groups(out, profile);
}

int magring_pool_write_leaks(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_write(stream, write_leaks, pool);
}

/* ------------------------------------------------------------ environment -- */

void report_busy(struct magring_pool *pool)
{
	/* In a child of a fork other threads of the parent keep the locks that they had. */
	if (pool->profile != NULL && pool->profile->report && !thread_is_forked())
		(void)text_write(stderr, write_leaks, pool);
}

void report_done(struct magring_pool *pool)
{
	char *name;
	int cancel_state;
	if (pool->profile == NULL || pool->profile->file == NULL)
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (asprintf(&name, "%s.%d.%" PRIu64 ".heap", pool->profile->file, (int)getpid(),
			pool->registry.serial) > 0) {
		FILE *file = fopen(name, "we");
		bool written = file != NULL && magring_pool_write_profile(pool, file) == 0;
		if (file != NULL && fclose(file) != 0)
			written = false;
		if (!written)
			fprintf(stderr, "magring: pool \"%s\": cannot write %s\n", pool->name, name);
		free(name);
	}
	pthread_setcancelstate(cancel_state, NULL);
}

static void at_exit(void)
{
	if (thread_is_forked())
		return; /* what another thread of the parent was at stays half done */
	unsigned int half = thread_section_begin();
	for (unsigned int number = 0; number < pool_numbers(); number++) {
		/* Looked up once: other threads go on, and may be destroying it. */
		struct magring_pool *pool = pool_published(number);
		if (pool != NULL)
			report_done(pool);
	}
	thread_section_end(half);
}

static void register_at_exit(void)
{
	atexit(at_exit); /* if it cannot, no files are written then */
}

void report_begin(const struct magring_pool *pool)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (pool->profile != NULL && pool->profile->file != NULL)
		pthread_once(&once, register_at_exit);
}
