/* SPDX-License-Identifier: MIT */
/*
 * How many messages a second go through, as fast as they can.
 *
 * Senders make messages and send them, one by one or in batches that are one operation of
 * the queue's; receivers take as many at a time and check each.
 *
 *	throughput  a thread that finds the queue full or empty sleeps in the end: in the queue's
 *	            own calls, or, after some pauses, in an event count that is beside the
 *	            queue (core/waits.h); whatever is best for the queue in that setting
 *	polling     it may keep its CPU busy: it pauses and looks again, and yields after a
 *	            number of pauses that is best for the queue in that setting
 *
 *	warm    a fifth of the time
 *	window  what receivers have received and the CPU time of the process are read before and
 *	        after it by the main thread, which sleeps meanwhile
 *	stop    senders return, receivers empty the queue
 *	check   everything sent, in the window or not, was received, once and intact
 *
 * The queue that moves nothing is not checked: it receives messages that nobody sent, and its
 * rate is the slower side's.
 */
#include "core/worker.h"
#include "scenarios/scenarios.h"

#include "core/cpus.h"

#include <math.h>

enum { BATCH_MAX = 64, MANY = 1024 };

#define SETTING(shape, s, r, capacity_, batch_, suffix) \
	{ \
		.name = shape suffix, .senders = s, .receivers = r, .capacity = capacity_, \
		.batch = batch_, \
	}

static const struct setting settings[] = { SETTING("1x1", 1, 1, MANY, 1, ""),
	SETTING("2x2", 2, 2, MANY, 1, ""), SETTING("4x4", 4, 4, MANY, 1, ""),
	SETTING("8x8", 8, 8, MANY, 1, ""), SETTING("1x4", 1, 4, MANY, 1, ""),
	SETTING("4x1", 4, 1, MANY, 1, ""), SETTING("1x1", 1, 1, MANY, 4, ", 4 at once"),
	SETTING("4x4", 4, 4, MANY, 4, ", 4 at once"),
	SETTING("1x1", 1, 1, MANY, 64, ", 64 at once"),
	SETTING("4x4", 4, 4, MANY, 64, ", 64 at once"),
	SETTING("1x1", 1, 1, 64, 1, ", capacity 64"), SETTING("4x4", 4, 4, 64, 1, ", capacity 64"),
	SETTING("1x1", 1, 1, 65536, 1, ", capacity 65536"),
	SETTING("4x4", 4, 4, 65536, 1, ", capacity 65536"),
	SETTING("1x1", 1, 1, MANY, 16, ", 16 at once"),
	SETTING("2x2", 2, 2, MANY, 16, ", 16 at once"),
	SETTING("8x8", 8, 8, MANY, 16, ", 16 at once"),
	SETTING("1x4", 1, 4, MANY, 16, ", 16 at once"),
	SETTING("4x1", 4, 1, MANY, 16, ", 16 at once"),
	SETTING("4x4", 4, 4, MANY, 16, ", 16 at once") };

static bool moves_nothing(const struct queue *queue)
{
	return (queue->flags & QUEUE_LINKED_TO_NOTHING) != 0;
}

/* Batches of one are compiled for themselves: what is not needed for them is not paid for. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE void make_batch(struct message *messages, unsigned int sender, uint64_t first,
	size_t batch)
{
	for (size_t i = 0; i < batch; i++)
		message_make(&messages[i], sender, first + i);
}

typedef size_t send_call(void *side, const struct message *messages, size_t count);
typedef size_t receive_call(void *side, struct message *ret_messages, size_t count);

static bool waits_by(enum wait_kind kind)
{
	return worker_wait->kind == kind;
}

/* The last look, and then sleep if nothing goes. */
static size_t send_or_sleep(struct worker *worker, const struct message *messages, size_t count)
{
	struct sleepers *sleepers = &worker->crew->senders_asleep;
	uint32_t ticket = sleepers_prepare(sleepers);
	size_t sent = worker->queue->send(worker->side, messages, count);

	if (sent == 0 && !worker_stops(worker))
		sleepers_sleep(sleepers, ticket);
	sleepers_leave(sleepers);
	return sent;
}

static size_t receive_or_sleep(struct worker *worker, struct message *ret_messages, size_t count)
{
	struct sleepers *sleepers = &worker->crew->receivers_asleep;
	uint32_t ticket = sleepers_prepare(sleepers);
	bool last = worker_stops(worker);
	size_t received = worker->queue->receive(worker->side, ret_messages, count);

	if (received == 0 && !last)
		sleepers_sleep(sleepers, ticket);
	sleepers_leave(sleepers);
	return received;
}

static ALWAYS_INLINE void send_batches(struct worker *worker, size_t batch)
{
	/* One batch ahead: a queue that copies what was stored this instant would have to
	 * wait for the stores. */
	struct message two[2][BATCH_MAX];
	const struct queue *queue = worker->queue;
	bool own = queue->send_patiently != NULL && waits_by(WAIT_OWN);
	send_call *call = own ? queue->send_patiently : queue->send;
	bool sleeps = waits_by(WAIT_SLEEP);
	struct tally tally = { 0 };

	make_batch(two[0], worker->index, 0, batch);
	for (unsigned int turn = 0; !worker_stops(worker); turn++) {
		const struct message *messages = two[turn % 2];
		unsigned int looks = 0;
		size_t sent = 0;

		make_batch(two[(turn + 1) % 2], worker->index, tally.count + batch, batch);
		while (sent < batch) {
			size_t some = call(worker->side, &messages[sent], batch - sent);

			if (some == 0) {
				if (worker_stops(worker))
					break;
				if (!worker_has_paused(&looks))
					continue;
				if (sleeps)
					some = send_or_sleep(worker, &messages[sent], batch - sent);
				else
					sched_yield();
			}
			for (size_t i = sent; i < sent + some; i++)
				tally_sent(&tally, &messages[i]);
			sent += some;
			if (some > 0 || sleeps)
				looks = 0;
			if (some > 0 && sleeps)
				sleepers_notify(&worker->crew->receivers_asleep,
					(unsigned int)some);
		}
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
}

static void send(struct worker *worker)
{
	if (worker->setting->batch == 1)
		send_batches(worker, 1);
	else
		send_batches(worker, worker->setting->batch);
}

static ALWAYS_INLINE void receive_batches(struct worker *worker, size_t batch)
{
	struct message messages[BATCH_MAX];
	const struct queue *queue = worker->queue;
	bool own = queue->receive_patiently != NULL && waits_by(WAIT_OWN);
	receive_call *call = own ? queue->receive_patiently : queue->receive;
	bool sleeps = waits_by(WAIT_SLEEP);
	bool endless = moves_nothing(queue);
	struct tally tally = { 0 };
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		size_t some = call(worker->side, messages, batch);

		if (some == 0 && !last && worker_has_paused(&looks)) {
			if (sleeps) {
				some = receive_or_sleep(worker, messages, batch);
				looks = 0;
			} else {
				sched_yield();
			}
		}
		for (size_t i = 0; i < some; i++)
			tally_received(&tally, &messages[i]);
		if (worker_leaves(worker, last, endless ? 0 : some))
			break;
		if (some == 0)
			continue;
		looks = 0;
		worker_show(worker, tally.count);
		if (sleeps)
			sleepers_notify(&worker->crew->senders_asleep, (unsigned int)some);
	}
	worker->tally = tally;
}

static void receive(struct worker *worker)
{
	if (worker->setting->batch == 1)
		receive_batches(worker, 1);
	else
		receive_batches(worker, worker->setting->batch);
}

/* What has gone through so far. */
static uint64_t passed(const struct crew *crew)
{
	uint64_t received = crew_count(crew, false);
	uint64_t sent = crew_count(crew, true);

	return moves_nothing(crew->queue) && sent < received ? sent : received;
}

static bool applies(const struct queue *queue, const struct setting *setting)
{
	if ((queue->flags & QUEUE_PROGRAM) != 0)
		return setting->batch == 1;
	return crew_applies(queue, setting);
}

/* The harness itself moves nothing, and never waits. */
static bool sleeps_so(const struct queue *queue, const struct wait *wait)
{
	if (moves_nothing(queue) || (queue->flags & QUEUE_PROGRAM) != 0)
		return wait->kind == WAIT_OWN;
	if (wait->kind == WAIT_OWN)
		return queue->send_patiently != NULL || queue->receive_patiently != NULL;
	return wait->kind == WAIT_SLEEP;
}

static bool polls_so(const struct queue *queue, const struct wait *wait)
{
	(void)queue;
	return wait->kind == WAIT_YIELD || wait->kind == WAIT_EXPONENTIAL;
}

static bool is_polled(const struct queue *queue, const struct setting *setting)
{
	return crew_applies(queue, setting) && !moves_nothing(queue);
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	struct crew crew;
	uint64_t received;
	double start;
	double cpu;
	bool right;

	if ((queue->flags & QUEUE_PROGRAM) != 0) {
		ret_values[1] = NAN;
		return program_throughput(queue, setting, seconds, &ret_values[0]);
	}
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, NULL);
	crew_start(&crew);
	pause_for(seconds / 5);

	window_open();
	received = passed(&crew);
	cpu = cpus_used();
	start = cpus_now();
	pause_for(seconds);
	received = passed(&crew) - received;
	seconds = cpus_now() - start;
	cpu = cpus_used() - cpu;
	window_close(received);

	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = moves_nothing(queue) || crew_check(&crew, "throughput", setting);
	crew_fini(&crew);
	ret_values[0] = (double)received / seconds;
	ret_values[1] = received > 0 ? cpu * 1e9 / (double)received : NAN;
	return right;
}

#define VALUES \
	{ \
		{ "messages_per_second", "messages/s", true }, \
		{ \
			"cpu_ns_per_message", "ns", false \
		} \
	}

const struct scenario scenario_throughput = {
	.name = "throughput",
	.what = "messages of 56 bytes as fast as they go; threads that wait sleep in the end",
	.values = VALUES,
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = applies,
	.allows = sleeps_so,
	.measure = measure,
};

/* The first settings, and batches: what follows varies in how they wait, too. */
enum { POLLED = 10 };

const struct scenario scenario_polling = {
	.name = "polling",
	.what = "the same; threads that wait keep their CPUs busy",
	.values = VALUES,
	.value_count = 2,
	.settings = settings,
	.setting_count = POLLED,
	.applies = is_polled,
	.allows = polls_so,
	.measure = measure,
};
