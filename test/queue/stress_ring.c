/* SPDX-License-Identifier: MIT */
/*
 * ring.h alone, with few cells and start positions whose wrap falls into the run:
 * of the lower half of a position, and of the position itself.
 *
 * Each message is received once, whole; each receiver sees the messages of one
 * sender in their order; the counts that an observer reads make sense at any time;
 * a closed ring gives out what is in it. The threads share nothing but the ring
 * and relaxed counters, so that ThreadSanitizer has only the ring's edges to go by.
 */
#include "stress.h"

#include <sched.h>

#include "queue/ring.h"
#include "queue/ring_peek.h"

#define THREADS_MAX 3
#define BATCH_MAX 5
#define MESSAGES 2000 /* a sender's, in a round */
#define WORDS 7

struct round {
	struct ring ring;
	unsigned int senders;
	_Atomic(bool) over;
	_Atomic(unsigned char) seen[THREADS_MAX][MESSAGES];
};

struct worker {
	struct round *round;
	unsigned int number;
	uint64_t stream; /* of dice */
	uint64_t received;
	pthread_t thread;
};

static _Atomic(uint64_t) in_vain;

static void fill(struct magring_message *message, uint32_t sender, uint32_t sequence)
{
	message->private_header = (uint64_t)(sender + 1) << 32 | sequence;
	for (int i = 0; i < WORDS - 1; i++)
		message->private_body[i] = message->private_header * (uint64_t)(i + 3);
}

static bool whole(const struct magring_message *message)
{
	for (int i = 0; i < WORDS - 1; i++)
		if (message->private_body[i] != message->private_header * (uint64_t)(i + 3))
			return false;
	return true;
}

static void yield(void)
{
	atomic_fetch_add_explicit(&in_vain, 1, memory_order_relaxed);
	sched_yield();
}

static void *sender(void *argument)
{
	struct worker *worker = argument;
	struct ring *ring = &worker->round->ring;
	struct dice dice = dice_of(worker->stream);
	struct magring_message messages[BATCH_MAX];
	uint32_t sent = 0;
	while (sent < MESSAGES) {
		uint32_t count = 1 + dice_throw(&dice, BATCH_MAX);
		if (count > MESSAGES - sent)
			count = MESSAGES - sent;
		for (uint32_t i = 0; i < count; i++)
			fill(&messages[i], worker->number, sent + i);
		int n = count == 1 ? ring_push(ring, messages)
				   : ring_push_batch(ring, messages, count);
		CHECK(n == -EAGAIN || (n >= 1 && n <= (int)count), "push: %d", n);
		if (n > 0)
			sent += (uint32_t)n;
		else if (n == -EAGAIN)
			yield();
		else
			break;
		stress_alive();
	}
	return NULL;
}

static void *receiver(void *argument)
{
	struct worker *worker = argument;
	struct round *round = worker->round;
	struct dice dice = dice_of(worker->stream);
	struct magring_message messages[BATCH_MAX];
	uint32_t next[THREADS_MAX] = { 0 };
	for (;;) {
		uint32_t count = 1 + dice_throw(&dice, BATCH_MAX);
		int n = count == 1 ? ring_pop(&round->ring, messages)
				   : ring_pop_batch(&round->ring, messages, count);
		if (n == -EPIPE)
			return NULL;
		CHECK(n == -EAGAIN || (n >= 1 && n <= (int)count), "pop: %d", n);
		if (n < 0)
			yield();
		for (int i = 0; i < n; i++) {
			uint32_t from = (uint32_t)(messages[i].private_header >> 32) - 1;
			uint32_t sequence = (uint32_t)messages[i].private_header;
			bool known = from < round->senders && sequence < MESSAGES;
			CHECK(known && whole(&messages[i]), "a torn message, %" PRIx32 ":%" PRIu32,
				from, sequence);
			if (!known)
				return NULL;
			CHECK(sequence >= next[from], "%" PRIu32 ":%" PRIu32 " after %" PRIu32,
				from, sequence, next[from] - 1);
			next[from] = sequence + 1;
			unsigned char before =
				atomic_fetch_add_explicit(&round->seen[from][sequence], 1,
					memory_order_relaxed);
			CHECK(before == 0, "%" PRIu32 ":%" PRIu32 " twice", from, sequence);
			worker->received++;
			stress_alive();
		}
	}
}

static void *observer(void *argument)
{
	struct round *round = argument;
	struct ring_counts last = { 0 };
	while (!atomic_load_explicit(&round->over, memory_order_relaxed)) {
		struct ring_counts counts = ring_counts(&round->ring);
		CHECK(counts.received <= counts.sent, "sent %" PRIu64 " received %" PRIu64,
			counts.sent, counts.received);
		CHECK(counts.sent >= last.sent && counts.received >= last.received,
			"sent %" PRIu64 " then %" PRIu64 ", received %" PRIu64 " then %" PRIu64,
			last.sent, counts.sent, last.received, counts.received);
		CHECK(ring_size(&round->ring) <= ring_cells(&round->ring), "%zu",
			ring_size(&round->ring));
		CHECK(counts.quarantined >= last.quarantined &&
				counts.challenged >= last.challenged,
			"quarantined %" PRIu64 " then %" PRIu64, last.quarantined,
			counts.quarantined);
		last = counts;
		(void)ring_may_push(&round->ring);
		(void)ring_may_pop(&round->ring);
		sched_yield();
	}
	return NULL;
}

static uint64_t play(struct dice *dice, uint64_t number)
{
	static const size_t numbers[] = { 2, 2, 4, 8, 64 };
	static struct round round;
	struct worker senders[THREADS_MAX], receivers[THREADS_MAX];
	pthread_t watching;
	size_t cells = numbers[dice_throw(dice, 5)];
	size_t spare = dice_throw(dice, 2) == 0 ? cells - 1 : cells / 2;
	uint64_t wrap[] = { MESSAGES, (uint64_t)1 << 32, ((uint64_t)1 << 32) * cells,
		(uint64_t)1 << 62 };
	uint64_t position = wrap[dice_throw(dice, 4)] - 1 - dice_throw(dice, MESSAGES);
	unsigned int receiving = 1 + dice_throw(dice, THREADS_MAX);
	uint64_t received = 0;

	round.senders = 1 + dice_throw(dice, THREADS_MAX);
	memset(round.seen, 0, sizeof(round.seen));
	atomic_init(&round.over, false);
	/* A side that is one thread's says so half of the time. */
	unsigned int exclusive =
		(round.senders == 1 && dice_throw(dice, 2) == 0 ? RING_EXCLUSIVE_SENDER : 0) |
		(receiving == 1 && dice_throw(dice, 2) == 0 ? RING_EXCLUSIVE_RECEIVER : 0);
	if (ring_init(&round.ring, cells, spare, position, exclusive) != 0)
		abort();
	if (dice_throw(dice, 2) == 0)
		round.ring.claim_max = cells;
	stress_start(&watching, observer, &round);
	for (unsigned int i = 0; i < receiving; i++) {
		receivers[i] = (struct worker){ .round = &round,
			.number = i,
			.stream = number * 16 + 8 + i };
		stress_start(&receivers[i].thread, receiver, &receivers[i]);
	}
	for (unsigned int i = 0; i < round.senders; i++) {
		senders[i] =
			(struct worker){ .round = &round, .number = i, .stream = number * 16 + i };
		stress_start(&senders[i].thread, sender, &senders[i]);
	}
	for (unsigned int i = 0; i < round.senders; i++)
		stress_join(senders[i].thread);
	ring_close(&round.ring);
	for (unsigned int i = 0; i < receiving; i++) {
		stress_join(receivers[i].thread);
		received += receivers[i].received;
	}
	atomic_store_explicit(&round.over, true, memory_order_relaxed);
	stress_join(watching);

	struct ring_counts counts = ring_counts(&round.ring);
	struct magring_message message;
	fill(&message, 0, 0);
	CHECK(received == (uint64_t)round.senders * MESSAGES, "received %" PRIu64, received);
	CHECK(counts.sent - counts.returned == received && counts.received == counts.sent &&
			counts.closed,
		"sent %" PRIu64 " received %" PRIu64, counts.sent, counts.received);
	CHECK(ring_peek_unresolved(&round.ring) == 0,
		"a challenge is pending, or a cell quarantined");
	CHECK(ring_push(&round.ring, &message) == -EPIPE, "position %" PRIu64, position);
	CHECK(ring_push_batch(&round.ring, &message, 1) == -EPIPE, "position %" PRIu64, position);
	CHECK(ring_pop(&round.ring, &message) == -EPIPE, "position %" PRIu64, position);
	ring_fini(&round.ring);
	return received;
}

int main(int argc, char **argv)
{
	stress_begin("stress_ring", argc, argv);
	struct dice dice = dice_of(0);
	uint64_t rounds = 0, messages = 0;
	for (; stress_goes_on(); rounds++)
		messages += play(&dice, rounds + 1);
	printf("%" PRIu64 " rounds, %" PRIu64 " messages, %" PRIu64 " times full or empty\n",
		rounds, messages, atomic_load_explicit(&in_vain, memory_order_relaxed));
	return stress_end();
}
