/* SPDX-License-Identifier: MIT */
/*
 * One thread that sends to itself: what the operations cost with every line in its own
 * cache and nobody in the way.
 *
 * So many messages are sent as a batch has, and then received. Making and checking them is
 * part of the figure: the queue that does nothing shows how much.
 */
#include "scenarios/common.h"

#include <err.h>
#include <stdlib.h>

enum { BATCH_MAX = 16, ROUNDS = 256 };

struct alone {
	void *made;
	struct tally received;
};

static void receive_all(const struct queue *queue, void *side, struct message *messages,
	size_t count)
{
	unsigned int looks = 0;
	size_t received = 0;

	while (received < count) {
		size_t now = queue->receive(side, messages + received, count - received);

		received += now;
		if (now == 0)
			worker_look_away(&looks);
	}
}

static void run(struct worker *worker)
{
	struct alone *alone = worker->own;
	const struct queue *queue = worker->queue;
	void *sends = worker_attach(queue, alone->made, true);
	void *receives = worker_attach(queue, alone->made, false);
	size_t batch = worker->setting->batch;
	uint64_t sequence = 0;

	while (!worker_stops(worker)) {
		struct message messages[BATCH_MAX];

		for (unsigned int round = 0; round < ROUNDS; round++) {
			for (size_t i = 0; i < batch; i++) {
				message_make(&messages[i], 0, sequence++);
				tally_sent(&worker->tally, &messages[i]);
			}
			common_send(queue, sends, messages, batch);
			receive_all(queue, receives, messages, batch);
			for (size_t i = 0; i < batch; i++)
				tally_received(&alone->received, &messages[i]);
		}
		worker_show(worker, sequence);
	}
	queue->detach(sends);
	queue->detach(receives);
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct alone *alone = common_alloc(1, sizeof(*alone));
	const struct worker *worker;
	struct crew crew;
	uint64_t start;
	uint64_t count;
	bool right;

	alone->made = queue->create(setting->capacity, 1, 1);
	if (alone->made == NULL)
		err(2, "%s, %s: cannot create it", queue->name, setting->name);
	crew_init(&crew);
	worker = crew_add(&crew, queue, setting, NULL, true, run, alone);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	count = crew_count(&crew, true);
	start = common_now_ns();
	pause_for(seconds);
	count = crew_count(&crew, true) - count;
	ret_values[0] = (double)(common_now_ns() - start) / (double)count;
	window_close(count);
	crew_stop_senders(&crew);
	right = (queue->flags & QUEUE_LINKED_TO_NOTHING) != 0 ||
		common_agree("one thread", queue, setting, &worker->tally, &alone->received);
	crew_fini(&crew);
	queue->destroy(alone->made);
	free(alone);
	return right;
}

static const struct setting settings[] = {
	{ "single", 1, 1, 64, 1, 0, 0, 0, 0 },
	{ "16 at once", 1, 1, 64, BATCH_MAX, 0, 0, 0, 0 },
};

const struct scenario scenario_one_thread = {
	.name = "one thread",
	.what = "send and receive of a message, both by the same thread",
	.values = { { "ns_per_message", "ns", false } },
	.value_count = 1,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = crew_applies,
	.measure = measure,
};
