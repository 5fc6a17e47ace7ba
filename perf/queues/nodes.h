/* SPDX-License-Identifier: MIT */
/*
 * Nodes for queues that carry pointers: where the message is meanwhile.
 *
 * Each sending side has an array of its own, which it goes round. A node is busy from when
 * the sender takes it until the receiver, which has copied the message out, releases it: no
 * allocation, and one line of 64 bytes for a message, as in a ring that holds messages.
 * The arrays belong to the queue and outlive the sides.
 *
 * Nodes come back in about the order in which they were sent. So a sender finds the next
 * one free, or all are in use, unless receivers are stopped with some in their hands:
 * past that many it looks, and no further.
 */
#ifndef PERF_NODES_H
#define PERF_NODES_H

#include "queues/side.h"

#include <stdatomic.h>

enum { NODES_LOOKED_AT = 16 };

struct node {
	_Alignas(64) struct message message;
	atomic_bool busy;
};
_Static_assert(sizeof(struct node) == 64, "a node is one cache line");

/* Those of one sender. */
struct nodes {
	struct nodes *others; /* of the same queue */
	size_t count;
	size_t next;
	size_t stride; /* a node is the first thing in a larger one, if need be */
	char *memory;
};

/* Those of one queue. */
struct node_owner {
	_Atomic(struct nodes *) all;
	size_t count; /* for each sender */
	size_t size;  /* of what begins with a struct node */
};

/* A thread's own. */
struct node_side {
	void *channel;
	struct nodes *nodes; /* a sender's */
};

/* Of a queue that is unbounded but for its nodes. */
static inline size_t nodes_shared_out(size_t capacity, unsigned int senders)
{
	return capacity / senders > 0 ? capacity / senders : 1;
}

static inline struct nodes *nodes_create(struct node_owner *owner)
{
	struct nodes *nodes = need_lines(sizeof(*nodes), "nodes");

	nodes->count = owner->count;
	nodes->stride = owner->size;
	nodes->memory = need_lines(owner->count * owner->size, "nodes");
	nodes->others = atomic_load(&owner->all);
	while (!atomic_compare_exchange_weak(&owner->all, &nodes->others, nodes))
		;
	return nodes;
}

/* By the thread that is to use it; free() ends it. */
static inline struct node_side *node_side_create(void *channel, struct node_owner *owner,
	bool sends)
{
	struct node_side *side = need_lines(sizeof(*side), "nodes");

	side->channel = channel;
	if (sends)
		side->nodes = nodes_create(owner);
	return side;
}

/* When nobody uses the queue any more. */
static inline void nodes_destroy(struct node_owner *owner)
{
	struct nodes *nodes = atomic_load(&owner->all);

	while (nodes != NULL) {
		struct nodes *others = nodes->others;

		free(nodes->memory);
		free(nodes);
		nodes = others;
	}
}

/* A node with that message in it, or NULL. */
static inline struct node *node_take(struct nodes *nodes, const struct message *message)
{
	size_t index = nodes->next;

	for (size_t looks = 0; looks < NODES_LOOKED_AT && looks < nodes->count; looks++) {
		struct node *node = (struct node *)(void *)(nodes->memory + index * nodes->stride);

		index = index + 1 < nodes->count ? index + 1 : 0;
		/* Acquire: pairs with node_release(): the last message has been copied out. */
		if (!atomic_load_explicit(&node->busy, memory_order_acquire)) {
			/* Relaxed: only this thread takes. */
			atomic_store_explicit(&node->busy, true, memory_order_relaxed);
			node->message = *message;
			nodes->next = index;
			return node;
		}
	}
	return NULL;
}

/* The last one taken was not sent: it is the next to be taken again. */
static inline void node_put_back(struct nodes *nodes, struct node *node)
{
	nodes->next = (size_t)((char *)node - nodes->memory) / nodes->stride;
	atomic_store_explicit(&node->busy, false, memory_order_relaxed);
}

/* By the receiver: the message, and the node is its sender's again. */
static inline void node_release(struct node *node, struct message *ret_message)
{
	*ret_message = node->message;
	atomic_store_explicit(&node->busy, false, memory_order_release);
}

#endif
