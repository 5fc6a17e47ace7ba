/* SPDX-License-Identifier: MIT */
/*
 * Eight senders and eight receivers on two CPUs: how long messages take when threads use up
 * their time slices, and some are stopped inside the queue.
 *
 * A sender works some hundred nanoseconds on each message, and then sends it. Behind a thread
 * that is stopped in a plain ring all others wait until it runs again. A message's time
 * begins when it is ready, so that waiting for room counts. The loop is closed, for by a
 * timetable most of the senders that share a CPU are late whatever the queue does. What a
 * closed loop leaves out is what was not sent while all waited: it favours the queue
 * that makes them wait.
 *
 *	mixed    both sides on both CPUs: a message may wait for a receiver's turn, too
 *	divided  a CPU for each side: receivers are there, and only the queue keeps a
 *	         message from them
 */
#include "core/latency.h"
#include "scenarios/common.h"

#include <stdlib.h>

enum { THINK = 10 /* pauses before each message */, SIDES = 8, MIXED = 0 };

static struct latency latencies[SIDES];

static void send(struct worker *worker)
{
	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		unsigned int looks = 0;
		struct message message;

		for (unsigned int i = 0; i < THINK; i++)
			worker_relax();
		message_make(&message, worker->index, sequence);
		message_stamp(&message, latency_stamp());
		while (worker->queue->send(worker->side, &message, 1) == 0)
			worker_look_away(&looks);
		message_unstamp(&message);
		tally_sent(&worker->tally, &message);
	}
}

static void receive(struct worker *worker)
{
	struct latency *latency = &latencies[worker->index];
	unsigned int looks = 0;

	*latency = (struct latency){ 0 };
	for (;;) {
		bool last = worker_stops(worker);
		struct message message;
		size_t some = worker->queue->receive(worker->side, &message, 1);

		if (some > 0) {
			latency_note(latency, message_unstamp(&message));
			tally_received(&worker->tally, &message);
			worker_show(worker, worker->tally.count);
			looks = 0;
		}
		if (worker_leaves(worker, last, some))
			break;
		if (some == 0)
			worker_look_away(&looks);
	}
}

static const struct setting settings[] = {
	{ "8x8, mixed", SIDES, SIDES, 1024, 1, 0, 0, 2, 0 },
	{ "8x8, divided", SIDES, SIDES, 1024, 1, 0, 0, 2, 0 },
};

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct latency *all = common_alloc(1, sizeof(*all));
	struct crew crew;
	uint64_t count;
	uint64_t start;
	bool right;

	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, NULL);
	for (unsigned int i = 0; i < crew.count; i++)
		crew.workers[i].cpu = setting == &settings[MIXED] ? i % 2 : !crew.workers[i].sends;
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	latency_count(true);
	count = crew_count(&crew, false);
	start = common_now_ns();
	pause_for(seconds);
	count = crew_count(&crew, false) - count;
	ret_values[4] = (double)count / ((double)(common_now_ns() - start) * 1e-9);
	latency_count(false);
	window_close(count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "crowded", setting);
	crew_fini(&crew);
	for (unsigned int i = 0; i < SIDES; i++)
		latency_add(all, &latencies[i]);
	ret_values[0] = latency_percentile(all, 0.999);
	ret_values[1] = latency_percentile(all, 0.5);
	ret_values[2] = latency_percentile(all, 0.99);
	ret_values[3] = (double)all->max;
	free(all);
	return right;
}

const struct scenario scenario_crowded = {
	.name = "crowded",
	.what = "how long a message takes, from 8 busy senders to 8 receivers on two CPUs",
	.values = {
		{"p99_9_ns", "ns", false},
		{"p50_ns", "ns", false},
		{"p99_ns", "ns", false},
		{"max_ns", "ns", false},
		{"messages_per_second", "1/s", true},
	},
	.value_count = 5,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
