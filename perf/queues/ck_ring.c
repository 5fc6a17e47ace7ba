/* SPDX-License-Identifier: MIT */
/*
 * ConcurrencyKit's ring, with many senders and many receivers. It holds one message
 * less than its size. Its code is a header's.
 */
#include "queues/nodes.h"

#include <ck_ring.h>

struct channel {
	ck_ring_t ring; /* its two ends are on lines of their own */
	ck_ring_buffer_t *buffer;
	struct node_owner nodes;
};

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct channel *channel = need_lines(sizeof(*channel), "ck_ring");

	(void)senders;
	channel->buffer = need_lines(capacity * sizeof(*channel->buffer), "ck_ring");
	/* In the ring, and one in the hands of each receiver and of the sender. */
	channel->nodes.count = capacity + receivers + 1;
	channel->nodes.size = sizeof(struct node);
	ck_ring_init(&channel->ring, (unsigned int)capacity);
	return channel;
}

static void destroy(void *queue)
{
	struct channel *channel = queue;

	nodes_destroy(&channel->nodes);
	free(channel->buffer);
	free(channel);
}

static void *attach(void *queue, bool sends)
{
	struct channel *channel = queue;

	return node_side_create(channel, &channel->nodes, sends);
}

static size_t send(void *argument, const struct message *messages, size_t count)
{
	struct node_side *side = argument;
	struct channel *channel = side->channel;
	struct node *node = node_take(side->nodes, messages);

	(void)count;
	if (node == NULL)
		return 0;
	if (ck_ring_enqueue_mpmc(&channel->ring, channel->buffer, node))
		return 1;
	node_put_back(side->nodes, node);
	return 0;
}

static size_t receive(void *argument, struct message *ret_messages, size_t count)
{
	struct node_side *side = argument;
	struct channel *channel = side->channel;
	void *node;

	(void)count;
	/* The trying form would also give up when another receiver was faster. */
	if (!ck_ring_dequeue_mpmc(&channel->ring, channel->buffer, &node))
		return 0;
	node_release(node, ret_messages);
	return 1;
}

const struct queue queue_ck_ring = {
	.name = "ck_ring",
	.origin = "ConcurrencyKit " PEER_CK ", MPMC",
	.carries = "pointer to a preallocated node",
	.batch_max = 1,
	.create = create,
	.destroy = destroy,
	.attach = attach,
	.detach = free,
	.send = send,
	.receive = receive,
};
