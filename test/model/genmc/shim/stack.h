/* SPDX-License-Identifier: MIT */
/*
 * Instead of lib/stack.h, whose compare-and-swap of 16 bytes is inline assembly:
 * the same stack, with generation and head in one word of 8 bytes. An entry is
 * known by its place in the memory of shim.c. So this file is not what is checked;
 * it is what the library relies on.
 */
#ifndef MAGRING_STACK_H
#define MAGRING_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_PLACE ((uint64_t)32)
extern uint64_t shim_memory[];

typedef struct ck_stack_entry {
	_Atomic(uint64_t) next;
} ck_stack_entry_t;

typedef struct ck_stack {
	_Atomic(uint64_t) head; /* generation << 32 | place + 1 */
	uint64_t unused;
} ck_stack_t;

struct aligned_stack {
	ck_stack_t stack;
};

static inline bool stack_is_empty(const ck_stack_t *stack)
{
	return (atomic_load_explicit(&stack->head, memory_order_relaxed) & UINT32_MAX) == 0;
}

static inline void ck_stack_init(ck_stack_t *stack)
{
	atomic_init(&stack->head, 0);
}

static inline void stack_push(ck_stack_t *stack, ck_stack_entry_t *entry)
{
	uint64_t place = ((uint64_t)entry - (uint64_t)shim_memory) / SHIM_PLACE + 1;
	uint64_t head = atomic_load_explicit(&stack->head, memory_order_relaxed);
	do
		atomic_store_explicit(&entry->next, head & UINT32_MAX, memory_order_relaxed);
	while (!atomic_compare_exchange_strong_explicit(&stack->head, &head,
		(head & ~(uint64_t)UINT32_MAX) | place, memory_order_release, memory_order_relaxed));
}

static inline void *stack_pop(ck_stack_t *stack)
{
	uint64_t head = atomic_load_explicit(&stack->head, memory_order_acquire);
	while ((head & UINT32_MAX) != 0) {
		ck_stack_entry_t *entry =
			(void *)(shim_memory + ((head & UINT32_MAX) - 1) * (SHIM_PLACE / sizeof(uint64_t)));
		uint64_t next = atomic_load_explicit(&entry->next, memory_order_relaxed);
		uint64_t generation = (head >> 32) + 1;
		if (atomic_compare_exchange_strong_explicit(&stack->head, &head, generation << 32 | next,
				memory_order_acquire, memory_order_acquire))
			return entry;
	}
	return NULL;
}

#endif
