/* SPDX-License-Identifier: MIT */
/*
 * What calls do for threads that poll. Traffic makes no system call for a
 * descriptor that is not armed, so a call has to arm it before its caller polls
 * again. These calls arm:
 *
 *	-EAGAIN, -ETIMEDOUT  there was nothing
 *	a short batch        there is nothing more, as after a short read()
 *
 * A loop with EPOLLET stops at any of these. If something comes, or was left
 * behind by a batch, the arming itself signals: eventcount_arm().
 *
 * A call without a limit of time does not arm. Its thread comes back for more
 * and does not poll. Otherwise each message to a thread that waits would be
 * signalled, too.
 */
#include "queue/descriptor.h"

static bool may_send(void *ring)
{
	return ring_may_push(ring);
}

static bool may_receive(void *ring)
{
	return ring_may_pop(ring);
}

static eventcount_condition *const may[2] = { [SENDER] = may_send, [RECEIVER] = may_receive };

void descriptor_arm_it(struct magring_queue *queue, enum side side)
{
	eventcount_arm(&queue->eventcount[side], may[side], &queue->ring);
}
