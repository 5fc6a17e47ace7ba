/* SPDX-License-Identifier: MIT */
/*
 * gate: where threads wait for one condition of a queue, and how they are woken.
 */
#ifndef MAGRING_GATE_H
#define MAGRING_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
	_Atomic(uint64_t) word; /* see gate.c */
	_Atomic(int) fd;        /* an eventfd, or -1 */
};

#define GATE_WAKING ((uint64_t)1 << 32)
#define GATE_WAKING_MAX 2
#define GATE_FENCED ((uint64_t)1 << 34)
#define GATE_SEEN ((uint64_t)1 << 35)
#define GATE_ARMED ((uint64_t)1 << 36)
#define GATE_SLEEPER ((uint64_t)1 << 37)

/* What a sleeper waits for: a predicate without side effects. */
typedef bool gate_ready(const void *context);

void gate_init(struct gate *gate);
void gate_fini(struct gate *gate);

bool gate_wanted_fenced(struct gate *gate);

/* Whether anybody waits, to be asked after fence_light(). */
static inline bool gate_wanted(struct gate *gate)
{
	/* Relaxed: the fence before it orders it. */
	return __builtin_expect(atomic_load_explicit(&gate->word, memory_order_relaxed) >= GATE_FENCED, 0) &&
		gate_wanted_fenced(gate);
}

/* The condition holds for one more: wake one sleeper, unless enough are on their
 * way, and signal the descriptor. Returns whether a sleeper was woken. */
bool gate_wake(struct gate *gate);
/* The condition holds for good: wake everybody. */
void gate_wake_all(struct gate *gate);

/*
 * Waiting, in this order: gate_enter(); look at the condition; gate_park() if it
 * does not hold; gate_leave(); look again. Whoever leaves, for whatever reason,
 * may have taken a wake-up with it: it must call gate_wake() if the condition
 * holds after what it did.
 */
uint32_t gate_enter(struct gate *gate);
/* Sleep until woken, for whatever reason, or until CLOCK_MONOTONIC reaches
 * deadline_ns; INT64_MAX is never. A cancellation point. */
void gate_park(struct gate *gate, uint32_t ticket, int64_t deadline_ns);
void gate_leave(struct gate *gate);

/* The descriptor, created at the first call, readable at first; or an error. */
int gate_fd(struct gate *gate);
/* The condition was seen not to hold: make the descriptor, if there is one, wait
 * for it again. */
void gate_arm(struct gate *gate, gate_ready *ready, const void *context);

#endif
