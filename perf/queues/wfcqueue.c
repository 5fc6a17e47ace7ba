/* SPDX-License-Identifier: MIT */
/*
 * liburcu's queue with wait-free enqueue: a list, unbounded but for its nodes, which the
 * senders share out. Receivers take turns under a mutex of the queue's own, the form
 * that it offers to more than one. Its code is headers'.
 */
#define _LGPL_SOURCE
#include "queues/nodes.h"

#include <urcu/wfcqueue.h>

struct channel {
	struct cds_wfcq_head head;
	_Alignas(LINE) struct cds_wfcq_tail tail;
	_Alignas(LINE) struct node_owner nodes;
};

/* Two lines: the message takes the first. */
struct linked_node {
	struct node node;
	struct cds_wfcq_node link;
};

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct channel *channel = need_lines(sizeof(*channel), "wfcqueue");

	(void)receivers;
	cds_wfcq_init(&channel->head, &channel->tail);
	channel->nodes.count = nodes_shared_out(capacity, senders);
	channel->nodes.size = sizeof(struct linked_node);
	return channel;
}

static void destroy(void *queue)
{
	struct channel *channel = queue;

	cds_wfcq_destroy(&channel->head, &channel->tail);
	nodes_destroy(&channel->nodes);
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
	struct linked_node *linked;

	(void)count;
	if (node == NULL)
		return 0;
	linked = caa_container_of(node, struct linked_node, node);
	cds_wfcq_node_init(&linked->link);
	cds_wfcq_enqueue(&channel->head, &channel->tail, &linked->link);
	return 1;
}

static size_t receive(void *argument, struct message *ret_messages, size_t count)
{
	struct node_side *side = argument;
	struct channel *channel = side->channel;
	struct cds_wfcq_node *link;

	(void)count;
	if (cds_wfcq_empty(&channel->head, &channel->tail))
		return 0;
	cds_wfcq_dequeue_lock(&channel->head, &channel->tail);
	link = __cds_wfcq_dequeue_nonblocking(&channel->head, &channel->tail);
	cds_wfcq_dequeue_unlock(&channel->head, &channel->tail);
	/* Would block: a sender has not linked its node yet. */
	if (link == NULL || link == CDS_WFCQ_WOULDBLOCK)
		return 0;
	node_release(&caa_container_of(link, struct linked_node, link)->node, ret_messages);
	return 1;
}

const struct queue queue_wfcqueue = {
	.name = "wfcqueue",
	.origin = "liburcu " PEER_URCU,
	.carries = "pointer to a preallocated node",
	.flags = QUEUE_UNBOUNDED,
	.batch_max = 1,
	.create = create,
	.destroy = destroy,
	.attach = attach,
	.detach = free,
	.send = send,
	.receive = receive,
};
