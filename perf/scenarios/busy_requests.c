/* SPDX-License-Identifier: MIT */
/*
 * Messages at fixed times to a receiver that waits for them, beside busy
 * processes.
 *
 * The sender sleeps until a message is due, and sends it. The receiver waits
 * without a limit. Latency is from just before the send to just after the
 * receive: a sender that is late for want of a CPU is no part of it. What the
 * receiver's waits cost is in receiver_cpu_us_per_message.
 *
 * With SCHED_DEADLINE the receiver has RUNTIME_NS of each PERIOD_NS before all
 * others, and then nothing until the next period. A wait that spends it, or
 * yields it, is late by most of a period. The kernel demands that such a thread
 * may run on all CPUs.
 */
#include "scenarios/busy.h"
#include "scenarios/common.h"
#include "core/cpus.h"
#include "core/latency.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEADLINE = 6, SLACK_NS = 1000, RUNTIME_NS = 2000000, PERIOD_NS = 20000000 };

struct requests {
	bool deadline;
	double sum_ns;
	struct latency latency;
};

/* As the kernel wants it; not all C libraries have it. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

/* An error number, or 0. */
static int ask_for_deadline(void)
{
	struct attributes attributes = {
		.size = sizeof(attributes),
		.policy = DEADLINE,
		.runtime = RUNTIME_NS,
		.deadline = PERIOD_NS,
		.period = PERIOD_NS,
	};

	cpus_keep_to(cpus_allowed());
	return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? 0 : errno;
}

static void send(struct worker *worker)
{
	uint64_t interval = (uint64_t)(1e9 / worker->setting->rate);
	struct message message;
	uint64_t due;

	busy_place(worker->setting);
	prctl(PR_SET_TIMERSLACK, SLACK_NS);
	due = common_now_ns();
	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		struct timespec time;

		due += interval;
		time = (struct timespec){ (time_t)(due / 1000000000), (long)(due % 1000000000) };
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
			;
		message_make(&message, 0, sequence);
		tally_sent(&worker->tally, &message);
		message_stamp(&message, latency_stamp());
		common_send_waking(worker->queue, worker->side, &message);
		worker_show(worker, sequence + 1);
	}
	message_make_last(&message);
	common_send_waking(worker->queue, worker->side, &message);
}

static void note(struct requests *requests, uint64_t stamp)
{
	uint64_t ns = common_now_ns() - stamp;

	if (stamp == 0)
		return;
	latency_record(&requests->latency, ns);
	requests->sum_ns += (double)ns;
}

static void receive(struct worker *worker)
{
	struct requests *requests = worker->own;

	busy_place(worker->setting);
	if (requests->deadline && (errno = ask_for_deadline()) != 0)
		err(2, "SCHED_DEADLINE");
	for (;;) {
		struct message message;

		worker->queue->receive_waiting(worker->side, &message);
		if (message_is_last(&message))
			break;
		note(requests, message_unstamp(&message));
		tally_received(&worker->tally, &message);
		worker_show(worker, worker->tally.count);
	}
}

static bool watch(const struct queue *queue, const struct setting *setting, double seconds,
	struct requests *requests, struct busy_window *ret_window)
{
	struct crew crew;
	bool right;

	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, requests);
	busy_watch(&crew, setting, seconds, ret_window);
	right = crew_check(&crew, requests->deadline ? "busy deadline" : "busy requests", setting);
	crew_fini(&crew);
	return right;
}

/* --------------------------------------------------------------- requests -- */

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct requests *requests = common_alloc(1, sizeof(*requests));
	struct busy_window window;
	bool right = watch(queue, setting, seconds, requests, &window);

	ret_values[0] = latency_percentile(&requests->latency, 0.5);
	ret_values[1] = latency_percentile(&requests->latency, 0.9);
	ret_values[2] = latency_percentile(&requests->latency, 0.99);
	ret_values[3] = busy_per_message(&window, window.receivers_cpu_ns / 1e3);
	free(requests);
	return right;
}

static const struct setting settings[] = {
	BUSY_SETTINGS("1000/s ", 1, 1e3),
	BUSY_SETTINGS("10000/s ", 1, 1e4),
};

const struct scenario scenario_busy_requests = {
	.name = "busy requests",
	.what = "from a send, at fixed times, to the receipt on a few CPUs with busy processes",
	.values = {
		{"p50_ns", "ns", false},
		{"p90_ns", "ns", false},
		{"p99_ns", "ns", false},
		{"receiver_cpu_us_per_message", "us", false},
	},
	.value_count = 4,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = busy_applies,
	.measure = measure,
};

/* --------------------------------------------------------------- deadline -- */

static void *try_deadline(void *ret_error)
{
	*(int *)ret_error = ask_for_deadline();
	return NULL;
}

static const char *hindrance(void)
{
	pthread_t thread;
	int error = 0;

	errno = pthread_create(&thread, NULL, try_deadline, &error);
	if (errno != 0)
		err(2, "cannot create a thread");
	pthread_join(thread, NULL);
	return error == 0 ? NULL : strerror(error);
}

static bool measure_deadline(const struct queue *queue, const struct setting *setting,
	double seconds, double *ret_values)
{
	struct requests *requests = common_alloc(1, sizeof(*requests));
	struct busy_window window;
	bool right;

	requests->deadline = true;
	right = watch(queue, setting, seconds, requests, &window);
	ret_values[0] = requests->sum_ns / (double)latency_counted(&requests->latency);
	ret_values[1] = latency_percentiles(&requests->latency).max;
	ret_values[2] = busy_per_message(&window, window.receivers_cpu_ns / 1e3);
	free(requests);
	return right;
}

static const struct setting deadline_settings[] = {
	BUSY_SETTING("1000/s ", 1, 1e3, 0, 0, "on all CPUs, 0 busy"),
	BUSY_SETTING("1000/s ", 1, 1e3, 0, 2, "on all CPUs, 2 busy"),
};

const struct scenario scenario_busy_deadline = {
	.name = "busy deadline",
	.what = "the same to a receiver under SCHED_DEADLINE, with 2 ms of each 20",
	.values = {
		{"mean_ns", "ns", false},
		{"longest_ns", "ns", false},
		{"receiver_cpu_us_per_message", "us", false},
	},
	.value_count = 3,
	.settings = deadline_settings,
	.setting_count = sizeof(deadline_settings) / sizeof(deadline_settings[0]),
	.hindrance = hindrance,
	.applies = busy_applies,
	.measure = measure_deadline,
};
