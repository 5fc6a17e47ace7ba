/* SPDX-License-Identifier: MIT */
/*
 * sample: what a profile knows, for profile.c, which keeps it, and report.c, which tells it.
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

/* How much of a message's id is kept, in bytes. */

struct count {
	uint64_t objects, bytes;
};

/* Of one call site and one size class. */
struct stack {
	struct stack *next;        /* in its bucket */
	struct cds_list_head link; /* in profile->stacks once it has counts */
	struct cds_list_head live;
	struct count allocated, freed;
	unsigned int class_index;
	int depth;
	void *frame[];             /* return addresses, the caller's first */
};

/* A sampled message that is out. */
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
	bool report;               /* what is out when the pool is to be destroyed */
	char *file;                /* NULL, or how the names of files begin */
	_Atomic(struct stack *) bucket[SAMPLE_BUCKETS]; /* by hash; grow at their heads, never shrink */
	struct live **live;        /* by round; an entry belongs to whoever has the slab */
	size_t live_size;
	pthread_mutex_t lock;
	struct cds_list_head stacks; /* in the order of their first messages */
};

static inline struct stack *stack_at(struct cds_list_head *link)
{
	return caa_container_of(link, struct stack, link);
}

/* Under the lock. */
static inline struct count stack_in_use(const struct stack *stack)
{
	return (struct count){ stack->allocated.objects - stack->freed.objects,
		stack->allocated.bytes - stack->freed.bytes };
}

#endif
