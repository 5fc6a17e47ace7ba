/* SPDX-License-Identifier: MIT */
/*
 * queue: a ring and its two gates.
 */
#ifndef MAGRING_QUEUE_H
#define MAGRING_QUEUE_H

#include "base/eventcount.h"
#include "pool/message.h"
#include "pool/pool.h"
#include "queue/ring.h"
#include "tuning.h"

/* The two ways through a queue. */
enum side { SENDER, RECEIVER };

/* Slow paths alone count. A thread adds to one stripe, so that threads that poll
 * an empty queue do not pass a line about. */
struct queue_counts {
	_Alignas(64) _Atomic(uint64_t) in_vain[2]; /* first attempts, by enum side */
	_Atomic(uint64_t) parked;
	_Atomic(uint64_t) woken;
};

struct magring_queue {
	struct ring ring;
	/* Read by every send and receive, written when somebody sleeps. */
	_Alignas(128) struct eventcount eventcount[2]; /* where those who go this way wait */

	_Alignas(128) struct queue_counts counts[QUEUE_STRIPES];
	_Atomic(unsigned int) slept[2];      /* waits in a row in which looking did not pay, by enum side */
	struct magring_pool *pool;
	uint64_t flags;                      /* MAGRING_SINGLE_... */
	struct cds_list_head link;           /* in the pool's list */
	_Atomic(bool) inside[2];             /* debug builds: who has a side to itself is in a call */
	char name[MAGRING_NAME_MAX + 1];
};

/*
 * A debug build catches those who use a side at once although one thread declared to
 * have it to itself: who comes second says so and aborts. Else these are nothing.
 */
#ifdef MAGRING_DEBUG
#define QUEUE_DEBUG 1
#else
#define QUEUE_DEBUG 0
#endif

_Noreturn void queue_not_exclusive(const struct magring_queue *queue, enum side side);

static inline void queue_enter(struct magring_queue *queue, enum side side)
{
	/* Relaxed, so that a checker of races sees what edge there is between one thread
	 * and the next, and what not. */
	if (QUEUE_DEBUG && queue->flags & (side == SENDER ? MAGRING_SINGLE_SENDER : MAGRING_SINGLE_RECEIVER) &&
			atomic_exchange_explicit(&queue->inside[side], true, memory_order_relaxed))
		queue_not_exclusive(queue, side);
}

static inline void queue_leave(struct magring_queue *queue, enum side side)
{
	if (QUEUE_DEBUG)
		atomic_store_explicit(&queue->inside[side], false, memory_order_relaxed);
}

static inline int queue_push(struct magring_queue *queue, const struct magring_message *messages,
	size_t count, bool sure)
{
	message_hide(messages, count);
	int sent = ring_try_push_batch(&queue->ring, messages, count, sure);
	message_show(messages + (sent > 0 ? sent : 0), count - (size_t)(sent > 0 ? sent : 0));
	return sent;
}

static inline int queue_pop(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count,
	bool sure)
{
	int received = ring_try_pop_batch(&queue->ring, ret_messages, count, sure);
	message_show(ret_messages, (size_t)(received > 0 ? received : 0));
	return received;
}

#endif
