/* SPDX-License-Identifier: MIT */
/*
 * stack: a Treiber stack with a generation count against ABA, on ConcurrencyKit's atomic
 * operations and in its types. It is ck_stack_push_mpmc() and ck_stack_pop_mpmc(), except that
 * the link is an atomic as well: ConcurrencyKit reads and writes it as plain memory, in which the
 * checkers of races and of addresses see what this comment allows.
 *
 * A pop reads the link of an entry that another thread may just have popped. So the memory
 * of entries stays readable until the pool goes; what is there by then does not matter, as
 * the generation has moved on. For the same reason everything is popped one by one: ck's
 * batch pop leaves the generation as it is, so a pop beside it may succeed with the link of
 * an entry that has left and come back since.
 *
 *	[depot] what was written into an entry before tagged_stack_push() is visible after the
 *	tagged_stack_pop() that returns it.
 */
#ifndef MAGRING_STACK_H
#define MAGRING_STACK_H

#include <ck_stack.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__SANITIZE_THREAD__)
#define TAGGED_STACK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TAGGED_STACK_TSAN 1
#endif
#endif

#ifdef TAGGED_STACK_TSAN
/* ThreadSanitizer does not see what ConcurrencyKit's assembly orders: tell it. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define edge_release(address) __tsan_release(address)
#define edge_acquire(address) __tsan_acquire(address)
#else
#define edge_release(address) atomic_thread_fence(memory_order_release)
#define edge_acquire(address) atomic_thread_fence(memory_order_acquire)
#endif

/* Its double-word CAS wants 16 bytes, and does not ask for them. */
struct aligned_stack {
	_Alignas(16) ck_stack_t stack;
};

static inline void tagged_stack_push(ck_stack_t *stack, ck_stack_entry_t *entry)
{
	/* [depot] release: reads and writes of the entry's memory are over before
	 * the entry is on the stack (ck's own fence orders stores alone). */
	edge_release(entry);
	ck_stack_entry_t *head = ck_pr_load_ptr(&stack->head);
	do {
		ck_pr_store_ptr(&entry->next, head);
		/* [depot] the link is there before the entry is. */
		ck_pr_fence_store();
	} while (!ck_pr_cas_ptr_value(&stack->head, head, entry, &head));
}

static inline void *tagged_stack_pop(ck_stack_t *stack)
{
	ck_stack_t top, rest;
	do {
		/* The generation first: whoever pops between the two loads makes the CAS fail. (What a
		 * CAS that failed has read need not be of one moment, on AArch64 without LSE.) */
		top.generation = ck_pr_load_ptr(&stack->generation);
		ck_pr_fence_load();
		top.head = ck_pr_load_ptr(&stack->head);
		if (top.head == NULL)
			return NULL;
		/* [depot] the entry was seen before its link is read. */
		ck_pr_fence_load();
		rest.generation = top.generation + 1;
		rest.head = ck_pr_load_ptr(&top.head->next);
	} while (!ck_pr_cas_ptr_2(stack, &top, &rest));
	/* [depot] acquire: pairs with tagged_stack_push(). */
	edge_acquire(top.head);
	return top.head;
}

/* For who finds it so the next moment may be another. */
static inline bool tagged_stack_is_empty(const ck_stack_t *stack)
{
	return ck_pr_load_ptr(&stack->head) == NULL;
}

#endif
