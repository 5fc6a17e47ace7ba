/* SPDX-License-Identifier: MIT */
/*
 * ConcurrencyKit's ring with many senders and many receivers, on one thread: a
 * pointer enqueued and dequeued, which is all that this ring carries. Its code is a
 * header's, inlined here.
 */
#include "peer.h"

#include <ck_ring.h>
#include <err.h>
#include <stdlib.h>

struct channel {
	ck_ring_t ring;
	ck_ring_buffer_t *buffer;
};

static void *create(size_t capacity)
{
	struct channel *channel = aligned_alloc(CK_MD_CACHELINE,
		(sizeof(*channel) + CK_MD_CACHELINE - 1) / CK_MD_CACHELINE * CK_MD_CACHELINE);

	if (channel == NULL)
		err(2, "ck_ring");
	channel->buffer = calloc(capacity, sizeof(*channel->buffer));
	if (channel->buffer == NULL)
		err(2, "ck_ring");
	ck_ring_init(&channel->ring, (unsigned int)capacity);
	return channel;
}

static void destroy(void *state)
{
	struct channel *channel = state;

	free(channel->buffer);
	free(channel);
}

static void pair(void *state, size_t times)
{
	struct channel *channel = state;
	void *message = channel;

	for (size_t i = 0; i < times; i++)
		if (!ck_ring_enqueue_mpmc(&channel->ring, channel->buffer, message) ||
			!ck_ring_dequeue_mpmc(&channel->ring, channel->buffer, &message))
			errx(2, "ck_ring");
}

const struct micro micro_ck_ring_pair = {
	.name = "ck_ring",
	.create = create,
	.run = pair,
	.destroy = destroy,
};
