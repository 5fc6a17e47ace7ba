/* SPDX-License-Identifier: MIT */
/*
 * eventcount: where threads sleep until a condition holds, and how they are
 * woken. The condition itself stands elsewhere and needs no lock.
 */
#ifndef MAGRING_EVENTCOUNT_H
#define MAGRING_EVENTCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct eventcount {
	_Atomic(uint64_t) word;   /* see eventcount.c */
	_Atomic(int) fd;          /* an eventfd, or -1 */
	_Atomic(uint64_t) passed; /* the last thread that passed the signal on, or 0 */
};

/* The fields of the word, and the most that WAKING counts. */
#define EVENTCOUNT_WAKING ((uint64_t)1 << 32)
#define EVENTCOUNT_WAKING_MAX 2
#define EVENTCOUNT_FENCED ((uint64_t)1 << 34)
#define EVENTCOUNT_SEEN ((uint64_t)1 << 35)
#define EVENTCOUNT_POLLED ((uint64_t)1 << 36)
#define EVENTCOUNT_ARMED ((uint64_t)1 << 37)
#define EVENTCOUNT_SLEEPER ((uint64_t)1 << 38)

/* What a sleeper waits for: a predicate without side effects. */
typedef bool eventcount_condition(void *context);

void eventcount_init(struct eventcount *eventcount);
void eventcount_fini(struct eventcount *eventcount);

bool eventcount_has_waiters_fenced(struct eventcount *eventcount);

/* Relaxed: the fence_light() before it orders it. */
static inline uint64_t eventcount_peek(struct eventcount *eventcount)
{
	return atomic_load_explicit(&eventcount->word, memory_order_relaxed);
}

/* Of words that were peeked at, joined by |. True may be wrong. */
static inline bool eventcount_may_have_waiters(uint64_t words)
{
	return __builtin_expect(words >= EVENTCOUNT_FENCED, 0);
}

/* Whether a thread sleeps or the descriptor is armed; after fence_light(). */
static inline bool eventcount_has_waiters(struct eventcount *eventcount)
{
	return eventcount_may_have_waiters(eventcount_peek(eventcount)) &&
		eventcount_has_waiters_fenced(eventcount);
}

/*
 * The condition holds for one more thread. Wakes one sleeper, unless enough
 * wake-ups are on their way, and signals the descriptor. Returns whether a
 * sleeper was woken.
 */
bool eventcount_notify(struct eventcount *eventcount);

/* The condition holds for good: wakes all sleepers, signals the descriptor. */
void eventcount_notify_all(struct eventcount *eventcount);

/* How a thread waits. eventcount_await() calls these with its context. */
struct eventcount_waiter {
	/* Tries to get what the thread waits for. True ends the wait. */
	bool (*try)(void *context);
	/* Returns when to try again without a wake-up. INT64_MAX is never. */
	int64_t (*before_sleep)(void *context);
	/* For whatever reason the sleep has ended. May be NULL. */
	void (*after_sleep)(void *context);
	/* A cancelled thread has left the eventcount. Passes its wake-up on. */
	void (*cancelled)(void *context);
	uint32_t kinds; /* of sleeper, a set; 0: all */
};

/*
 * Tries, sleeps at most once, and tries again. The sleep ends with a wake-up,
 * at the deadline, or without a reason. It is a cancellation point. Returns
 * what the last try returned.
 *
 * A thread that gives up, or got something while the condition still holds, may
 * have taken a wake-up with it. It must then call eventcount_notify().
 */
bool eventcount_await(struct eventcount *eventcount, const struct eventcount_waiter *waiter,
	void *context, int64_t deadline_ns);

/*
 * The steps of eventcount_await(): prepare, check the condition, commit if it
 * does not hold, cancel, check again. Commit returns at a wake-up after
 * prepare, or when CLOCK_MONOTONIC reaches deadline_ns. INT64_MAX is never.
 */
uint32_t eventcount_prepare_wait(struct eventcount *eventcount);
void eventcount_commit_wait_as(struct eventcount *eventcount, uint32_t ticket, int64_t deadline_ns,
	uint32_t kinds);
void eventcount_cancel_wait(struct eventcount *eventcount);

#define EVENTCOUNT_ALL_KINDS UINT32_MAX

static inline void eventcount_commit_wait(struct eventcount *eventcount, uint32_t ticket,
	int64_t deadline_ns)
{
	eventcount_commit_wait_as(eventcount, ticket, deadline_ns, EVENTCOUNT_ALL_KINDS);
}

/*
 * The condition holds, for sleepers of these kinds alone. Wakes one of them, if
 * any sleeps. Others may wake without a reason. See eventcount_kinds.c.
 */
void eventcount_notify_kinds(struct eventcount *eventcount, uint32_t kinds);
/* The same, for a thread that was woken and passes that on. */
void eventcount_pass_on_kinds(struct eventcount *eventcount, uint32_t kinds);

/* The half of the word that the kernel compares: it counts notifications. */
#define EVENTCOUNT_EPOCH ((uint64_t)UINT32_MAX)

static inline uint64_t next_epoch(uint64_t word)
{
	return (word & ~EVENTCOUNT_EPOCH) | ((word + 1) & EVENTCOUNT_EPOCH);
}

static inline uint32_t *eventcount_futex(struct eventcount *eventcount)
{
	uint32_t *halves = (uint32_t *)(void *)&eventcount->word;
	return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__];
}

/* The descriptor, made by the first call and readable at first; or an error. */
int eventcount_fd(struct eventcount *eventcount);

/* Whether there is one. One that is made meanwhile is readable at first. */
static inline bool eventcount_has_fd(struct eventcount *eventcount)
{
	return atomic_load_explicit(&eventcount->fd, memory_order_relaxed) >= 0;
}

/* The condition did not hold: the descriptor, if any, waits for it again. */
void eventcount_arm(struct eventcount *eventcount, eventcount_condition *ready, void *context);

/* Whether there is one that is not armed: its signal may be passed on. */
static inline bool eventcount_has_signal(struct eventcount *eventcount)
{
	return (eventcount_peek(eventcount) & (EVENTCOUNT_POLLED | EVENTCOUNT_ARMED)) ==
		EVENTCOUNT_POLLED;
}

/*
 * The condition still holds: the descriptor, if it is readable, is signalled
 * again. Returns whether it was. A `thread` that is not 0 is in `passed` then,
 * until the descriptor is armed.
 */
bool eventcount_pass_fd_on(struct eventcount *eventcount, uint64_t thread);

/* For notify: ARMED was cleared, so the descriptor becomes readable. */
void eventcount_signal_fd(struct eventcount *eventcount);

#endif
