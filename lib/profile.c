/* SPDX-License-Identifier: MIT */
/*
 * A sampling profile of a pool's allocations: what tcmalloc and jemalloc do for malloc.
 * Bytes are sampled by a Poisson process of one point in `mean` bytes, and a message is
 * sampled when it has a point, with probability 1 - exp(-bytes / mean). Readers of the
 * profile divide by that, for each line with the average size of its messages; so
 * there is a line for each stack and size class. With a mean of 1 all are sampled.
 *
 *	stack: in the hash table from its first message until the pool's end
 *	live:  from a message's allocation to its free, in the list of its stack; found by the
 *	       slab's round. The message says that it is sampled (MESSAGE_SAMPLED).
 *
 *	stack->allocated - stack->freed = length of stack->live
 *
 * The table of stacks is lock-free. One lock for the pool keeps counts and lists; only
 * sampled messages come here at all. Messages without a slab are no allocations. All
 * memory is malloc's and beyond the pool's budget; a message for which there is none goes
 * without a sample.
 */
#include "profile.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <urcu-bp.h>
#include <urcu/rculfhash.h>

#include "clock.h"
#include "pool.h"
#include "text.h"

#define FRAMES_MAX 64
#define FRAMES_CUT_MAX 8 /* of this library, above the caller */
#define BUCKETS 1024
#define MEAN 524288      /* if the environment wants a profile and does not say which */
#define ID_KEPT 40
#define GROUPS_SHOWN 20
#define MESSAGES_SHOWN 4

struct count {
	uint64_t objects, bytes;
};

struct stack {
	struct cds_lfht_node node;
	struct cds_list_head link; /* in profile->stacks once it has counts */
	struct cds_list_head live;
	struct count allocated, freed;
	unsigned int class_index;
	_Atomic(int) depth;        /* stored last */
	void *frame[];             /* return addresses, the caller's first */
};

struct live {
	struct cds_list_head link;
	struct stack *stack;
	size_t bytes;
	int64_t time_ns;
	uint8_t id_size;
	unsigned char id[ID_KEPT]; /* its beginning */
};

struct profile {
	uint64_t mean;
	bool report;               /* what is out when the pool is to be destroyed */
	char *file;                /* NULL, or how the names of files begin */
	struct cds_lfht *table;
	struct live **live;        /* by round; an entry belongs to whoever has the slab */
	size_t live_size;
	pthread_mutex_t lock;
	struct cds_list_head stacks;
};

/* Where the linker puts the functions with PROFILE_CUT. */
extern const char __start_magring_alloc[] __attribute__((visibility("hidden")));
extern const char __stop_magring_alloc[] __attribute__((visibility("hidden")));

/* -------------------------------------------------------------- sampling -- */

/* Of this thread and all pools: a Poisson process has no memory, so points that are counted in
 * means do for any mean. */
static _Thread_local struct {
	uint64_t random; /* 0: not seeded */
	double until;    /* the next point */
} sampler __attribute__((tls_model("initial-exec")));

/* SplitMix64 (Steele, Lea, Flood 2014), in [0, 1). */
static double uniform(void)
{
	uint64_t z = sampler.random += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/*
 * Exponentially distributed with mean 1, exact and without a logarithm (von Neumann 1951): a
 * falling run that begins with u has an odd length with probability exp(-u).
 */
static double exponential(void)
{
	for (double whole = 0;; whole++) {
		double first = uniform(), last = first, next;
		bool odd = true;
		for (; (next = uniform()) < last; last = next)
			odd = !odd;
		if (odd)
			return whole + first;
	}
}

static bool is_due(const struct profile *profile, size_t bytes)
{
	if (profile->mean == 1)
		return true;
	if (sampler.random == 0) {
		sampler.random = (uint64_t)clock_now() ^ thread_self() << 40;
		sampler.until = exponential();
	}
	sampler.until -= (double)bytes / (double)profile->mean;
	if (sampler.until > 0)
		return false;
	sampler.until = exponential();
	return true;
}

/* ------------------------------------------------------------- accounting -- */

struct wanted {
	unsigned int class_index;
	int depth;
	void **frame;
};

static int is_wanted(struct cds_lfht_node *node, const void *key)
{
	const struct wanted *wanted = key;
	struct stack *stack = caa_container_of(node, struct stack, node);
	/* [stack] acquire: pairs with create_stack(). liburcu orders it, but unseen by
	 * ThreadSanitizer. */
	int depth = atomic_load_explicit(&stack->depth, memory_order_acquire);
	return depth == wanted->depth && stack->class_index == wanted->class_index &&
		memcmp(stack->frame, wanted->frame, (size_t)depth * sizeof(void *)) == 0;
}

static struct stack *create_stack(const struct wanted *wanted)
{
	size_t frames = (size_t)wanted->depth * sizeof(void *);
	struct stack *stack = calloc(1, sizeof(*stack) + frames);
	if (stack == NULL)
		return NULL;
	cds_lfht_node_init(&stack->node);
	CDS_INIT_LIST_HEAD(&stack->live);
	stack->class_index = wanted->class_index;
	memcpy(stack->frame, wanted->frame, frames);
	/* [stack] release: the stack is filled in before others find it. */
	atomic_store_explicit(&stack->depth, wanted->depth, memory_order_release);
	return stack;
}

/* FNV-1a, by words. */
static unsigned long hash(const struct wanted *wanted)
{
	uint64_t value = (0xcbf29ce484222325 ^ wanted->class_index) * 0x100000001b3;
	for (int i = 0; i < wanted->depth; i++)
		value = (value ^ (uintptr_t)wanted->frame[i]) * 0x100000001b3;
	return value ^ value >> 32;
}

static struct stack *find_stack(struct profile *profile, const struct wanted *wanted)
{
	struct cds_lfht_iter iter;
	struct stack *stack = NULL;
	urcu_bp_read_lock();
	cds_lfht_lookup(profile->table, hash(wanted), is_wanted, wanted, &iter);
	struct cds_lfht_node *found = cds_lfht_iter_get_node(&iter);
	if (found == NULL && (stack = create_stack(wanted)) != NULL) {
		found = cds_lfht_add_unique(profile->table, hash(wanted), is_wanted, wanted, &stack->node);
		if (found != &stack->node)
			free(stack); /* another thread came first */
	}
	urcu_bp_read_unlock();
	return found != NULL ? caa_container_of(found, struct stack, node) : NULL;
}

static bool is_cut(const void *address)
{
	return (uintptr_t)address >= (uintptr_t)__start_magring_alloc &&
		(uintptr_t)address <= (uintptr_t)__stop_magring_alloc;
}

static struct wanted take_stack(void **frame, unsigned int class_index)
{
	int depth = backtrace(frame, FRAMES_CUT_MAX + FRAMES_MAX), cut = 0;
	for (int i = 0; i < depth && i < FRAMES_CUT_MAX; i++)
		if (is_cut(frame[i]))
			cut = i + 1;
	depth -= cut;
	return (struct wanted){ class_index, depth < FRAMES_MAX ? depth : FRAMES_MAX, frame + cut };
}

static void account(struct profile *profile, struct live *live)
{
	struct stack *stack = live->stack;
	pthread_mutex_lock(&profile->lock);
	if (stack->allocated.objects == 0)
		cds_list_add_tail(&stack->link, &profile->stacks);
	stack->allocated.objects++;
	stack->allocated.bytes += live->bytes;
	cds_list_add_tail(&live->link, &stack->live);
	pthread_mutex_unlock(&profile->lock);
}

bool profile_alloc(struct profile *profile, uint32_t round, unsigned int class_index, size_t bytes,
	const void *id, size_t id_size)
{
	void *frame[FRAMES_CUT_MAX + FRAMES_MAX];
	if (!is_due(profile, bytes))
		return false;
	struct wanted wanted = take_stack(frame, class_index);
	struct stack *stack = find_stack(profile, &wanted);
	struct live *live = stack != NULL ? malloc(sizeof(*live)) : NULL;
	if (live == NULL)
		return false;
	*live = (struct live){ .stack = stack, .bytes = bytes, .time_ns = clock_now(),
		.id_size = (uint8_t)id_size };
	if (id_size > 0)
		memcpy(live->id, id, id_size < ID_KEPT ? id_size : ID_KEPT);
	account(profile, live);
	profile->live[round] = live;
	return true;
}

void profile_free(struct profile *profile, uint32_t round)
{
	struct live *live = profile->live[round];
	pthread_mutex_lock(&profile->lock);
	live->stack->freed.objects++;
	live->stack->freed.bytes += live->bytes;
	cds_list_del(&live->link);
	pthread_mutex_unlock(&profile->lock);
	free(live);
}

static struct count in_use(const struct stack *stack)
{
	return (struct count){ stack->allocated.objects - stack->freed.objects,
		stack->allocated.bytes - stack->freed.bytes };
}

static struct stack *stack_at(struct cds_list_head *link)
{
	return caa_container_of(link, struct stack, link);
}

/* ---------------------------------------------------------------- profile -- */

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
		add_count(&used, in_use(stack_at(link)));
		add_count(&allocated, stack_at(link)->allocated);
	}
	fputs("heap profile: ", out);
	write_counts(out, used, allocated);
	fprintf(out, " heap_v2/%" PRIu64 "\n", profile->mean);
	cds_list_for_each(link, &profile->stacks) {
		struct stack *stack = stack_at(link);
		write_counts(out, in_use(stack), stack->allocated);
		/* Relaxed: the lock orders it. */
		for (int i = 0; i < atomic_load_explicit(&stack->depth, memory_order_relaxed); i++)
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

int magring_pool_profile_write(struct magring_pool *pool, FILE *stream)
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
	for (size_t i = 0; i < live->id_size && i < ID_KEPT; i++) {
		if (live->id[i] < ' ' || live->id[i] > '~' || live->id[i] == '"' || live->id[i] == '\\')
			fprintf(out, "\\x%02x", live->id[i]);
		else
			fputc(live->id[i], out);
	}
	fprintf(out, "\"%s, %zu bytes, %" PRId64 ".%03d s old\n", live->id_size > ID_KEPT ? "..." : "",
		live->bytes, age_ms / 1000, (int)(age_ms % 1000));
}

static void write_group(FILE *out, struct stack *stack)
{
	int64_t now_ns = clock_now();
	struct cds_list_head *link;
	int shown = 0;
	fprintf(out, "%" PRIu64 " messages with %" PRIu64 " bytes were allocated here:\n",
		in_use(stack).objects, in_use(stack).bytes);
	/* Relaxed: the lock orders it. */
	for (int i = 0; i < atomic_load_explicit(&stack->depth, memory_order_relaxed); i++)
		write_frame(out, stack->frame[i]);
	cds_list_for_each(link, &stack->live) {
		if (shown++ == MESSAGES_SHOWN) {
			fputs("  and younger ones\n", out);
			break;
		}
		write_live(out, caa_container_of(link, struct live, link), now_ns);
	}
}

/* The groups with most bytes, largest first; returns how many there are in all. */
static size_t choose_groups(struct profile *profile, struct stack **group)
{
	struct cds_list_head *link;
	size_t groups = 0;
	cds_list_for_each(link, &profile->stacks) {
		struct stack *stack = stack_at(link);
		if (in_use(stack).objects == 0)
			continue;
		size_t place = groups < GROUPS_SHOWN ? groups : GROUPS_SHOWN;
		groups++;
		for (; place > 0 && in_use(group[place - 1]).bytes < in_use(stack).bytes; place--)
			if (place < GROUPS_SHOWN)
				group[place] = group[place - 1];
		if (place < GROUPS_SHOWN)
			group[place] = stack;
	}
	return groups;
}

static void write_leaks(FILE *out, struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	struct profile *profile = pool->profile;
	struct stack *group[GROUPS_SHOWN];
	magring_pool_stats(pool, &stats);
	fprintf(out, "magring: pool \"%s\": %" PRIu64 " slabs are out, messages of %" PRIu64 " bytes",
		pool->name, stats.slabs_in_use, stats.payload_bytes_in_use);
	if (profile == NULL) {
		fputs("; nothing is sampled\n", out);
		return;
	}
	if (profile->mean > 1)
		fprintf(out, "; sampled, once in %" PRIu64 " bytes", profile->mean);
	fputc('\n', out);
	pthread_mutex_lock(&profile->lock);
	size_t groups = choose_groups(profile, group);
	for (size_t i = 0; i < groups && i < GROUPS_SHOWN; i++)
		write_group(out, group[i]);
	pthread_mutex_unlock(&profile->lock);
	if (groups > GROUPS_SHOWN)
		fprintf(out, "and %zu groups with fewer bytes\n", groups - GROUPS_SHOWN);
}

int magring_pool_leaks_write(struct magring_pool *pool, FILE *stream)
{
	return pool == NULL || stream == NULL ? -EINVAL : text_write(stream, write_leaks, pool);
}

/* ------------------------------------------------------------ environment -- */

void profile_busy(struct magring_pool *pool)
{
	if (pool->profile != NULL && pool->profile->report)
		(void)text_write(stderr, write_leaks, pool);
}

void profile_done(struct magring_pool *pool)
{
	char *name;
	int cancel_state;
	if (pool->profile == NULL || pool->profile->file == NULL)
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (asprintf(&name, "%s.%d.%" PRIu64 ".heap", pool->profile->file, (int)getpid(),
			pool->registry.serial) > 0) {
		FILE *file = fopen(name, "we");
		if (file == NULL || magring_pool_profile_write(pool, file) != 0)
			fprintf(stderr, "magring: pool \"%s\": cannot write %s\n", pool->name, name);
		if (file != NULL)
			fclose(file);
		free(name);
	}
	pthread_setcancelstate(cancel_state, NULL);
}

static void at_exit(void)
{
	if (thread_is_forked())
		return; /* what another thread of the parent was at stays half done */
	urcu_bp_read_lock();
	for (unsigned int number = 0; number < pool_numbers(); number++)
		if (pool_published(number) != NULL)
			profile_done(pool_published(number));
	urcu_bp_read_unlock();
}

static void register_at_exit(void)
{
	atexit(at_exit); /* if it cannot, no files are written then */
}

/* A number of bytes, or what there is without. */
static uint64_t bytes_in(const char *text, uint64_t without)
{
	char *end;
	if (text == NULL || *text < '0' || *text > '9')
		return without;
	uint64_t value = strtoull(text, &end, 10);
	return *end == '\0' && value <= INT64_MAX ? value : without;
}

int profile_create(struct profile **ret_profile, uint64_t option, size_t memory_limit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *leaks = secure_getenv("MAGRING_LEAKS"), *file = secure_getenv("MAGRING_PROFILE_FILE");
	bool report = leaks != NULL && strcmp(leaks, "1") == 0;
	uint64_t mean = bytes_in(secure_getenv("MAGRING_PROFILE"), option != 0 || file == NULL ? option : MEAN);
	void *frame;
	*ret_profile = NULL;
	if (report)
		mean = 1;
	if (mean == 0)
		return 0;
	struct profile *profile = calloc(1, sizeof(*profile));
	if (profile == NULL)
		return -ENOMEM;
	profile->mean = mean;
	profile->report = report;
	if (file != NULL && (profile->file = strdup(file)) == NULL)
		goto free_profile;
	/* Of fixed size, for resizing has threads of its own. */
	profile->table = cds_lfht_new_flavor(BUCKETS, BUCKETS, BUCKETS, 0, &urcu_bp_flavor, NULL);
	if (profile->table == NULL)
		goto free_file;
	profile->live_size = (memory_limit / SLAB_UNIT + 1) * sizeof(*profile->live);
	profile->live = mmap(NULL, profile->live_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (profile->live == MAP_FAILED)
		goto free_table;
	pthread_mutex_init(&profile->lock, NULL); /* cannot fail on Linux */
	CDS_INIT_LIST_HEAD(&profile->stacks);
	backtrace(&frame, 1); /* the first one loads a library */
	if (file != NULL)
		pthread_once(&once, register_at_exit);
	*ret_profile = profile;
	return 0;

free_table:
	cds_lfht_destroy(profile->table, NULL);
free_file:
	free(profile->file);
free_profile:
	free(profile);
	return -ENOMEM;
}

void profile_destroy(struct profile *profile)
{
	struct cds_list_head *link, *next;
	if (profile == NULL)
		return;
	cds_list_for_each_safe(link, next, &profile->stacks) {
		urcu_bp_read_lock();
		cds_lfht_del(profile->table, &stack_at(link)->node);
		urcu_bp_read_unlock();
		/* Nobody else looks into the table. */
		free(stack_at(link));
	}
	cds_lfht_destroy(profile->table, NULL);
	pthread_mutex_destroy(&profile->lock);
	munmap(profile->live, profile->live_size);
	free(profile->file);
	free(profile);
}
