/* SPDX-License-Identifier: MIT */
/*
 * Counters of threads that end move from the cache to the accounts.
 *
 * A class at a time moves, in steps that one word announces:
 *
 *	step         spare            past         the cache
 *	nothing      past + cache                             computed
 *	the class                     = spare      = 0        stored
 *	nothing                                               the next class
 *
 * While the word has the class, a reader takes the spare in place of `past`,
 * and leaves the cache out. In the other case it adds `past` and all caches.
 * Either sum is right, wherever the moving thread is stopped. The word counts
 * its changes, so a reader notices if there were some, and begins anew.
 *
 *	state   readers, and FOLDING
 *
 * A thread moves counters only if the state is 0. It has ended otherwise, so it
 * does not wait: its cache stays used, with its counters, for the next owner.
 * So a reader meets one moving thread at most, and begins anew at most as often
 * as that one has steps.
 *
 * A fork may come in the middle. If the child finds a class in the word, it
 * stores what is stored in that step. That is the same whether or not it was
 * stored before.
 */
#include "pool/accounts.h"

#define ACCOUNTS_FOLDING ((uint32_t)1 << 31)
enum { STEP_CLASSES = 128 }; /* the class + 1, or 0, in the lowest bits */

_Static_assert(SLAB_CLASSES_MAX < STEP_CLASSES, "a step holds each class");

void accounts_open(struct accounts *accounts)
{
	/* Relaxed: a thread that moves counters already tells by its steps. */
	atomic_fetch_add_explicit(&accounts->state, 1, memory_order_relaxed);
}

void accounts_close(struct accounts *accounts)
{
	/* [fold] release: the sums were read before counters move. */
	atomic_fetch_sub_explicit(&accounts->state, 1, memory_order_release);
}

struct accounts_sum accounts_begin(struct accounts *accounts, unsigned int class_index)
{
	struct accounts_sum sum = { .past = &accounts->past[class_index] };
	/* [step] acquire: pairs with change(). What it announces is there. */
	sum.step = atomic_load_explicit(&accounts->step, memory_order_acquire);
	if (sum.step % STEP_CLASSES == class_index + 1) {
		sum.past = &accounts->spare;
		sum.counted = atomic_load_explicit(&accounts->from, memory_order_relaxed);
	}
	return sum;
}

bool accounts_moved(struct accounts *accounts, const struct accounts_sum *sum)
{
	/* As in chunk_moved(): what was read of a later step shows the step. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&accounts->step, memory_order_relaxed) != sum->step;
}

/* To the next step: a class moves, + 1, or none does. */
static void change(struct accounts *accounts, unsigned int moving)
{
	uint64_t step = atomic_load_explicit(&accounts->step, memory_order_relaxed);
	/* [step] release: what it announces is there. */
	atomic_store_explicit(&accounts->step, (step / STEP_CLASSES + 1) * STEP_CLASSES + moving,
		memory_order_release);
	/* And what comes after it is read by none that has not seen it. */
	fence_full();
}

/* Each counter of `to` becomes the sum. Relaxed: see change(). */
static void add_up(struct magazine_counts *to, struct magazine_counts *one,
	struct magazine_counts *other)
{
#define ADD(member) \
	atomic_store_explicit(&to->member, \
		atomic_load_explicit(&one->member, memory_order_relaxed) + \
			atomic_load_explicit(&other->member, memory_order_relaxed), \
		memory_order_relaxed)
	ADD(allocated);
	ADD(freed);
	ADD(allocated_bytes);
	ADD(freed_bytes);
	ADD(exchanges);
#undef ADD
}

/* What is stored while the class is announced. */
static void store_class(struct accounts *accounts, unsigned int class_index)
{
	struct magazine_counts none = { 0 };
	add_up(&accounts->past[class_index], &accounts->spare, &none);
	add_up(atomic_load_explicit(&accounts->from, memory_order_relaxed), &none, &none);
}

static void fold_class(struct accounts *accounts, unsigned int class_index,
	struct magazine_counts *counts)
{
	add_up(&accounts->spare, &accounts->past[class_index], counts);
	atomic_store_explicit(&accounts->from, counts, memory_order_relaxed);
	change(accounts, class_index + 1);
	store_class(accounts, class_index);
	change(accounts, 0);
}

/* Bytes are counted with slabs. */
static bool has_counted(struct magazine_counts *counts)
{
	return (atomic_load_explicit(&counts->allocated, memory_order_relaxed) |
		       atomic_load_explicit(&counts->freed, memory_order_relaxed) |
		       atomic_load_explicit(&counts->exchanges, memory_order_relaxed)) != 0;
}

bool accounts_fold(struct accounts *accounts, struct thread_registry *registry,
	unsigned int classes, struct cache *cache)
{
	uint32_t none = 0;
	/*
	 * [fold] acquire: pairs with accounts_close(), and with the release
	 * below, of the thread that moved counters before.
	 */
	if (!atomic_compare_exchange_strong_explicit(&accounts->state, &none, ACCOUNTS_FOLDING,
		    memory_order_acquire, memory_order_relaxed))
		return false;
	for (unsigned int i = 0; i < classes; i++)
		if (has_counted(&cache->class[i].counts))
			fold_class(accounts, i, &cache->class[i].counts);
	thread_unuse_cache(registry, cache);
	/* [fold] release: all has moved. */
	atomic_fetch_and_explicit(&accounts->state, ~ACCOUNTS_FOLDING, memory_order_release);
	return true;
}

void accounts_inherit(struct accounts *accounts)
{
	/* [step] acquire: pairs with change(). */
	uint64_t moving =
		atomic_load_explicit(&accounts->step, memory_order_acquire) % STEP_CLASSES;
	if (moving != 0) {
		store_class(accounts, (unsigned int)moving - 1);
		change(accounts, 0);
	}
	atomic_store_explicit(&accounts->state, 0, memory_order_relaxed);
}
