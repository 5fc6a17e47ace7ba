/* SPDX-License-Identifier: MIT */
/*
 * sample: which calls allocated the messages of a pool, by samples.
 *
 * sample.c keeps the structures. observe/profile.c and observe/leaks.c print
 * them.
 */
#ifndef MAGRING_SAMPLE_H
#define MAGRING_SAMPLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urcu/list.h>

#include "tuning.h"

struct count {
	uint64_t objects, bytes;
};

/* Messages of one call site and one size class. */
struct stack {
	struct stack *next; /* in its bucket */
	struct cds_list_head live;
	struct count allocated, freed; /* nothing was allocated: it is just being made */
	unsigned int class_index;
	int depth;
	void *frame[]; /* return addresses, the caller's first */
};

/* A sampled message that is in use. */
struct live {
	struct cds_list_head link;
	struct stack *stack;
	size_t bytes;
	int64_t time_ns;
	uint8_t id_size;
	unsigned char id[SAMPLE_ID_KEPT]; /* its beginning */
};

struct profile {
	uint64_t mean;
	bool report; /* leaks, when the pool is to be destroyed */
	char *file;  /* NULL, or how the names of files begin */
	_Atomic(struct stack *) bucket[SAMPLE_BUCKETS]; /* by hash; they grow at their heads */
	struct live **live; /* by round; an entry belongs to the owner of the slab */
	size_t live_size;
	pthread_mutex_t lock;
	_Atomic(bool) reported; /* the file is written, or being written */
	bool inherited;         /* by the child of a fork: stacks have counts, but no lists */
};

/* What a profile is to do. */
struct profile_options {
	uint64_t mean;    /* bytes between samples; 0: no profile, 1: every message */
	bool report;      /* leaks, when the pool is to be destroyed */
	const char *file; /* NULL, or how the names of files begin; copied */
	bool required;    /* the program asks for it, not the environment alone */
};

/*
 * NULL if none is wanted. If the C library has no backtrace(), there is none,
 * and one that is required is an error.
 *
 * Returns: 0, -ENOMEM, -ENOTSUP.
 */
int profile_create(struct profile **ret_profile, const struct profile_options *options,
	size_t memory_limit);
/* No other call on the profile may run or follow. NULL does nothing. */
void profile_destroy(struct profile *profile);

/*
 * Account for a slab that was just allocated, if it is its turn. True: it was,
 * and profile_free() must be called before the slab is given back. The stack
 * begins at `caller`, the address to which the library's function returns.
 */
bool profile_alloc(struct profile *profile, uint32_t round, unsigned int class_index, size_t bytes,
	const void *id, size_t id_size, const void *caller);
void profile_free(struct profile *profile, uint32_t round);

/*
 * In the child of a fork: the lock is free, but what another thread of the
 * parent was changing is half done.
 */
void profile_inherit(struct profile *profile);

/* All stacks, in the order of the table. */
#define profile_for_each(profile, stack) \
	for (size_t bucket = 0; bucket < SAMPLE_BUCKETS; bucket++) \
		for (struct stack *stack = profile_first_stack(profile, bucket); stack != NULL; \
			stack = stack->next)

static inline struct stack *profile_first_stack(struct profile *profile, size_t bucket)
{
	/* [stack] acquire: pairs with find_stack(). The stack is filled in. */
	return atomic_load_explicit(&profile->bucket[bucket], memory_order_acquire);
}

/* Under the lock. */
static inline struct count stack_in_use(const struct stack *stack)
{
	return (struct count){ stack->allocated.objects - stack->freed.objects,
		stack->allocated.bytes - stack->freed.bytes };
}

#endif
