/* SPDX-License-Identifier: MIT */
/*
 * descriptor: when the descriptors of a queue are armed, and signalled again.
 */
#ifndef MAGRING_DESCRIPTOR_H
#define MAGRING_DESCRIPTOR_H

#include "queue/queue.h"

/* By enum side: whether a ring has room, or a message. */
extern eventcount_condition *const queue_may[2];

/* For descriptor_ended(). */
void descriptor_end(struct magring_queue *queue, enum side side, int result);

/*
 * A call of this side has got nothing, or nothing more: result says why. What
 * threads that poll need is done, and result returned.
 */
static inline int descriptor_ended(struct magring_queue *queue, enum side side, int result)
{
	if (__builtin_expect(eventcount_has_fd(&queue->eventcount[side]), 0))
		descriptor_end(queue, side, result);
	return result;
}

/*
 * A thread of this side has got something. If it leaves more behind it passes
 * the descriptor's signal on.
 */
void descriptor_pass_on(struct magring_queue *queue, enum side side);

#endif
