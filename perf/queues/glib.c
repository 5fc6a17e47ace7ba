/* SPDX-License-Identifier: MIT */
/*
 * GLib's GAsyncQueue: a list under a mutex and a condition variable, unbounded but for the
 * nodes, which the senders share out. GLib allocates the elements of its list itself.
 */
#include "queues/nodes.h"

#include <glib.h>
#include <sched.h>

struct channel {
	GAsyncQueue *queue;
	struct node_owner nodes;
};

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct channel *channel = need_lines(sizeof(*channel), "GAsyncQueue");

	(void)receivers;
	channel->queue = g_async_queue_new();
	channel->nodes.count = nodes_shared_out(capacity, senders);
	channel->nodes.size = sizeof(struct node);
	return channel;
}

static void destroy(void *queue)
{
	struct channel *channel = queue;

	g_async_queue_unref(channel->queue);
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

	(void)count;
	if (node == NULL)
		return 0;
	g_async_queue_push(channel->queue, node);
	return 1;
}

static size_t receive(void *argument, struct message *ret_messages, size_t count)
{
	struct node_side *side = argument;
	struct channel *channel = side->channel;
	struct node *node = g_async_queue_try_pop(channel->queue);

	(void)count;
	if (node == NULL)
		return 0;
	node_release(node, ret_messages);
	return 1;
}

/* The queue itself has always room. */
static void send_waiting(void *argument, const struct message *message)
{
	while (send(argument, message, 1) == 0)
		sched_yield();
}

static void receive_waiting(void *argument, struct message *ret_message)
{
	struct node_side *side = argument;
	struct channel *channel = side->channel;

	node_release(g_async_queue_pop(channel->queue), ret_message);
}

const struct queue queue_glib = {
	.name = "GAsyncQueue",
	.origin = "GLib " PEER_GLIB,
	.carries = "pointer to a preallocated node",
	.flags = QUEUE_UNBOUNDED,
	.batch_max = 1,
	.create = create,
	.destroy = destroy,
	.attach = attach,
	.detach = free,
	.send = send,
	.receive = receive,
	.send_waiting = send_waiting,
	.receive_waiting = receive_waiting,
};
