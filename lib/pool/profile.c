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
#include "pool/profile.h"
#include "tuning.h"

#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/random.h"
#include "pool/sample.h"
#include "pool/thread_cache.h"


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

/* In [0, 1). */
static double uniform(void)
{
	return (double)(random_next(&sampler.random) >> 11) * 0x1p-53;
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

/* The first one from here on in its bucket. */
static struct stack *search(struct stack *stack, const struct wanted *wanted)
{
	while (stack != NULL && (stack->depth != wanted->depth || stack->class_index != wanted->class_index ||
			memcmp(stack->frame, wanted->frame, (size_t)wanted->depth * sizeof(void *)) != 0))
		stack = stack->next;
	return stack;
}

static struct stack *create_stack(const struct wanted *wanted)
{
	size_t frames = (size_t)wanted->depth * sizeof(void *);
	struct stack *stack = calloc(1, sizeof(*stack) + frames);
	if (stack == NULL)
		return NULL;
	CDS_INIT_LIST_HEAD(&stack->live);
	stack->class_index = wanted->class_index;
	stack->depth = wanted->depth;
	memcpy(stack->frame, wanted->frame, frames);
	return stack;
}

/* FNV-1a, by words. */
static size_t hash(const struct wanted *wanted)
{
	uint64_t value = (0xcbf29ce484222325 ^ wanted->class_index) * 0x100000001b3;
	for (int i = 0; i < wanted->depth; i++)
		value = (value ^ (uintptr_t)wanted->frame[i]) * 0x100000001b3;
	return value ^ value >> 32;
}

static struct stack *find_stack(struct profile *profile, const struct wanted *wanted)
{
	_Atomic(struct stack *) *bucket = &profile->bucket[hash(wanted) % SAMPLE_BUCKETS];
	/* [stack] acquire: pairs with the CAS below; the stack is filled in. */
	struct stack *first = atomic_load_explicit(bucket, memory_order_acquire), *created = NULL;
	for (;;) {
		struct stack *stack = search(first, wanted);
		if (stack != NULL) {
			free(created); /* another thread came first */
			return stack;
		}
		if (created == NULL && (created = create_stack(wanted)) == NULL)
			return NULL;
		created->next = first;
		/* [stack] release: the stack is filled in before others find it. Acquire on failure:
		 * as above. */
		if (atomic_compare_exchange_strong_explicit(bucket, &first, created,
				memory_order_release, memory_order_acquire))
			return created;
	}
}

static bool is_cut(const void *address)
{
	return (uintptr_t)address >= (uintptr_t)__start_magring_alloc &&
		(uintptr_t)address <= (uintptr_t)__stop_magring_alloc;
}

static struct wanted take_stack(void **frame, unsigned int class_index)
{
	int depth = backtrace(frame, PROFILE_FRAMES_CUT + PROFILE_FRAMES), cut = 0;
	for (int i = 0; i < depth && i < PROFILE_FRAMES_CUT; i++)
		if (is_cut(frame[i]))
			cut = i + 1;
	depth -= cut;
	return (struct wanted){ class_index, depth < PROFILE_FRAMES ? depth : PROFILE_FRAMES, frame + cut };
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
	void *frame[PROFILE_FRAMES_CUT + PROFILE_FRAMES];
	if (!is_due(profile, bytes))
		return false;
	struct live *live = malloc(sizeof(*live));
	if (live == NULL)
		return false;
	struct wanted wanted = take_stack(frame, class_index);
	struct stack *stack = find_stack(profile, &wanted);
	if (stack == NULL) {
		free(live);
		return false;
	}
	/* From here on nothing fails: what is in the table will be in the list, too. */
	*live = (struct live){ .stack = stack, .bytes = bytes, .time_ns = clock_now(),
		.id_size = (uint8_t)id_size };
	if (id_size > 0)
		memcpy(live->id, id, id_size < SAMPLE_ID_KEPT ? id_size : SAMPLE_ID_KEPT);
	account(profile, live);
	profile->live[round] = live;
	return true;
}

void profile_free(struct profile *profile, uint32_t round)
{
	struct live *live = profile->live[round];
	thread_lock(&profile->lock);
	live->stack->freed.objects++;
	live->stack->freed.bytes += live->bytes;
	cds_list_del(&live->link);
	thread_unlock(&profile->lock);
	free(live);
}

/* ------------------------------------------------------ create and destroy -- */

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
	const char *leaks = secure_getenv("MAGRING_LEAKS"), *file = secure_getenv("MAGRING_PROFILE_FILE");
	bool report = leaks != NULL && strcmp(leaks, "1") == 0;
	uint64_t mean = bytes_in(secure_getenv("MAGRING_PROFILE"), option != 0 || file == NULL ? option : PROFILE_SAMPLE_BYTES);
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
	profile->live_size = (memory_limit / SLAB_UNIT + 1) * sizeof(*profile->live);
	profile->live = mmap(NULL, profile->live_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (profile->live == MAP_FAILED)
		goto free_file;
	pthread_mutex_init(&profile->lock, NULL); /* cannot fail on Linux */
	CDS_INIT_LIST_HEAD(&profile->stacks);
	backtrace(&frame, 1); /* the first one loads a library */
	*ret_profile = profile;
	return 0;

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
	cds_list_for_each_safe(link, next, &profile->stacks)
		free(stack_at(link));
	pthread_mutex_destroy(&profile->lock);
	munmap(profile->live, profile->live_size);
	free(profile->file);
	free(profile);
}
