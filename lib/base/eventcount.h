/* SPDX-License-Identifier: MIT */
/*
 * gate: where threads wait for one condition of a queue, and how they are woken.
 */
#ifndef MAGRING_GATE_H
#define MAGRING_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct eventcount {
	_Atomic(uint64_t) word; /* see eventcount.c */
	_Atomic(int) fd;        /* an eventfd, or -1 */
};

#define EVENTCOUNT_WAKING ((uint64_t)1 << 32)
#define EVENTCOUNT_WAKING_MAX 2
#define EVENTCOUNT_FENCED ((uint64_t)1 << 34)
#define EVENTCOUNT_SEEN ((uint64_t)1 << 35)
#define EVENTCOUNT_ARMED ((uint64_t)1 << 36)
#define EVENTCOUNT_SLEEPER ((uint64_t)1 << 37)

/* What a sleeper waits for: a predicate without side effects. */
typedef bool eventcount_condition(const void *context);

void eventcount_init(struct eventcount *eventcount);
void eventcount_fini(struct eventcount *eventcount);

bool eventcount_has_waiters_fenced(struct eventcount *eventcount);

/* Whether anybody waits, to be asked after fence_light(). */
static inline bool eventcount_has_waiters(struct eventcount *eventcount)
{
	/* Relaxed: the fence before it orders it. */
	return __builtin_expect(atomic_load_explicit(&eventcount->word, memory_order_relaxed) >= EVENTCOUNT_FENCED, 0) &&
		eventcount_has_waiters_fenced(eventcount);
}

/* The condition holds for one more: wake one sleeper, unless enough are on their
 * way, and signal the descriptor. Returns whether a sleeper was woken. */
bool eventcount_notify(struct eventcount *eventcount);
/* The condition holds for good: wake everybody. */
void eventcount_notify_all(struct eventcount *eventcount);

/*
 * Waiting, in this order: eventcount_prepare_wait(); look at the condition; eventcount_commit_wait() if it
 * does not hold; eventcount_cancel_wait(); look again. Whoever leaves, for whatever reason,
 * may have taken a wake-up with it: it must call eventcount_notify() if the condition
 * holds after what it did.
 */
uint32_t eventcount_prepare_wait(struct eventcount *eventcount);
/* Sleep until woken, for whatever reason, or until CLOCK_MONOTONIC reaches
 * deadline_ns; INT64_MAX is never. A cancellation point. */
void eventcount_commit_wait(struct eventcount *eventcount, uint32_t ticket, int64_t deadline_ns);
void eventcount_cancel_wait(struct eventcount *eventcount);

/* The descriptor, created at the first call, readable at first; or an error. */
int eventcount_fd(struct eventcount *eventcount);
/* The condition was seen not to hold: make the descriptor, if there is one, wait
 * for it again. */
void eventcount_arm(struct eventcount *eventcount, eventcount_condition *ready, const void *context);

#endif
