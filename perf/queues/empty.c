/* SPDX-License-Identifier: MIT */
/*
 * No queue: says that all was sent, and that something was received. What it is measured at
 * is what the harness costs.
 */
#include "queues/side.h"

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)capacity, (void)senders, (void)receivers;
	return need_lines(1, "empty");
}

static size_t send_none(void *side, const struct message *messages, size_t count)
{
	(void)side, (void)messages;
	return count;
}

static size_t receive_none(void *side, struct message *ret_messages, size_t count)
{
	(void)side;
	memset(ret_messages, 0, count * sizeof(*ret_messages));
	return count;
}

const struct queue queue_empty = {
	.name = "none (the harness itself)",
	.origin = "calls through pointers, and what is done with messages",
	.carries = "nothing",
	.flags = QUEUE_LINKED_TO_NOTHING,
	.batch_max = SIZE_MAX,
	.create = create,
	.destroy = free,
	.attach = attach_queue,
	.detach = detach_nothing,
	.send = send_none,
	.receive = receive_none,
};
