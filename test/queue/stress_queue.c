/* SPDX-License-Identifier: MIT */
/*
 * Senders and receivers with every kind of call: single and batch, without a
 * timeout, with a short one and with none, and polls; messages from inline to tens of
 * kilobytes; queues of 2 to 1024.
 *
 * Each message is received once with every byte of it; each receiver sees the
 * messages of one sender in their order; what failed to be sent is still whole; and
 * in the end the accounts balance.
 */
#include "stress.h"

#define THREADS_MAX 4
#define BATCH_MAX 9
#define MESSAGES 1500 /* a sender's, in a round */

struct round {
	struct magring_pool *pool;
	struct magring_queue *queue;
	unsigned int senders;
	_Atomic(unsigned char) seen[THREADS_MAX][MESSAGES];
};

struct worker {
	struct round *round;
	unsigned int number;
	uint64_t stream; /* of dice */
	uint64_t messages;
	uint64_t in_vain;
	uint64_t timed_out;
	pthread_t thread;
};

static struct round round_;

/* A timeout: magring_try_send() and others. */
#define POLL INT64_MIN

static int64_t timeout_or_poll(struct dice *dice)
{
	return dice_throw(dice, 4) == 0 ? POLL : dice_timeout(dice);
}

static void show(void)
{
	stress_print_queue(round_.queue);
}

/* Whether the call did nothing because it could not wait (longer). */
static bool counted_failure(struct worker *worker, int result, int64_t timeout_ns)
{
	CHECK(result > 0 || (result == -EAGAIN && (timeout_ns == 0 || timeout_ns == POLL)) ||
			(result == -ETIMEDOUT && timeout_ns > 0),
		"%d, timeout %" PRId64, result, timeout_ns);
	worker->in_vain += result == -EAGAIN;
	worker->timed_out += result == -ETIMEDOUT;
	return result <= 0;
}

/* Send a few; returns how many. The rest is the caller's and as it was. */
static uint32_t send_some(struct worker *worker, struct dice *dice,
	struct magring_message *messages, uint32_t count, uint32_t first)
{
	int64_t timeout_ns = timeout_or_poll(dice);
	bool single = dice_throw(dice, 2) == 0;
	int result;
	if (single) {
		result = timeout_ns == POLL
			? magring_try_send(worker->round->queue, messages)
			: magring_send(worker->round->queue, messages, timeout_ns);
		if (result == 0)
			result = 1;
	} else {
		result = timeout_ns == POLL
			? magring_try_send_batch(worker->round->queue, messages, count)
			: magring_send_batch(worker->round->queue, messages, count, timeout_ns);
		CHECK(result <= (int)count && (timeout_ns != -1 || result == (int)count),
			"%d of %" PRIu32, result, count);
	}
	uint32_t sent = counted_failure(worker, result, timeout_ns) ? 0 : (uint32_t)result;
	for (uint32_t i = 0; i < count; i++) {
		struct stress_label label = { 0 };
		if (i < sent)
			CHECK(stress_message_empty(&messages[i]), "sent and not empty");
		else
			CHECK(stress_message_intact(&messages[i], &label) &&
					label.sequence == first + i,
				"not sent and not intact");
	}
	return sent;
}

static void *sender(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	struct magring_message messages[BATCH_MAX];
	uint32_t made = 0, sent = 0;
	while (sent < MESSAGES) {
		uint32_t wanted = 1 + dice_throw(&dice, BATCH_MAX);
		/* What is left of the last batch moves to the front. */
		while (made - sent < wanted && made < MESSAGES) {
			struct stress_label label = { .sender = worker->number, .sequence = made };
			int rc = stress_message_make(worker->round->pool, &messages[made - sent],
				label, dice_id_size(&dice), dice_payload_size(&dice));
			CHECK(rc == 0, "magring_message_alloc: %s", strerror(-rc));
			made++;
		}
		uint32_t n = send_some(worker, &dice, messages, made - sent, sent);
		sent += n;
		memmove(messages, messages + n, (made - sent) * sizeof(messages[0]));
		stress_alive();
	}
	worker->messages = sent;
	return NULL;
}

static void take(struct worker *worker, struct magring_message *message, uint32_t *next)
{
	struct stress_label label = { 0 };
	bool intact = stress_message_intact(message, &label);
	CHECK(intact, "%" PRIu32 ":%" PRIu32, label.sender, label.sequence);
	if (intact && label.sender < worker->round->senders && label.sequence < MESSAGES) {
		CHECK(label.sequence >= next[label.sender],
			"%" PRIu32 ":%" PRIu32 " after %" PRIu32, label.sender, label.sequence,
			next[label.sender] - 1);
		next[label.sender] = label.sequence + 1;
		unsigned char before =
			atomic_fetch_add_explicit(&worker->round
							   ->seen[label.sender][label.sequence],
				1, memory_order_relaxed);
		CHECK(before == 0, "%" PRIu32 ":%" PRIu32 " twice", label.sender, label.sequence);
	}
	magring_message_free(message);
	worker->messages++;
	stress_alive();
}

static void *receiver(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	struct magring_message messages[BATCH_MAX];
	uint32_t next[THREADS_MAX] = { 0 };
	for (;;) {
		int64_t timeout_ns = timeout_or_poll(&dice);
		uint32_t count = 1 + dice_throw(&dice, BATCH_MAX);
		int result;
		if (dice_throw(&dice, 2) == 0) {
			result = timeout_ns == POLL
				? magring_try_recv(worker->round->queue, messages)
				: magring_recv(worker->round->queue, messages, timeout_ns);
			if (result == 0)
				result = 1;
		} else {
			result = timeout_ns == POLL
				? magring_try_recv_batch(worker->round->queue, messages, count)
				: magring_recv_batch(worker->round->queue, messages, count,
					  timeout_ns);
			CHECK(result <= (int)count, "%d of %" PRIu32, result, count);
		}
		if (result == -EPIPE)
			return NULL;
		if (counted_failure(worker, result, timeout_ns))
			continue;
		for (int i = 0; i < result; i++)
			take(worker, &messages[i], next);
	}
}

struct totals {
	uint64_t rounds, messages, in_vain, timed_out, parked, woken;
};

static void play(struct dice *dice, struct totals *totals)
{
	struct round *round = &round_;
	struct worker workers[2 * THREADS_MAX] = { 0 };
	unsigned int receivers = 1 + dice_throw(dice, THREADS_MAX);
	uint64_t received = 0;
	round->senders = 1 + dice_throw(dice, THREADS_MAX);
	memset(round->seen, 0, sizeof(round->seen));
	/* A side that is one thread's says so half of the time. */
	uint64_t flags =
		(round->senders == 1 && dice_throw(dice, 2) == 0 ? MAGRING_SINGLE_SENDER : 0) |
		(receivers == 1 && dice_throw(dice, 2) == 0 ? MAGRING_SINGLE_RECEIVER : 0);
	round->queue = stress_queue_for(round->pool, (size_t)2 << dice_throw(dice, 10), flags);
	for (unsigned int i = 0; i < round->senders + receivers; i++) {
		workers[i] = (struct worker){
			.round = round,
			.number = i,
			.stream = (totals->rounds + 1) * 16 + i,
		};
		stress_start(&workers[i].thread, i < round->senders ? sender : receiver,
			&workers[i]);
	}
	for (unsigned int i = 0; i < round->senders + receivers; i++) {
		if (i == round->senders)
			magring_queue_close(round->queue); /* all has been sent */
		stress_join(workers[i].thread);
		received += i < round->senders ? 0 : workers[i].messages;
		totals->in_vain += workers[i].in_vain;
		totals->timed_out += workers[i].timed_out;
	}
	struct magring_queue_stats stats = stress_queue_stats(round->queue);
	CHECK(received == (uint64_t)round->senders * MESSAGES, "received %" PRIu64 " of %u senders",
		received, round->senders);
	CHECK(stats.sent - stats.returned == received && stats.received == stats.sent,
		"sent %" PRIu64 " received %" PRIu64, stats.sent, stats.received);
	CHECK(magring_queue_size(round->queue) == 0, "size %zu", magring_queue_size(round->queue));
	magring_queue_release(round->queue);
	stress_check_balance(round->pool);
	totals->rounds++;
	totals->messages += received;
	totals->parked += stats.parked;
	totals->woken += stats.woken;
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_queue", argc, argv);
	struct dice dice = dice_of(0);
	struct totals totals = { 0 };
	round_.pool = stress_pool(0, 0);
	while (stress_goes_on())
		play(&dice, &totals);
	printf("%" PRIu64 " rounds, %" PRIu64 " messages, %" PRIu64
	       " calls that would not wait, %" PRIu64 " that timed out, parked %" PRIu64
	       ", woken %" PRIu64 "\n",
		totals.rounds, totals.messages, totals.in_vain, totals.timed_out, totals.parked,
		totals.woken);
	stress_destroy(round_.pool);
	return stress_end();
}
