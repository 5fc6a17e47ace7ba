/* SPDX-License-Identifier: MIT */
/*
 * Questions and answers beside busy processes: through one queue there, through
 * another back.
 *
 * Each side waits for the other without a limit. On one CPU what a thread
 * spends on looks is lost to both. Beside busy processes, a yield may give the
 * CPU to one of those, for milliseconds: longest_ns tells.
 */
#include "scenarios/busy.h"
#include "scenarios/common.h"
#include "core/latency.h"

#include <err.h>
#include <stdlib.h>

struct dialogue {
	void *there;
	void *back;
	struct tally answers_sent;
	struct tally answers_received;
	struct latency latency;
};

static void ask(struct worker *worker)
{
	struct dialogue *dialogue = worker->own;
	const struct queue *queue = worker->queue;
	void *there = worker_attach(queue, dialogue->there, true);
	void *back = worker_attach(queue, dialogue->back, false);
	struct message message;

	busy_place(worker->setting);
	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		uint64_t stamp;

		message_make(&message, 0, sequence);
		tally_sent(&worker->tally, &message);
		stamp = latency_stamp();
		common_send_waking(queue, there, &message);
		queue->receive_waiting(back, &message);
		latency_note(&dialogue->latency, stamp);
		tally_received(&dialogue->answers_received, &message);
		worker_show(worker, sequence + 1);
	}
	message_make_last(&message);
	common_send_waking(queue, there, &message);
	queue->detach(there);
	queue->detach(back);
}

static void answer(struct worker *worker)
{
	struct dialogue *dialogue = worker->own;
	const struct queue *queue = worker->queue;
	void *there = worker_attach(queue, dialogue->there, false);
	void *back = worker_attach(queue, dialogue->back, true);

	busy_place(worker->setting);
	for (;;) {
		struct message question;
		struct message message;

		queue->receive_waiting(there, &question);
		if (message_is_last(&question))
			break;
		message_make(&message, 1, question.words[1]);
		tally_sent(&dialogue->answers_sent, &message);
		common_send_waking(queue, back, &message);
		tally_received(&worker->tally, &question);
	}
	queue->detach(there);
	queue->detach(back);
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct dialogue *dialogue = common_alloc(1, sizeof(*dialogue));
	struct busy_window window;
	struct crew crew;
	bool right;

	dialogue->there = queue->create(setting->capacity, 1, 1);
	dialogue->back = queue->create(setting->capacity, 1, 1);
	if (dialogue->there == NULL || dialogue->back == NULL)
		err(2, "%s, %s: cannot create it", queue->name, setting->name);
	crew_init(&crew);
	crew_add(&crew, queue, setting, NULL, true, ask, dialogue);
	crew_add(&crew, queue, setting, NULL, false, answer, dialogue);
	busy_watch(&crew, setting, seconds, &window);
	right = crew_check(&crew, "busy dialogue", setting) &&
		common_agree("busy dialogue, answers", queue, setting, &dialogue->answers_sent,
			&dialogue->answers_received);
	crew_fini(&crew);
	queue->destroy(dialogue->there);
	queue->destroy(dialogue->back);
	ret_values[0] = (double)window.sent / window.seconds;
	ret_values[1] = latency_percentile(&dialogue->latency, 0.5);
	ret_values[2] = latency_percentile(&dialogue->latency, 0.99);
	ret_values[3] = latency_percentiles(&dialogue->latency).max;
	free(dialogue);
	return right;
}

static const struct setting settings[] = { BUSY_SETTINGS("", 1, 0) };

const struct scenario scenario_busy_dialogue = {
	.name = "busy dialogue",
	.what = "questions and answers, both waited for, on a few CPUs with busy processes",
	.values = {
		{"round_trips_per_second", "1/s", true},
		{"p50_ns", "ns", false},
		{"p99_ns", "ns", false},
		{"longest_ns", "ns", false},
	},
	.value_count = 4,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = busy_applies,
	.measure = measure,
};
