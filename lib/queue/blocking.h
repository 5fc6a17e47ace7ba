/* SPDX-License-Identifier: MIT */
/*
 * wait: a send or receive that cannot be done at once.
 */
#ifndef MAGRING_WAIT_H
#define MAGRING_WAIT_H

#include "queue/queue.h"

/* After a first attempt in vain: what the attempt that settles it returns, or -EAGAIN
 * (deadline 0), -ETIMEDOUT. See clock_deadline(). */
int wait_for(struct magring_queue *queue, enum side side, struct magring_message *messages,
	size_t count, int64_t deadline_ns);

/* Wake a sleeper of those who go this way. */
void wait_wake(struct magring_queue *queue, enum side side);
/* The same if there is something for it: by a thread that goes this way as
 * well, or has changed the ring without having got anything. */
void wait_pass_on(struct magring_queue *queue, enum side side);

#endif
