/* SPDX-License-Identifier: MIT */
/*
 * Two threads in a dialogue: through one queue there, through another back.
 *
 * The caller sends a message and looks for the answer, which the other thread sends as soon
 * as it finds the message. Neither ever has more to do than that: it shows what a message
 * costs when nothing can be done side by side, while throughput shows the contrary. Queues that
 * wait by themselves do, as in throughput.
 */
#include "scenarios/common.h"
#include "core/latency.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

struct dialogue {
	void *there;
	void *back;
	struct tally answers_sent;
	struct tally answers_received;
	struct latency latency;
};

static size_t receive(const struct queue *queue, void *side, struct message *ret_message)
{
	return queue->receive_patiently != NULL ? queue->receive_patiently(side, ret_message, 1)
						: queue->receive(side, ret_message, 1);
}

static void call(struct worker *worker)
{
	struct dialogue *dialogue = worker->own;
	const struct queue *queue = worker->queue;
	void *there = worker_attach(queue, dialogue->there, true);
	void *back = worker_attach(queue, dialogue->back, false);
	uint64_t sequence;

	for (sequence = 0; !worker_stops(worker); sequence++) {
		struct message message;
		unsigned int looks = 0;
		uint64_t stamp;

		message_make(&message, 0, sequence);
		tally_sent(&worker->tally, &message);
		stamp = latency_stamp();
		common_send(queue, there, &message, 1);
		while (receive(queue, back, &message) == 0)
			worker_look_away(&looks);
		latency_note(&dialogue->latency, stamp);
		tally_received(&dialogue->answers_received, &message);
		worker_show(worker, sequence + 1);
	}
	queue->detach(there);
	queue->detach(back);
}

static void answer(struct worker *worker)
{
	struct dialogue *dialogue = worker->own;
	const struct queue *queue = worker->queue;
	void *there = worker_attach(queue, dialogue->there, false);
	void *back = worker_attach(queue, dialogue->back, true);
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		struct message question;
		struct message message;

		if (receive(queue, there, &question) == 0) {
			if (last)
				break;
			worker_look_away(&looks);
			continue;
		}
		looks = 0;
		message_make(&message, 1, question.words[1]);
		common_send(queue, back, &message, 1);
		tally_received(&worker->tally, &question);
		tally_sent(&dialogue->answers_sent, &message);
	}
	queue->detach(there);
	queue->detach(back);
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct dialogue *dialogue = common_alloc(1, sizeof(*dialogue));
	struct crew crew;
	uint64_t count;
	bool right;

	dialogue->there = queue->create(setting->capacity, 1, 1);
	dialogue->back = queue->create(setting->capacity, 1, 1);
	if (dialogue->there == NULL || dialogue->back == NULL)
		err(2, "%s, %s: cannot create it", queue->name, setting->name);
	crew_init(&crew);
	crew_add(&crew, queue, setting, NULL, true, call, dialogue);
	crew_add(&crew, queue, setting, NULL, false, answer, dialogue);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	latency_count(true);
	count = crew_count(&crew, true);
	pause_for(seconds);
	count = crew_count(&crew, true) - count;
	latency_count(false);
	window_close(2 * count);
	crew_stop_senders(&crew);
	if (queue->end != NULL)
		queue->end(dialogue->there);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "round trip", setting) &&
		common_agree("round trip, answers", queue, setting, &dialogue->answers_sent,
			&dialogue->answers_received);
	crew_fini(&crew);
	queue->destroy(dialogue->there);
	queue->destroy(dialogue->back);
	ret_values[0] = latency_percentile(&dialogue->latency, 0.5);
	ret_values[1] = latency_percentile(&dialogue->latency, 0.99);
	free(dialogue);
	return right;
}

static const struct setting settings[] = {
	{ "two threads", 1, 1, 64, 1, 0, 0, 0, 0 },
};

const struct scenario scenario_round_trip = {
	.name = "round trip",
	.what = "a message to another thread and its answer, through two queues",
	.values = { { "p50_ns", "ns", false }, { "p99_ns", "ns", false } },
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
