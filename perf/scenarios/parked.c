/* SPDX-License-Identifier: MIT */
/*
 * Many receivers asleep, and one message at a time: who wakes up for it?
 *
 *	apart       the sender waits until the last message's receiver sleeps again, and sends one
 *	            message. What the receivers spend on CPUs and how often they go to sleep again
 *	            is read from the kernel before and after, when all sleep; what the send costs
 *	            its thread is added, what the sender spends on waiting is not. (To ask after all
 *	            receivers each time leaves the caches cold, which adds up to a half.)
 *	one by one  the sender sends the next message as soon as the last one was received,
 *	            whether or not its receiver sleeps again: messages_per_second.
 *
 * With one receiver a message costs one wake-up. If it costs more with 64, they wake in vain.
 */
#include "scenarios/common.h"
#include "scenarios/task.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { RECEIVERS_MAX = 64 };

enum phase { WARM, APART, ONE_BY_ONE };

struct lot {
	_Alignas(128) _Atomic(enum phase) wanted; /* by the main thread */
	_Atomic(enum phase) phase;                /* of the sender */
	_Atomic uint32_t ready;                   /* receivers whose task is there */
	struct task tasks[RECEIVERS_MAX];
	_Alignas(128) _Atomic uint64_t received;
	_Atomic unsigned int receiver; /* of the last of them */
	/* Between two moments at which all slept: */
	double cpu_ns;
	uint64_t sleeps;
	uint64_t messages;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		err(2, "a thread's CPU time");
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_until_received(struct lot *lot, uint64_t sent)
{
	unsigned int looks = 0;

	while (atomic_load_explicit(&lot->received, memory_order_acquire) != sent)
		worker_look_away(&looks);
}

static void wait_until_sleeps(const struct task *task)
{
	while (!task_sleeps(task))
		sched_yield();
}

static void wait_until_all_sleep(struct worker *worker, uint64_t sent)
{
	struct lot *lot = worker->own;

	wait_until_received(lot, sent);
	for (unsigned int i = 0; i < worker->setting->receivers; i++)
		wait_until_sleeps(&lot->tasks[i]);
}

/* Of all receivers so far. */
static void read_kernel(struct worker *worker, double sign)
{
	const struct crew *crew = worker->crew;
	struct lot *lot = worker->own;
	uint64_t sleeps = 0;
	uint64_t cpu_ns = 0;

	for (unsigned int i = 0; i < crew->count; i++) {
		clockid_t clock;

		if (crew->workers[i].sends)
			continue;
		errno = pthread_getcpuclockid(crew->workers[i].thread, &clock);
		if (errno != 0)
			err(2, "a thread's CPU time");
		cpu_ns += clock_ns(clock);
	}
	for (unsigned int i = 0; i < worker->setting->receivers; i++)
		sleeps += task_sleep_count(&lot->tasks[i]);
	lot->cpu_ns += sign * (double)cpu_ns;
	lot->sleeps = sleeps - lot->sleeps;
}

static void send_next(struct worker *worker, uint64_t sequence)
{
	struct message message;

	message_make(&message, 0, sequence);
	tally_sent(&worker->tally, &message);
	common_send_waking(worker->queue, worker->side, &message);
	worker_show(worker, sequence + 1);
}

/* Only what passes between two moments at which all receivers sleep. */
static uint64_t send_apart(struct worker *worker, uint64_t sequence)
{
	struct lot *lot = worker->own;
	uint64_t first = sequence;

	wait_until_all_sleep(worker, sequence);
	read_kernel(worker, -1);
	/* Relaxed: a flag. */
	while (atomic_load_explicit(&lot->wanted, memory_order_relaxed) == APART) {
		uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		send_next(worker, sequence++);
		lot->cpu_ns += (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start);
		wait_until_received(lot, sequence);
		wait_until_sleeps(
			&lot->tasks[atomic_load_explicit(&lot->receiver, memory_order_relaxed)]);
	}
	wait_until_all_sleep(worker, sequence);
	read_kernel(worker, 1);
	lot->messages = sequence - first;
	return sequence;
}

static void send(struct worker *worker)
{
	struct lot *lot = worker->own;
	unsigned int receivers = worker->setting->receivers;
	struct message message;
	uint64_t sequence = 0;

	while (atomic_load_explicit(&lot->ready, memory_order_acquire) != receivers)
		sched_yield();
	while (!worker_stops(worker)) {
		enum phase wanted = atomic_load_explicit(&lot->wanted, memory_order_relaxed);
		enum phase phase = atomic_load_explicit(&lot->phase, memory_order_relaxed);

		if (wanted != phase) {
			if (wanted == APART)
				sequence = send_apart(worker, sequence);
			atomic_store_explicit(&lot->phase, ONE_BY_ONE, memory_order_relaxed);
		}
		send_next(worker, sequence++);
		wait_until_received(lot, sequence);
	}
	message_make_last(&message);
	for (unsigned int i = 0; i < receivers; i++)
		common_send_waking(worker->queue, worker->side, &message);
}

static void receive(struct worker *worker)
{
	struct lot *lot = worker->own;

	task_open(&lot->tasks[worker->index]);
	atomic_fetch_add_explicit(&lot->ready, 1, memory_order_release);
	for (;;) {
		struct message message;

		worker->queue->receive_waiting(worker->side, &message);
		if (message_is_last(&message))
			break;
		tally_received(&worker->tally, &message);
		atomic_store_explicit(&lot->receiver, worker->index, memory_order_relaxed);
		atomic_fetch_add_explicit(&lot->received, 1, memory_order_release);
	}
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct lot *lot = aligned_alloc(_Alignof(struct lot), sizeof(*lot));
	struct crew crew;
	uint64_t count;
	uint64_t start;
	bool right;

	if (lot == NULL)
		abort();
	*lot = (struct lot){ .wanted = WARM };
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, lot);
	crew_start(&crew);
	pause_for(seconds / 5);
	atomic_store_explicit(&lot->wanted, APART, memory_order_relaxed);
	pause_for(seconds / 2);
	atomic_store_explicit(&lot->wanted, ONE_BY_ONE, memory_order_relaxed);
	while (atomic_load_explicit(&lot->phase, memory_order_relaxed) != ONE_BY_ONE)
		pause_for(0.0001);
	window_open();
	count = crew_count(&crew, true);
	start = common_now_ns();
	pause_for(seconds / 2);
	count = crew_count(&crew, true) - count;
	ret_values[2] = (double)count * 1e9 / (double)(common_now_ns() - start);
	window_close(count);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "parked", setting);
	crew_fini(&crew);
	for (unsigned int i = 0; i < setting->receivers; i++)
		task_close(&lot->tasks[i]);
	ret_values[0] = lot->messages == 0 ? (double)NAN : lot->cpu_ns / (double)lot->messages;
	ret_values[1] =
		lot->messages == 0 ? (double)NAN : (double)lot->sleeps / (double)lot->messages;
	free(lot);
	return right;
}

static const struct setting settings[] = {
	{ "1 receiver asleep", 1, 1, 1024, 1, 0, 0, 0, 0 },
	{ "64 receivers asleep", 1, RECEIVERS_MAX, 1024, 1, 0, 0, 0, 0 },
};

const struct scenario scenario_parked = {
	.name = "parked",
	.what = "one message at a time to receivers that sleep: who wakes up, and what it costs",
	.values = {
		{"cpu_ns_per_message", "ns", false},
		{"wake_ups_per_message", "wake-ups", false},
		{"messages_per_second", "1/s", true},
	},
	.value_count = 3,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_sleeps,
	.measure = measure,
};
