/* SPDX-License-Identifier: MIT */
/*
 * DPDK's ring in its four kinds, in memory of our own: it needs nothing else of DPDK's. Its
 * elements may be of any size that is a multiple of 4. Of capacity slots it fills all but
 * one. Batches are its bursts: as many as go. Its code is a header's.
 */
#include "queues/side.h"

#include <errno.h>
#include <rte_ring.h>

enum { BATCH = 64 };

static void *create_with(size_t capacity, unsigned int flags)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct message), (unsigned int)capacity);
	struct rte_ring *ring;
	int result;

	if (size < 0) {
		errno = (int)-size;
		return NULL;
	}
	ring = need_lines((size_t)size, "rte_ring");
	result = rte_ring_init(ring, "arena", (unsigned int)capacity, flags);
	if (result == 0)
		return ring;
	free(ring);
	errno = -result;
	return NULL;
}

static void *create_mpmc(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)senders, (void)receivers;
	return create_with(capacity, 0);
}

static void *create_hts(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)senders, (void)receivers;
	return create_with(capacity, RING_F_MP_HTS_ENQ | RING_F_MC_HTS_DEQ);
}

static void *create_rts(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)senders, (void)receivers;
	return create_with(capacity, RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
}

static void *create_spsc(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)senders, (void)receivers;
	return create_with(capacity, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static size_t send(void *ring, const struct message *messages, size_t count)
{
	return rte_ring_enqueue_burst_elem(ring, messages, sizeof(*messages), (unsigned int)count,
		NULL);
}

static size_t receive(void *ring, struct message *ret_messages, size_t count)
{
	return rte_ring_dequeue_burst_elem(ring, ret_messages, sizeof(*ret_messages),
		(unsigned int)count, NULL);
}

#define RTE_RING(kind, title, restriction) \
	const struct queue queue_rte_ring_##kind = { \
		.name = "rte_ring " title, \
		.origin = "DPDK " PEER_DPDK, \
		.carries = "56 bytes", \
		.flags = restriction, \
		.batch_max = BATCH, \
		.create = create_##kind, \
		.destroy = free, \
		.attach = attach_queue, \
		.detach = detach_nothing, \
		.send = send, \
		.receive = receive, \
	}

RTE_RING(mpmc, "MPMC", 0);
RTE_RING(hts, "HTS", 0);
RTE_RING(rts, "RTS", 0);
RTE_RING(spsc, "SPSC", QUEUE_SINGLE_SENDER | QUEUE_SINGLE_RECEIVER);
