/* SPDX-License-Identifier: MIT */
/*
 * accounts: what past threads have counted, so that sums need not visit them.
 */
#ifndef MAGRING_ACCOUNTS_H
#define MAGRING_ACCOUNTS_H

#include "pool/thread_registry.h"

struct accounts {
	_Atomic(uint32_t) state; /* readers of sums, and ACCOUNTS_FOLDING */
	_Atomic(uint64_t) step;  /* the class that moves, + 1, and a count: see accounts.c */
	_Atomic(struct magazine_counts *) from;
	struct magazine_counts spare; /* past[class] without `from` */
	struct magazine_counts past[SLAB_CLASSES_MAX];
};

/* A sum over one class. */
struct accounts_sum {
	uint64_t step;
	struct magazine_counts *past;    /* to be added once */
	struct magazine_counts *counted; /* of a cache: in `past` already, NULL: none is */
};

/*
 * Readers of sums are between open and close. A sum is right if nothing moved
 * since its begin. If something did it begins anew. No thread waits.
 */
void accounts_open(struct accounts *accounts);
struct accounts_sum accounts_begin(struct accounts *accounts, unsigned int class_index);
bool accounts_moved(struct accounts *accounts, const struct accounts_sum *sum);
void accounts_close(struct accounts *accounts);

/*
 * Move the counters of the caller's cache, which holds no slabs, to `past`.
 * Then the cache is not used any more. False: a thread sums up, or moves, and
 * nothing has changed.
 */
bool accounts_fold(struct accounts *accounts, struct thread_registry *registry,
	unsigned int classes, struct cache *cache);

/* In the child of a fork: no thread sums up, or moves counters. */
void accounts_inherit(struct accounts *accounts);

#endif
