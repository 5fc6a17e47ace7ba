/* SPDX-License-Identifier: MIT */
/*
 * waiter: a thread that sends or receives one message and may have to wait for it.
 */
#ifndef TEST_WAITER_H
#define TEST_WAITER_H

#include <sys/syscall.h>

#include "given.h"
#include "queue/queue.h"

struct waiter {
	pthread_t thread;
	struct magring_queue *queue;
	struct magring_message message; /* to send, or received */
	enum side side;
	int64_t timeout_ns;
	uint64_t parked_before;
	_Atomic(pid_t) tid;
	_Atomic(int) result; /* 1 while it is not known */
	int64_t ended_ns;
};

static inline void *waiter_run(void *argument)
{
	struct waiter *waiter = argument;
	atomic_store(&waiter->tid, (pid_t)syscall(SYS_gettid));
	int result = waiter->side == SENDER
		? magring_send(waiter->queue, &waiter->message, waiter->timeout_ns)
		: magring_recv(waiter->queue, &waiter->message, waiter->timeout_ns);
	waiter->ended_ns = now_ns();
	atomic_store(&waiter->result, result);
	return NULL;
}

static inline uint64_t parked_in(struct magring_queue *queue)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	magring_queue_get_stats(queue, &stats);
	return stats.parked;
}

/* What it sends must be in waiter->message. */
static inline void waiter_start(struct waiter *waiter, struct magring_queue *queue, enum side side,
	int64_t timeout_ns)
{
	waiter->queue = queue;
	waiter->side = side;
	waiter->timeout_ns = timeout_ns;
	waiter->parked_before = parked_in(queue);
	atomic_init(&waiter->tid, 0);
	atomic_init(&waiter->result, 1);
	waiter->thread = given_thread(waiter_run, waiter);
}

static inline bool waiter_is_asleep(struct waiter *waiter)
{
	pid_t tid = atomic_load(&waiter->tid);
	return parked_in(waiter->queue) > waiter->parked_before && tid != 0 && is_asleep(tid);
}

/* Start it and see it sleep in the kernel. */
static inline void waiter_start_asleep(struct waiter *waiter, struct magring_queue *queue,
	enum side side, int64_t timeout_ns)
{
	waiter_start(waiter, queue, side, timeout_ns);
	assert_eventually(waiter_is_asleep(waiter));
	assert_same(atomic_load(&waiter->result), 1);
}

static inline bool waiter_is_done(struct waiter *waiter)
{
	return atomic_load(&waiter->result) != 1;
}

static inline int waiter_finish(struct waiter *waiter)
{
	assert_eventually(waiter_is_done(waiter));
	joined(waiter->thread);
	return atomic_load(&waiter->result);
}

#endif
