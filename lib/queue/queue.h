/* SPDX-License-Identifier: MIT */
/*
 * queue: a ring and its two eventcounts.
 */
#ifndef MAGRING_QUEUE_H
#define MAGRING_QUEUE_H

#include "base/eventcount.h"
#include "pool/message_hide.h"
#include "pool/misuse.h"
#include "pool/pool.h"
#include "queue/ring.h"
#include "tuning.h"

/*
 * Only slow paths count. Each thread adds to one stripe, so that threads that
 * poll an empty queue do not pass a cache line about.
 */
struct queue_counts {
	_Alignas(64) _Atomic(uint64_t) in_vain[2]; /* first tries, by enum side */
	_Atomic(uint64_t) parked;
	_Atomic(uint64_t) woken;
	_Atomic(uint32_t) polls[2]; /* in vain, of magring_try_send() and others: poll.c */
};

struct magring_queue {
	struct ring ring;
	/* Where the threads of a side wait, by enum side: read by every send
	 * and receive, written when a thread sleeps. */
	_Alignas(128) struct eventcount eventcount[2];
	char name[MAGRING_NAME_MAX + 1];

	_Alignas(128) struct queue_counts counts[QUEUE_STRIPES];
	_Atomic(unsigned int) slept[2]; /* waits in a row that ended asleep, by enum side */
	_Atomic(int64_t) passed_ns[2];  /* when a descriptor's signal was passed on, by enum side */
	_Atomic(uint32_t) references;
	ring_push_batch_call *plain_push; /* of a checked queue: see checked_calls.c */
	ring_pop_batch_call *plain_pop;
	struct magring_pool *pool; /* or NULL */
	uint64_t flags;            /* MAGRING_SINGLE_... */
	int64_t spin_ns;           /* before a wait sleeps; 0: as it pays; negative: at once */
	void *block;               /* of the heap; the queue is in it */
	void (*drop)(struct magring_message *message, void *context);
	void *drop_context;
	struct cds_list_head link; /* see queue_list() */
	unsigned int generation;   /* of the list when it came there */
	_Atomic(bool) inside[2];   /* debug builds: a thread is in a call of this side */
};

/* Have a new queue look at its messages: see checked_calls.c. */
void queue_check_messages(struct magring_queue *queue);

/* The queues of one pool, or with NULL those without a pool. */
static inline struct queue_list *queue_list(struct magring_pool *pool)
{
	return pool != NULL ? &pool->queues : &queues_without_pool;
}

/*
 * A debug build catches two threads that use a side at once although the side
 * was declared to be one thread's. The second one says so and aborts. In other
 * builds these are nothing.
 */
#ifdef MAGRING_DEBUG
#define QUEUE_DEBUG 1
#else
#define QUEUE_DEBUG 0
#endif

static inline void queue_enter(struct magring_queue *queue, enum side side)
{
	uint64_t single = side == SENDER ? MAGRING_SINGLE_SENDER : MAGRING_SINGLE_RECEIVER;
	/*
	 * Relaxed: ThreadSanitizer then sees whether there is an edge between
	 * one thread and the next.
	 */
	if (QUEUE_DEBUG && queue->flags & single &&
		atomic_exchange_explicit(&queue->inside[side], true, memory_order_relaxed))
		misuse_of_side(queue->name, side == SENDER);
}

static inline void queue_leave(struct magring_queue *queue, enum side side)
{
	if (QUEUE_DEBUG)
		atomic_store_explicit(&queue->inside[side], false, memory_order_relaxed);
}

static inline int queue_push(struct magring_queue *queue, const struct magring_message *messages,
	size_t count, enum effort effort)
{
	message_hide(messages, count);
	int sent = ring_try_push_batch(&queue->ring, messages, count, effort);
	message_show(messages + (sent > 0 ? sent : 0), count - (size_t)(sent > 0 ? sent : 0));
	return sent;
}

static inline int queue_pop(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count, enum effort effort)
{
	int received = ring_try_pop_batch(&queue->ring, ret_messages, count, effort);
	message_show(ret_messages, (size_t)(received > 0 ? received : 0));
	return received;
}

#endif
