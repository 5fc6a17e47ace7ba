/* SPDX-License-Identifier: MIT */
/*
 * Samples of a pool's allocations, as tcmalloc and jemalloc take them of
 * malloc's.
 *
 * A message is sampled with probability 1 - exp(-bytes / mean): see sampler.c.
 * Readers of a profile divide by that, for each line with the average
 * size of its messages. So there is a line for each stack and size class. A
 * mean of 1 samples all.
 *
 *	stack: in the hash table from its first message until the pool's end
 *	live:  in the list of its stack from a message's allocation to its free,
 *	       and in a table by the slab's round (MESSAGE_RARE)
 *
 *	stack->allocated - stack->freed = length of stack->live
 *
 * The table of stacks is lock-free. One lock for the pool keeps counts and
 * lists, and only sampled messages take it. Messages without a slab are not
 * sampled. All memory is malloc's and beyond the pool's budget. A message for
 * which there is none goes without a sample.
 */
#include "pool/sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/backtrace.h"
#include "base/clock.h"
#include "base/watched.h"
#include "pool/sampler.h"
#include "pool/size_class.h"
#include "pool/thread_cache.h"
#include "tuning.h"

/* ------------------------------------------------------------ accounting -- */

struct wanted {
	unsigned int class_index;
	int depth;
	void **frame;
};

/* The first stack like this from here on in the bucket, or NULL. */
static struct stack *search(struct stack *stack, const struct wanted *wanted)
{
	while (stack != NULL &&
		(stack->depth != wanted->depth || stack->class_index != wanted->class_index ||
			memcmp(stack->frame, wanted->frame,
				(size_t)wanted->depth * sizeof(void *)) != 0))
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
	/* [stack] acquire: pairs with the CAS below. The stack is filled in. */
	struct stack *first = atomic_load_explicit(bucket, memory_order_acquire), *created = NULL;
	for (;;) {
		watched_acquire(bucket);
		struct stack *stack = search(first, wanted);
		if (stack != NULL) {
			free(created); /* another thread came first */
			return stack;
		}
		if (created == NULL && (created = create_stack(wanted)) == NULL)
			return NULL;
		created->next = first;
		watched_release(bucket);
		/*
		 * [stack] release: the stack is filled in before others find
		 * it. Acquire on failure, as above.
		 */
		if (atomic_compare_exchange_strong_explicit(bucket, &first, created,
			    memory_order_release, memory_order_acquire))
			return created;
	}
}

/*
 * The stack from the caller on. Above it are frames of the library. Compilers
 * decide how many, so the address to which they return is looked for.
 */
static struct wanted take_stack(void **frame, unsigned int class_index, const void *caller)
{
	int depth = backtrace(frame, PROFILE_FRAMES_CUT + PROFILE_FRAMES), cut = 0;
	while (cut < depth && cut < PROFILE_FRAMES_CUT && frame[cut] != caller)
		cut++;
	if (cut == depth || cut == PROFILE_FRAMES_CUT)
		cut = 0; /* some frames too many are better than another caller */
	depth -= cut;
	return (struct wanted){ class_index, depth < PROFILE_FRAMES ? depth : PROFILE_FRAMES,
		frame + cut };
}

static void account(struct profile *profile, struct live *live)
{
	struct stack *stack = live->stack;
	pthread_mutex_lock(&profile->lock);
	stack->allocated.objects++;
	stack->allocated.bytes += live->bytes;
	cds_list_add_tail(&live->link, &stack->live);
	pthread_mutex_unlock(&profile->lock);
}

bool profile_alloc(struct profile *profile, uint32_t round, unsigned int class_index, size_t bytes,
	const void *id, size_t id_size, const void *caller)
{
	void *frame[PROFILE_FRAMES_CUT + PROFILE_FRAMES];
	bool every = profile->mean == 1;
	if (profile->inherited ||
		(!every && !sampler_is_due((double)bytes / (double)profile->mean)))
		return false;
	struct live *live = malloc(sizeof(*live));
	if (live == NULL)
		return false;
	struct wanted wanted = take_stack(frame, class_index, caller);
	struct stack *stack = find_stack(profile, &wanted);
	if (stack == NULL) {
		free(live);
		return false;
	}
	/*
	 * Nothing fails from here on: what is in the table will be in the list.
	 */
	*live = (struct live){ .stack = stack,
		.bytes = bytes,
		.time_ns = clock_now(),
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
	if (live == NULL)
		return;
	profile->live[round] = NULL;
	pthread_mutex_lock(&profile->lock);
	live->stack->freed.objects++;
	live->stack->freed.bytes += live->bytes;
	if (!profile->inherited)
		cds_list_del(&live->link);
	pthread_mutex_unlock(&profile->lock);
	watched_release(profile);
	free(live);
}

/* ---------------------------------------------------- create and destroy -- */

int profile_create(struct profile **ret_profile, const struct profile_options *options,
	size_t memory_limit)
{
	void *frame;
	*ret_profile = NULL;
	if (options->mean == 0)
		return 0;
	if (!HAS_BACKTRACE && options->required)
		return -ENOTSUP;
	if (!HAS_BACKTRACE) {
		fputs("magring: no profiles: the C library has no backtrace()\n", stderr);
		return 0;
	}
	struct profile *profile = calloc(1, sizeof(*profile));
	if (profile == NULL)
		return -ENOMEM;
	profile->mean = options->mean;
	profile->report = options->report;
	if (options->file != NULL && (profile->file = strdup(options->file)) == NULL)
		goto free_profile;
	profile->live_size = (memory_limit / SLAB_UNIT + 1) * sizeof(*profile->live);
	profile->live = mmap(NULL, profile->live_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (profile->live == MAP_FAILED)
		goto free_file;
	pthread_mutex_init(&profile->lock, NULL); /* cannot fail on Linux */
	backtrace(&frame, 1);                     /* the first one loads a library */
	*ret_profile = profile;
	return 0;

free_file:
	free(profile->file);
free_profile:
	free(profile);
	return -ENOMEM;
}

void profile_inherit(struct profile *profile)
{
	pthread_mutex_init(&profile->lock, NULL); /* cannot fail on Linux */
	profile->inherited = true;
}

static void free_stacks(struct stack *stack)
{
	while (stack != NULL) {
		struct stack *next = stack->next;
		free(stack);
		stack = next;
	}
}

void profile_destroy(struct profile *profile)
{
	if (profile == NULL)
		return;
	watched_acquire(profile);
	for (size_t bucket = 0; bucket < SAMPLE_BUCKETS; bucket++)
		free_stacks(profile_first_stack(profile, bucket));
	pthread_mutex_destroy(&profile->lock);
	munmap(profile->live, profile->live_size);
	free(profile->file);
	free(profile);
}
