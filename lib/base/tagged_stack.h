/* SPDX-License-Identifier: MIT */
/*
 * tagged_stack: a Treiber stack with a generation count against ABA. It is
 * built of ConcurrencyKit's atomic operations and types, and follows its
 * ck_stack_push_mpmc() and ck_stack_pop_mpmc(). But here the link is an atomic
 * as well. ConcurrencyKit accesses it as plain memory, and sanitizers then
 * report the race that this comment allows.
 *
 * A pop reads the link of an entry that another thread may just have popped. So
 * the memory of entries stays readable as long as the stack. What the pop reads
 * there does not matter, as the generation has moved on and the CAS fails.
 *
 * For the same reason entries are popped one by one. ck's batch pop leaves the
 * generation as it is. A pop beside it may succeed with the link of an entry
 * that has left and come back since.
 *
 *	[depot] what was written into an entry before tagged_stack_push() is
 *	visible after the tagged_stack_pop() that returns it.
 */
#ifndef MAGRING_TAGGED_STACK_H
#define MAGRING_TAGGED_STACK_H

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
/* ThreadSanitizer does not see what ConcurrencyKit's assembly orders. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define edge_release(address) __tsan_release(address)
#define edge_acquire(address) __tsan_acquire(address)
#else
#define edge_release(address) atomic_thread_fence(memory_order_release)
#define edge_acquire(address) atomic_thread_fence(memory_order_acquire)
#endif

/* The double-word CAS needs 16 bytes, for which ck_stack_t does not ask. */
struct aligned_stack {
	_Alignas(16) ck_stack_t stack;
};

static inline void tagged_stack_push(ck_stack_t *stack, ck_stack_entry_t *entry)
{
	/*
	 * [depot] release: reads and writes of the entry's memory are over
	 * before the entry is on the stack. (ck's own fence orders stores
	 * alone.)
	 */
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
		/*
		 * The generation first: a pop between the two loads makes the
		 * CAS fail. (On AArch64 without LSE a CAS that fails need not
		 * have read both words at one moment.)
		 */
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

/* This may have changed by the time that the caller uses it. */
static inline bool tagged_stack_is_empty(const ck_stack_t *stack)
{
	return ck_pr_load_ptr(&stack->head) == NULL;
}

#endif
