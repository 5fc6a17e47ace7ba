/* SPDX-License-Identifier: MIT */
/*
 * blocking: a send or receive that cannot be done at once.
 */
#ifndef MAGRING_BLOCKING_H
#define MAGRING_BLOCKING_H

#include "queue/queue.h"

/* After a first try in vain, for a call that does not wait. Returns -EAGAIN. */
int refuse(struct magring_queue *queue, enum side side);

/*
 * The same for a call that waits until a deadline. Returns what the last try
 * returned, or -ETIMEDOUT.
 */
int wait_for(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, int64_t deadline_ns);

/* Wake a sleeper of this side. */
void wake_waiter(struct magring_queue *queue, enum side side);

/*
 * The same if there is something for it. For a thread of this side, or one that
 * changed the ring and got nothing.
 */
void pass_wake_up_on(struct magring_queue *queue, enum side side);

#endif
