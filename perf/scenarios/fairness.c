/* SPDX-License-Identifier: MIT */
/*
 * How evenly receivers are served that wait for the same queue. One sender sends
 * one message at a time, at a pace that the receivers follow easily.
 *
 *	8 asleep                  all in calls that sleep
 *	1 asleep, 1 that polls    the second tries, pauses and tries again, and so
 *	                          can take what the first one was woken for
 *
 * The least share is that of the receiver that got the fewest messages, as a
 * part of what each would get if all got as many: 1 is fair.
 */
#include "scenarios/common.h"

#include <math.h>
#include <stdlib.h>

enum { RECEIVERS_MAX = 8 };

static const struct setting settings[] = {
	{ "8 asleep", 1, RECEIVERS_MAX, 1024, 1, 0, 10000, 0, 0 },
	{ "1 asleep, 1 that polls", 1, 2, 1024, 1, 0, 10000, 0, 0 },
};

struct lot {
	atomic_bool counts; /* what is received now */
	struct share {
		_Alignas(128) uint64_t messages;
		uint64_t longest_ns; /* from one message to the next */
	} shares[RECEIVERS_MAX];
};

static void send(struct worker *worker)
{
	const uint64_t period_ns = (uint64_t)(1e9 / worker->setting->rate);
	struct message message;
	uint64_t due_ns = common_now_ns();

	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		struct timespec due;

		due_ns += period_ns;
		due.tv_sec = (time_t)(due_ns / 1000000000);
		due.tv_nsec = (long)(due_ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		message_make(&message, 0, sequence);
		tally_sent(&worker->tally, &message);
		common_send_waking(worker->queue, worker->side, &message);
		worker_show(worker, sequence + 1);
	}
	message_make_last(&message);
	for (unsigned int i = 0; i < worker->setting->receivers; i++)
		common_send_waking(worker->queue, worker->side, &message);
}

static void receive_polling(struct worker *worker, struct message *ret_message)
{
	unsigned int looks = 0;

	while (worker->queue->receive(worker->side, ret_message, 1) == 0)
		worker_look_away(&looks);
}

static void receive(struct worker *worker)
{
	struct lot *lot = worker->own;
	struct share *share = &lot->shares[worker->index];
	bool polls = worker->setting == &settings[1] && worker->index == 1;
	uint64_t before_ns = 0;

	for (;;) {
		struct message message;
		uint64_t now_ns;

		if (polls)
			receive_polling(worker, &message);
		else
			worker->queue->receive_waiting(worker->side, &message);
		if (message_is_last(&message))
			break;
		tally_received(&worker->tally, &message);
		now_ns = common_now_ns();
		if (atomic_load_explicit(&lot->counts, memory_order_relaxed)) {
			share->messages++;
			if (before_ns != 0 && now_ns - before_ns > share->longest_ns)
				share->longest_ns = now_ns - before_ns;
			before_ns = now_ns;
		}
	}
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct lot *lot = aligned_alloc(_Alignof(struct lot), sizeof(*lot));
	struct crew crew;
	uint64_t total = 0, least = UINT64_MAX, longest_ns = 0, count;
	bool right;

	if (lot == NULL)
		abort();
	*lot = (struct lot){ .counts = false };
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, lot);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	count = crew_count(&crew, true);
	atomic_store_explicit(&lot->counts, true, memory_order_relaxed);
	pause_for(seconds);
	atomic_store_explicit(&lot->counts, false, memory_order_relaxed);
	window_close(crew_count(&crew, true) - count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "fairness", setting);
	crew_fini(&crew);
	for (unsigned int i = 0; i < setting->receivers; i++) {
		const struct share *share = &lot->shares[i];

		total += share->messages;
		least = share->messages < least ? share->messages : least;
		longest_ns = share->longest_ns > longest_ns ? share->longest_ns : longest_ns;
	}
	ret_values[0] =
		total == 0 ? (double)NAN : (double)least * setting->receivers / (double)total;
	ret_values[1] = total == 0 ? (double)NAN : (double)longest_ns;
	free(lot);
	return right;
}

const struct scenario scenario_fairness = {
	.name = "fairness",
	.what = "receivers that wait for the same queue, and 10,000 messages a second",
	.values = {
		{"least_share", "of a fair share", true},
		{"longest_gap_ns", "ns", false},
	},
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_sleeps,
	.measure = measure,
};
