/* SPDX-License-Identifier: MIT */
/*
 * A queue that looks at its messages, as they go in and come out.
 *
 * Its ring has these calls in place of those that ring_choose_calls() chose.
 * They check and go on with the chosen ones for batches. Then they undo what
 * they did for messages that were not sent. Other queues have no instruction
 * more. checked.c says what is checked.
 */
#include "pool/checked.h"
#include "queue/queue.h"

static struct magring_queue *queue_of(struct ring *ring)
{
	return (void *)((char *)ring - offsetof(struct magring_queue, ring));
}

static int push_batch(struct ring *ring, const struct magring_message *messages, size_t count,
	enum effort effort)
{
	count = at_most(count, ring->claim_max); /* no more go at once */
	for (size_t i = 0; i < count; i++)
		checked_send(&messages[i]);
	int sent = queue_of(ring)->plain_push(ring, messages, count, effort);
	for (size_t i = sent > 0 ? (size_t)sent : 0; i < count; i++)
		checked_unsend(&messages[i]);
	return sent;
}

static int pop_batch(struct ring *ring, struct magring_message *ret_messages, size_t count,
	enum effort effort)
{
	int received = queue_of(ring)->plain_pop(ring, ret_messages, count, effort);
	for (int i = 0; i < received; i++)
		checked_receive(&ret_messages[i]);
	return received;
}

/* The ring's single calls may go on with the batch's, and be checked twice. */
static int push(struct ring *ring, const struct magring_message *message, enum effort effort)
{
	return push_batch(ring, message, 1, effort);
}

static int pop(struct ring *ring, struct magring_message *ret_message, enum effort effort)
{
	return pop_batch(ring, ret_message, 1, effort);
}

void queue_check_messages(struct magring_queue *queue)
{
	struct ring *ring = &queue->ring;
	queue->plain_push = ring->push_batch;
	queue->plain_pop = ring->pop_batch;
	ring->flags |= RING_REPLACED;
	ring->push = push;
	ring->pop = pop;
	ring->push_batch = push_batch;
	ring->pop_batch = pop_batch;
}
