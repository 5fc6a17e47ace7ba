/* SPDX-License-Identifier: MIT */
/*
 * Leaks as text for people: the messages that are in use, by call site, the
 * largest first, with the oldest messages of each.
 *
 * Counts and lists are copied under the profile's lock, for which allocations
 * and frees of sampled messages wait. The dynamic linker is asked for names
 * after that. It has a lock of its own, under which a library that is being
 * loaded may allocate messages.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdlib.h>

#include "base/clock.h"
#include "observe/text.h"
#include "pool/pool.h"
#include "pool/sample.h"
#include "tuning.h"

/*
 * Where a call is: the object's file, its function if known, and how far the
 * object was moved. musl tells none of that.
 */
static bool find_call(const char *call, Dl_info *ret_info, uintptr_t *ret_moved)
{
#ifdef __GLIBC__
	void *map = NULL;
	if (dladdr1(call, ret_info, &map, RTLD_DL_LINKMAP) == 0 || map == NULL)
		return false;
	*ret_moved = ((struct link_map *)map)->l_addr;
	return true;
#else
	(void)call, (void)ret_info, (void)ret_moved;
	return false;
#endif
}

/*
 * "function+0x17 (program+0x1234)": the first if it is known, the second for
 * addr2line and gdb. Both are of the call, not of what follows it.
 */
static void write_frame(struct text *out, const void *address)
{
	const char *call = (const char *)address - 1;
	Dl_info info = { 0 };
	uintptr_t moved = 0;
	text_add_string(out, "    ");
	if (!find_call(call, &info, &moved)) {
		text_print(out, "0x%" PRIxPTR "\n", (uintptr_t)call);
		return;
	}
	if (info.dli_sname != NULL)
		text_print(out, "%s+0x%" PRIxPTR " ", info.dli_sname,
			(uintptr_t)call - (uintptr_t)info.dli_saddr);
	text_print(out, "(%s+0x%" PRIxPTR ")\n", info.dli_fname, (uintptr_t)call - moved);
}

static void write_live(struct text *out, const struct live *live, int64_t now_ns)
{
	int64_t age_ms = (now_ns - live->time_ns) / 1000000;
	text_add_string(out, "  id \"");
	for (size_t i = 0; i < live->id_size && i < SAMPLE_ID_KEPT; i++) {
		unsigned char byte = live->id[i];
		if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
			text_print(out, "\\x%02x", byte);
		else
			text_add_byte(out, (char)byte);
	}
	text_print(out, "\"%s, %zu bytes, %" PRId64 ".%03d s old\n",
		live->id_size > SAMPLE_ID_KEPT ? "..." : "", live->bytes, age_ms / 1000,
		(int)(age_ms % 1000));
}

/* A call site and size class, and copies of its oldest messages. */
struct group {
	struct stack *stack;
	struct count used;
	struct live oldest[REPORT_MESSAGES];
};

/*
 * Under the lock. The groups with most bytes, largest first. Returns: how many
 * are in use.
 */
static size_t choose_groups(struct profile *profile, struct stack **largest)
{
	size_t groups = 0;
	profile_for_each(profile, stack) {
		if (stack_in_use(stack).objects == 0)
			continue;
		size_t place = groups < REPORT_GROUPS ? groups : REPORT_GROUPS;
		groups++;
		uint64_t bytes = stack_in_use(stack).bytes;
		for (; place > 0 && stack_in_use(largest[place - 1]).bytes < bytes; place--)
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

static void write_group(struct text *out, const struct group *group, int64_t now_ns)
{
	text_print(out, "%" PRIu64 " messages with %" PRIu64 " bytes were allocated here:\n",
		group->used.objects, group->used.bytes);
	for (int i = 0; i < group->stack->depth; i++)
		write_frame(out, group->stack->frame[i]);
	for (size_t i = 0; i < group->used.objects && i < REPORT_MESSAGES; i++)
		write_live(out, &group->oldest[i], now_ns);
	if (group->used.objects > REPORT_MESSAGES)
		text_add_string(out, "  and younger ones\n");
}

static void write_groups(struct text *out, struct profile *profile)
{
	struct stack *largest[REPORT_GROUPS];
	/* Allocated: stacks of threads may be small. */
	struct group *group = calloc(REPORT_GROUPS, sizeof(*group));
	if (group == NULL) {
		out->failed = true;
		return;
	}
	pthread_mutex_lock(&profile->lock);
	size_t groups = choose_groups(profile, largest);
	for (size_t i = 0; i < groups && i < REPORT_GROUPS; i++)
		copy_group(&group[i], largest[i]);
	pthread_mutex_unlock(&profile->lock);
	int64_t now_ns = clock_now();
	for (size_t i = 0; i < groups && i < REPORT_GROUPS; i++)
		write_group(out, &group[i], now_ns);
	free(group);
	if (groups > REPORT_GROUPS)
		text_print(out, "and %zu groups with fewer bytes\n", groups - REPORT_GROUPS);
}

static bool compose_leaks(struct text *out, void *context)
{
	struct magring_pool *pool = context;
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct profile *profile = pool->profile;
	magring_pool_get_stats(pool, &stats);
	text_print(out,
		"magring: pool \"%s\": %" PRIu64 " slabs are out, messages of %" PRIu64 " bytes",
		pool->name, stats.slabs_in_use, stats.payload_bytes_in_use);
	if (profile == NULL || profile->inherited) {
		text_add_string(out, "; nothing is sampled\n");
		return true;
	}
	if (profile->mean > 1)
		text_print(out, "; sampled, once in %" PRIu64 " bytes", profile->mean);
	text_add_byte(out, '\n');
	write_groups(out, profile);
	return true;
}

int magring_pool_write_leaks(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_compose(stream, compose_leaks, pool);
}
