/* SPDX-License-Identifier: MIT */
/*
 * As many messages as go, beside busy processes.
 *
 * Senders and the receiver wait without a limit, in the queue's own calls. On
 * one CPU the sides take turns. What tells queues apart is how many messages go
 * in a turn, and whether a wait hands the CPU to the other side or to a busy
 * process.
 */
#include "scenarios/busy.h"
#include "scenarios/common.h"

static void send(struct worker *worker)
{
	struct tally tally = { 0 };
	struct message message;

	busy_place(worker->setting);
	while (!worker_stops(worker)) {
		message_make(&message, worker->index, tally.count);
		tally_sent(&tally, &message);
		common_send_waking(worker->queue, worker->side, &message);
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
	message_make_last(&message);
	common_send_waking(worker->queue, worker->side, &message);
}

/* Until the last message of each sender. */
static void receive(struct worker *worker)
{
	unsigned int senders = worker->setting->senders;
	struct tally tally = { 0 };

	busy_place(worker->setting);
	while (senders > 0) {
		struct message message;

		worker->queue->receive_waiting(worker->side, &message);
		if (message_is_last(&message)) {
			senders--;
			continue;
		}
		tally_received(&tally, &message);
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct busy_window window;
	struct crew crew;
	bool right;

	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, NULL);
	busy_watch(&crew, setting, seconds, &window);
	right = crew_check(&crew, "busy stream", setting);
	crew_fini(&crew);
	ret_values[0] = (double)window.received / window.seconds;
	ret_values[1] = busy_per_message(&window, window.cpu_ns);
	return right;
}

static const struct setting settings[] = {
	BUSY_SETTINGS("1x1 ", 1, 0),
	BUSY_SETTINGS("4x1 ", 4, 0),
};

const struct scenario scenario_busy_stream = {
	.name = "busy stream",
	.what = "messages one at a time, as fast as they go on a few CPUs with busy processes",
	.values = {
		{"messages_per_second", "messages/s", true},
		{"cpu_ns_per_message", "ns", false},
	},
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = busy_applies,
	.measure = measure,
};
