/* SPDX-License-Identifier: MIT */
/*
 * notify: what a call that has changed the ring does for sleepers.
 */
#ifndef MAGRING_NOTIFY_H
#define MAGRING_NOTIFY_H

#include "base/fence.h"
#include "queue/queue.h"

/* One of the eventcounts may have waiters. */
void notify_slowly(struct magring_queue *queue, enum side side);

/* A thread of this side has changed the ring. */
static inline void notify_waiters(struct magring_queue *queue, enum side side)
{
	/*
	 * [sleep] light side: pairs with eventcount_prepare_wait() and
	 * eventcount_arm().
	 */
	fence_light();
	if (eventcount_may_have_waiters(eventcount_peek(&queue->eventcount[SENDER]) |
		    eventcount_peek(&queue->eventcount[RECEIVER])))
		notify_slowly(queue, side);
}

#endif
