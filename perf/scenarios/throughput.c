/* SPDX-License-Identifier: MIT */
/*
 * How many messages a second go through, as fast as they can.
 *
 * Senders make messages and send them, one by one or in batches that are one operation of
 * the queue's; receivers take as many at a time and check each. Who finds the queue full or
 * empty looks again after a pause, some 256 times, and then yields its CPU: the same for all queues
 * (--pauses), for how it is done decides how a queue fares with more threads than CPUs.
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

static ALWAYS_INLINE void send_batches(struct worker *worker, size_t batch)
{
	/* One batch ahead: a queue that copies what was stored this instant would have to
	 * wait for the stores. */
	struct message two[2][BATCH_MAX];
	const struct queue *queue = worker->queue;
	send_call *call = queue->send_patiently != NULL ? queue->send_patiently : queue->send;
	struct tally tally = { 0 };

	make_batch(two[0], worker->index, 0, batch);
	for (unsigned int turn = 0; !worker_stops(worker); turn++) {
		const struct message *messages = two[turn % 2];
		unsigned int looks = 0;
		size_t sent = 0;

		make_batch(two[(turn + 1) % 2], worker->index, tally.count + batch, batch);
		while (sent < batch) {
			size_t some = call(worker->side, &messages[sent], batch - sent);

			for (size_t i = sent; i < sent + some; i++)
				tally_sent(&tally, &messages[i]);
			sent += some;
			if (some > 0)
				looks = 0;
			else if (worker_stops(worker))
				break;
			else
				worker_look_away(&looks);
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
	receive_call *call =
		queue->receive_patiently != NULL ? queue->receive_patiently : queue->receive;
	bool endless = moves_nothing(queue);
	struct tally tally = { 0 };
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		size_t some = call(worker->side, messages, batch);

		for (size_t i = 0; i < some; i++)
			tally_received(&tally, &messages[i]);
		if (worker_leaves(worker, last, endless ? 0 : some))
			break;
		if (some > 0) {
			worker_show(worker, tally.count);
			looks = 0;
		} else {
			worker_look_away(&looks);
		}
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

const struct scenario scenario_throughput = {
	.name = "throughput",
	.what = "messages of 56 bytes from senders to receivers, as fast as they go",
	.values = {
		{"messages_per_second", "messages/s", true},
		{"cpu_ns_per_message", "ns", false},
	},
	.value_count = 2,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = applies,
	.measure = measure,
};
