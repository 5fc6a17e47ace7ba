/* SPDX-License-Identifier: MIT */
/*
 * What takes part in the comparison.
 *
 * A peer is a bounded channel between threads that carries an id and a payload,
 * whatever that takes: its messages own their bytes, and whoever receives
 * one frees it. Its send and receive are whole thread loops, made with
 * loops.h inside the peer's own file, so that what is measured is the
 * peer's code inlined as a user's compiler would, and no call through a pointer.
 *
 * A micro is one thing done again and again on one thread.
 */
#ifndef PERF_PEER_H
#define PERF_PEER_H

#include <stddef.h>
#include <stdint.h>

struct worker;

struct peer {
	const char *name;
	void *(*create)(size_t capacity, size_t max_payload);
	/* The life of a sender, until worker->stop; of a receiver, until the
	 * channel is closed and empty. */
	void (*send)(struct worker *worker);
	void (*receive)(struct worker *worker);
	/* No more sends: all senders are done. */
	void (*close)(void *channel);
	void (*destroy)(void *channel);
	/* While nothing moves and that many bytes of ids and payloads are on their
	 * way: the share of payload in what was taken from the system for it,
	 * the channel itself aside. NAN where payloads live in the channel. */
	double (*efficiency)(void *channel, uint64_t bytes);
	/* Of a ring, what was done about stopped threads; NULL where there is nothing. */
	struct questions (*questions)(void *channel);
};

struct questions {
	uint64_t asked;
	uint64_t quarantined; /* cells */
};

extern const struct peer peer_baseline;
extern const struct peer peer_magring;
extern const struct peer peer_magring_batch;
/* Rings alone: the workloads seed and timed only. */
extern const struct peer peer_plain_single;
extern const struct peer peer_plain_batch;
extern const struct peer peer_ring_single;
extern const struct peer peer_ring_batch;

struct micro {
	const char *name;
	void *(*create)(size_t size);
	void (*run)(void *state, size_t times);
	void (*destroy)(void *state);
};

/* Allocate and free a payload of that size. */
extern const struct micro micro_glibc_alloc;
extern const struct micro micro_magring_alloc;
/* Send and receive a message, on a channel of that many. */
extern const struct micro micro_ck_ring_pair;
extern const struct micro micro_magring_pair;

#endif
