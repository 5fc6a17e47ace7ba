/* SPDX-License-Identifier: MIT */
/*
 * descriptor: when the descriptors of a queue are armed.
 */
#ifndef MAGRING_DESCRIPTOR_H
#define MAGRING_DESCRIPTOR_H

#include "queue/queue.h"

/* For descriptor_arm(). */
void descriptor_arm_it(struct magring_queue *queue, enum side side);

/*
 * A call of this side has got nothing more, and its caller may poll next. It
 * arms the descriptor, if there is one.
 */
static inline void descriptor_arm(struct magring_queue *queue, enum side side)
{
	if (__builtin_expect(eventcount_has_fd(&queue->eventcount[side]), 0))
		descriptor_arm_it(queue, side);
}

#endif
