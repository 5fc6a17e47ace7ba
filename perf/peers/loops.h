/* SPDX-License-Identifier: MIT */
/*
 * The loops of senders and receivers, the same for every peer.
 *
 * A peer gives functions of its own, which are inlined here once for each kind
 * of workload:
 *
 *	put(port, record)          send a copy of the record; it may be kept back
 *	                           until a batch is full
 *	flush(port)                send what was kept back
 *	take(port, kind, tally)    receive at least one message, consume() and free
 *	                           each; false when the channel is closed and empty
 *
 * What a worker shows to the main thread are two stores a round to a cache line
 * of its own, and a sender reads one line that nobody writes: that, source_next()
 * and consume() are all that the harness adds to what it measures.
 */
#ifndef PERF_LOOPS_H
#define PERF_LOOPS_H

#include "worker.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Relaxed: the main thread only wants to know how far the others are. */
static ALWAYS_INLINE void worker_show(struct worker *worker, uint64_t count, uint64_t bytes)
{
	atomic_store_explicit(&worker->count, count, memory_order_relaxed);
	atomic_store_explicit(&worker->bytes, bytes, memory_order_relaxed);
}

static ALWAYS_INLINE void send_loop(struct worker *worker, enum workload_kind kind, void *port,
	void (*put)(void *, const struct record *), void (*flush)(void *))
{
	struct source source;
	uint64_t count = 0;
	uint64_t bytes = 0;

	source_init(&source, worker->workload, worker->index, worker->beside);
	while (!atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		struct record record = source_next(kind, &source);

		put(port, &record);
		bytes += record.id_size + record.payload_size;
		worker_show(worker, ++count, bytes);
	}
	flush(port);
}

static ALWAYS_INLINE void receive_loop(struct worker *worker, enum workload_kind kind, void *port,
	bool (*take)(void *, enum workload_kind, struct tally *))
{
	struct tally tally = { .latency = worker->latency };

	while (take(port, kind, &tally))
		worker_show(worker, tally.count, tally.bytes);
	worker->tally = tally;
}

static ALWAYS_INLINE void send_all(struct worker *worker, void *port,
	void (*put)(void *, const struct record *), void (*flush)(void *))
{
	switch (worker->workload->kind) {
	case WORKLOAD_SEED:
		send_loop(worker, WORKLOAD_SEED, port, put, flush);
		break;
	case WORKLOAD_REPLAY:
	case WORKLOAD_HASHED: /* no difference to a sender */
		send_loop(worker, WORKLOAD_REPLAY, port, put, flush);
		break;
	case WORKLOAD_TIMED:
		send_loop(worker, WORKLOAD_TIMED, port, put, flush);
		break;
	}
}

static ALWAYS_INLINE void receive_all(struct worker *worker, void *port,
	bool (*take)(void *, enum workload_kind, struct tally *))
{
	switch (worker->workload->kind) {
	case WORKLOAD_SEED:
		receive_loop(worker, WORKLOAD_SEED, port, take);
		break;
	case WORKLOAD_REPLAY:
		receive_loop(worker, WORKLOAD_REPLAY, port, take);
		break;
	case WORKLOAD_HASHED:
		receive_loop(worker, WORKLOAD_HASHED, port, take);
		break;
	case WORKLOAD_TIMED:
		receive_loop(worker, WORKLOAD_TIMED, port, take);
		break;
	}
}

#endif
