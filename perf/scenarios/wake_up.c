/* SPDX-License-Identifier: MIT */
/*
 * From a send to the receipt by a receiver that was asleep.
 *
 * The sender waits until the kernel says that the receiver sleeps, and a little longer, so that
 * its CPU has nothing to do; then it looks at the clock and sends. So each latency has one
 * system call that wakes and one switch in it, and on most machines the way out of an idle
 * state of the processor: no queue can be faster than that. What it costs the sender is
 * given as well.
 *
 * A second has room for some thousand of these. Percentiles with fewer than LATENCY_BEYOND
 * beyond them are not given: the 99th takes half a second or more.
 */
#include "scenarios/common.h"
#include "core/latency.h"
#include "scenarios/task.h"

#include <stdlib.h>

#define SETTLE 50e-6 /* s */

struct pair {
	struct task receiver;
	atomic_bool ready; /* `receiver` is there */
	_Alignas(128) _Atomic uint64_t received;
	struct latency wake_up;
	struct latency send;
};

static void wait_for_sleep(struct pair *pair, uint64_t sent)
{
	/* Acquire: pairs with the stores in receive(). */
	while (!atomic_load_explicit(&pair->ready, memory_order_acquire) ||
		atomic_load_explicit(&pair->received, memory_order_acquire) != sent ||
		!task_sleeps(&pair->receiver))
		sched_yield();
	pause_for(SETTLE);
}

static void send(struct worker *worker)
{
	struct pair *pair = worker->own;
	struct message message;

	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		uint64_t stamp;

		wait_for_sleep(pair, sequence);
		message_make(&message, 0, sequence);
		tally_sent(&worker->tally, &message);
		stamp = latency_stamp();
		message_stamp(&message, stamp);
		common_send_waking(worker->queue, worker->side, &message);
		latency_note(&pair->send, stamp);
		worker_show(worker, sequence + 1);
	}
	message_make_last(&message);
	common_send_waking(worker->queue, worker->side, &message);
}

static void receive(struct worker *worker)
{
	struct pair *pair = worker->own;

	task_open(&pair->receiver);
	atomic_store_explicit(&pair->ready, true, memory_order_release);
	for (;;) {
		struct message message;

		worker->queue->receive_waiting(worker->side, &message);
		if (message_is_last(&message))
			break;
		latency_note(&pair->wake_up, message.words[5]);
		message_unstamp(&message);
		tally_received(&worker->tally, &message);
		atomic_store_explicit(&pair->received, worker->tally.count, memory_order_release);
	}
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct pair *pair = aligned_alloc(_Alignof(struct pair), sizeof(*pair));
	struct crew crew;
	uint64_t count;
	bool right;

	if (pair == NULL)
		abort();
	*pair = (struct pair){ 0 };
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, pair);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	latency_count(true);
	count = crew_count(&crew, true);
	pause_for(seconds);
	latency_count(false);
	window_close(crew_count(&crew, true) - count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "wake-up", setting);
	crew_fini(&crew);
	task_close(&pair->receiver);
	ret_values[0] = latency_percentile(&pair->wake_up, 0.5);
	ret_values[1] = latency_percentile(&pair->wake_up, 0.9);
	ret_values[2] = latency_percentile(&pair->wake_up, 0.99);
	ret_values[3] = latency_percentile(&pair->send, 0.5);
	free(pair);
	return right;
}

static const struct setting settings[] = {
	{ "a sleeping receiver", 1, 1, 64, 1, 0, 0, 0, 0 },
};

const struct scenario scenario_wake_up = {
	.name = "wake-up",
	.what = "from a send to the receipt by a receiver that was asleep",
	.values = {
		{"p50_ns", "ns", false},
		{"p90_ns", "ns", false},
		{"p99_ns", "ns", false},
		{"send_p50_ns", "ns", false},
	},
	.value_count = 4,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_sleeps,
	.measure = measure,
};
