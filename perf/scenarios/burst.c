/* SPDX-License-Identifier: MIT */
/*
 * A burst, and then a lull: one thread fills the queue to its capacity, and only then another
 * one empties it. Nobody is in the way of the other, so this is what it costs to walk
 * through a queue whose lines are in another processor's cache, or in none.
 *
 * Making and checking messages is in both figures, for all queues alike. The two threads take
 * turns, and each times its own turn.
 */
#include "scenarios/common.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

enum { BATCH_MAX = 16 };

struct burst {
	/* 0: the sender's turn, else so many messages are there. */
	_Alignas(128) _Atomic size_t filled;
	_Alignas(128) atomic_bool counting;
	_Alignas(128) uint64_t fill_ns;
	uint64_t sent;
	_Alignas(128) uint64_t drain_ns;
	uint64_t received;
};

static bool counts(struct burst *burst)
{
	/* Relaxed: a turn more or less. */
	return atomic_load_explicit(&burst->counting, memory_order_relaxed);
}

/* Until a send finds the queue full. */
static size_t fill(struct worker *worker)
{
	size_t capacity = worker->setting->capacity;
	size_t batch = worker->setting->batch;
	uint64_t sequence = worker->tally.count;
	size_t filled = 0;

	while (filled < capacity) {
		struct message messages[BATCH_MAX];
		size_t count = capacity - filled < batch ? capacity - filled : batch;
		size_t sent;

		for (size_t i = 0; i < count; i++)
			message_make(&messages[i], worker->index, sequence + i);
		sent = worker->queue->send(worker->side, messages, count);
		for (size_t i = 0; i < sent; i++)
			tally_sent(&worker->tally, &messages[i]);
		if (sent == 0)
			break;
		filled += sent;
		sequence += sent;
	}
	if (filled == 0)
		errx(2, "%s: an empty queue is full", worker->queue->name);
	return filled;
}

static void drain(struct worker *worker, size_t filled)
{
	size_t batch = worker->setting->batch;
	unsigned int looks = 0;

	while (filled > 0) {
		struct message messages[BATCH_MAX];
		size_t received = worker->queue->receive(worker->side, messages, batch);

		for (size_t i = 0; i < received; i++)
			tally_received(&worker->tally, &messages[i]);
		/* More than there were: the tallies tell. */
		filled -= received < filled ? received : filled;
		if (received == 0)
			worker_look_away(&looks);
	}
}

static void send(struct worker *worker)
{
	struct burst *burst = worker->own;
	unsigned int looks = 0;

	while (!worker_stops(worker)) {
		uint64_t start;
		size_t filled;

		if (atomic_load_explicit(&burst->filled, memory_order_acquire) != 0) {
			worker_look_away(&looks);
			continue;
		}
		looks = 0;
		start = common_now_ns();
		filled = fill(worker);
		if (counts(burst)) {
			burst->fill_ns += common_now_ns() - start;
			burst->sent += filled;
		}
		worker_show(worker, worker->tally.count);
		atomic_store_explicit(&burst->filled, filled, memory_order_release);
	}
}

static void receive(struct worker *worker)
{
	struct burst *burst = worker->own;
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		size_t filled = atomic_load_explicit(&burst->filled, memory_order_acquire);
		uint64_t start;

		if (filled == 0) {
			if (last)
				break;
			worker_look_away(&looks);
			continue;
		}
		looks = 0;
		start = common_now_ns();
		drain(worker, filled);
		if (counts(burst)) {
			burst->drain_ns += common_now_ns() - start;
			burst->received += filled;
		}
		worker_show(worker, worker->tally.count);
		atomic_store_explicit(&burst->filled, 0, memory_order_release);
	}
}

static double mean(uint64_t ns, uint64_t messages)
{
	return messages == 0 ? (double)NAN : (double)ns / (double)messages;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct burst *burst = aligned_alloc(_Alignof(struct burst), sizeof(*burst));
	struct crew crew;
	uint64_t count;
	bool right;

	if (burst == NULL)
		abort();
	*burst = (struct burst){ 0 };
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, burst);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	atomic_store_explicit(&burst->counting, true, memory_order_relaxed);
	count = crew_count(&crew, false);
	pause_for(seconds);
	count = crew_count(&crew, false) - count;
	atomic_store_explicit(&burst->counting, false, memory_order_relaxed);
	window_close(count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "burst", setting);
	crew_fini(&crew);
	ret_values[0] = mean(burst->fill_ns, burst->sent);
	ret_values[1] = mean(burst->drain_ns, burst->received);
	free(burst);
	return right;
}

static const struct setting settings[] = {
	{ "1024", 1, 1, 1024, 1, 0, 0, 0, 0 },
	{ "1024, 16 at once", 1, 1, 1024, BATCH_MAX, 0, 0, 0, 0 },
	{ "65536", 1, 1, 65536, 1, 0, 0, 0, 0 },
	{ "65536, 16 at once", 1, 1, 65536, BATCH_MAX, 0, 0, 0, 0 },
};

const struct scenario scenario_burst = {
	.name = "burst",
	.what = "a queue is filled to its capacity by one thread, then emptied by another",
	.values = { { "fill_ns_per_message", "ns", false },
		{ "drain_ns_per_message", "ns", false } },
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
