/* SPDX-License-Identifier: MIT */
/*
 * How a thread waits that finds a queue full or empty; see waits.c.
 *
 * What is best for one queue is worst for another, so each has its own: calibrate.c
 * chooses it from waits[], for each setting, before the rounds.
 */
#ifndef PERF_WAITS_H
#define PERF_WAITS_H

#include <stdatomic.h>
#include <stdint.h>

struct queue;

enum wait_kind {
	WAIT_OWN,         /* the queue's own calls wait */
	WAIT_YIELD,       /* so many pauses with a look after each, then yields */
	WAIT_EXPONENTIAL, /* 1, 2, 4 ... pauses with a look after each, then yields */
	WAIT_SLEEP,       /* as YIELD, then sleeps until the other side wakes it */
};

struct wait {
	const char *name;
	enum wait_kind kind;
	unsigned int pauses;
};

/* A name of NULL ends them. */
extern const struct wait waits[];

/* Of all threads of the measurement that goes on. */
extern const struct wait *worker_wait;

/* Wait so from now on in all measurements that are not calibrated. */
void waits_set_pauses(unsigned int pauses);

/* Threads of one side that sleep until the other side has moved something: an event count.
 *
 *	ticket = sleepers_prepare(sleepers);
 *	if (!try again)
 *		sleepers_sleep(sleepers, ticket);
 *	sleepers_leave(sleepers);
 */
struct sleepers {
	_Alignas(128) _Atomic uint32_t ticket; /* a futex: moves with each wake-up */
	_Atomic uint32_t waiting;
};

uint32_t sleepers_prepare(struct sleepers *sleepers);
void sleepers_sleep(struct sleepers *sleepers, uint32_t ticket);
void sleepers_leave(struct sleepers *sleepers);

/* Wake so many, if any sleep. */
void sleepers_wake(struct sleepers *sleepers, unsigned int count);

static inline void sleepers_notify(struct sleepers *sleepers, unsigned int count)
{
	/* Before the look at `waiting`, what was moved is there for all: pairs with the fence in
	 * sleepers_prepare(). */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&sleepers->waiting, memory_order_relaxed) > 0)
		sleepers_wake(sleepers, count);
}

#endif
