/* SPDX-License-Identifier: MIT */
/*
 * How long messages are on their way at a given rate of arrivals.
 *
 * An open loop: each sender has a timetable, which does not care how the queue fares. Latency
 * is counted from the time at which a message was due, not from that at which its sender came
 * round to sending it, so a queue that makes its senders late cannot hide that
 * ("coordinated omission"). What was due and not yet sent at the end counts with the time that it
 * had waited until then.
 *
 * Intervals are exponential, as of independent arrivals, from a fixed seed: every queue gets
 * the same timetable. They come from a table of 4 KiB, because a logarithm would take
 * longer than a send. A sender that is early looks at the clock, and waits as if the queue were
 * full. Where there are more threads than CPUs, a thread that waits for anything gives its
 * CPU to the others at once: one that looked on for some microseconds each time, and then had to
 * send again, would keep it for a whole time slice, and that would be all there is to see.
 *
 * achieved_share is what was received in the window in ratio to what was due in it.
 *
 * Each end reads clock_gettime(); clock_ns says what a reading costs, and about one of them
 * is in each latency. (The time-stamp counter would be cheaper, but would have to be calibrated
 * and to agree between CPUs: the system's clock is, and does, wherever this runs.)
 *
 * Percentiles with fewer than LATENCY_BEYOND messages beyond them are not given.
 */
#include "scenarios/common.h"
#include "core/cpus.h"
#include "core/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INTERVALS = 1024, SIDES_MAX = 8 };

struct plan {
	bool crowded;     /* more threads than CPUs */
	double mean_ns;   /* of one sender's intervals */
	uint64_t warm_ns; /* what is due before that is not counted */
	uint64_t all_ns;
	float intervals[INTERVALS]; /* with a mean of 1 */
	_Alignas(128) struct {
		_Alignas(128) struct latency latency; /* of what was received, or not sent */
	} senders[SIDES_MAX], receivers[SIDES_MAX];
};

static void make_intervals(struct plan *plan)
{
	uint64_t state = 88172645463325252; /* a seed of xorshift64 */
	double sum = 0;

	for (unsigned int i = 0; i < INTERVALS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		plan->intervals[i] = (float)-log(((double)(state >> 11) + 0.5) * 0x1p-53);
		sum += (double)plan->intervals[i];
	}
	for (unsigned int i = 0; i < INTERVALS; i++)
		plan->intervals[i] *= (float)(INTERVALS / sum);
}

static inline void look_away(const struct plan *plan, unsigned int *looks)
{
	if (plan->crowded)
		sched_yield();
	else
		worker_look_away(looks);
}

/* False when it is over before the message was sent. */
static bool send_when_due(struct worker *worker, const struct message *message, uint64_t due,
	uint64_t end)
{
	const struct plan *plan = worker->own;
	unsigned int looks = 0;
	uint64_t now;

	while ((now = common_now_ns()) < due)
		look_away(plan, &looks);
	if (now >= end)
		return false;
	for (looks = 0; worker->queue->send(worker->side, message, 1) == 0;) {
		look_away(plan, &looks);
		if (common_now_ns() >= end)
			return false;
	}
	return true;
}

static void send(struct worker *worker)
{
	struct plan *plan = worker->own;
	uint64_t start = common_now_ns();
	uint64_t counts = start + plan->warm_ns;
	uint64_t end = start + plan->all_ns;
	double offset_ns = 0;
	bool over = false;

	for (uint64_t all = 0;; all++) {
		/* Senders begin at different places of the table. */
		uint64_t due;

		offset_ns += plan->mean_ns *
			(double)plan->intervals[(all + worker->index * 389) % INTERVALS];
		due = start + (uint64_t)offset_ns;
		if (due >= end)
			break;
		if (!over) {
			struct message message;

			message_make(&message, worker->index, all);
			message_stamp(&message, due < counts ? 0 : due);
			over = !send_when_due(worker, &message, due, end);
			if (!over) {
				message_unstamp(&message);
				tally_sent(&worker->tally, &message);
				worker_show(worker, all + 1);
			}
		}
		if (over && due >= counts)
			latency_record(&plan->senders[worker->index].latency, end - due);
	}
}

static void receive(struct worker *worker)
{
	struct plan *plan = worker->own;
	struct latency *latency = &plan->receivers[worker->index].latency;
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		struct message message;
		size_t some = worker->queue->receive(worker->side, &message, 1);

		if (some > 0) {
			uint64_t now = common_now_ns();
			uint64_t stamp = message_unstamp(&message);

			looks = 0;
			tally_received(&worker->tally, &message);
			if (stamp != 0)
				latency_record(latency, now - stamp);
			worker_show(worker, worker->tally.count);
		}
		if (worker_leaves(worker, last, some))
			break;
		if (some == 0)
			look_away(plan, &looks);
	}
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct plan *plan = aligned_alloc(_Alignof(struct plan), sizeof(*plan));
	struct latency *all = common_alloc(1, sizeof(*all));
	struct crew crew;
	uint64_t start;
	uint64_t count;
	bool right;

	if (plan == NULL)
		abort();
	memset(plan, 0, sizeof(*plan));
	plan->crowded = setting->senders + setting->receivers > cpus_allowed();
	plan->mean_ns = 1e9 * setting->senders / setting->rate;
	plan->warm_ns = (uint64_t)(seconds / 5 * 1e9);
	plan->all_ns = (uint64_t)(seconds * 6 / 5 * 1e9);
	make_intervals(plan);
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, plan);
	crew_start(&crew);
	pause_for(seconds / 5);
	window_open();
	count = crew_count(&crew, false);
	start = common_now_ns();
	pause_for(seconds);
	count = crew_count(&crew, false) - count;
	ret_values[5] = (double)count / ((double)(common_now_ns() - start) * 1e-9 * setting->rate);
	window_close(count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "latency", setting);
	crew_fini(&crew);

	for (unsigned int i = 0; i < SIDES_MAX; i++) {
		latency_add(all, &plan->senders[i].latency);
		latency_add(all, &plan->receivers[i].latency);
	}
	ret_values[0] = latency_percentile(all, 0.5);
	ret_values[1] = latency_percentile(all, 0.9);
	ret_values[2] = latency_percentile(all, 0.99);
	ret_values[3] = latency_percentile(all, 0.999);
	ret_values[4] = latency_counted(all) == 0 ? (double)NAN : (double)all->max;
	ret_values[6] = common_clock_cost_ns();
	free(all);
	free(plan);
	return right;
}

static const struct setting settings[] = {
	{ "1x1, 100,000/s", 1, 1, 1024, 1, 0, 1e5, 0, 0 },
	{ "1x1, 1 million/s", 1, 1, 1024, 1, 0, 1e6, 0, 0 },
	{ "1x1, 5 million/s", 1, 1, 1024, 1, 0, 5e6, 0, 0 },
	{ "2x2, 100,000/s", 2, 2, 1024, 1, 0, 1e5, 0, 0 },
	{ "2x2, 1 million/s", 2, 2, 1024, 1, 0, 1e6, 0, 0 },
	{ "2x2, 5 million/s", 2, 2, 1024, 1, 0, 5e6, 0, 0 },
};

const struct scenario scenario_latency = {
	.name = "latency",
	.what = "from the time at which a message was due, by a timetable, to its receipt",
	.values = {
		{"p50_ns", "ns", false},
		{"p90_ns", "ns", false},
		{"p99_ns", "ns", false},
		{"p99_9_ns", "ns", false},
		{"max_ns", "ns", false},
		{"achieved_share", "of the rate", true},
		{"clock_ns", "ns", false},
	},
	.value_count = 7,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
