/* SPDX-License-Identifier: MIT */
/*
 * Threads at a ring, each of which does what ./run says. Before they start the ring has
 * FILL messages in it. EXCLUSIVE says which sides are exclusive: RING_EXCLUSIVE_....
 *
 * Checked while they run: each receiver gets the messages of one sender in their
 * order and in one piece (GenMC reports data races on their bytes by itself); the
 * answers that the calls allow. At the end: what was sent was received once; no
 * challenge is left, and so no cell quarantined; the counts are right; with AS_NEW, every cell
 * can be used; with AT_REST, as many messages fit as the ring has promised.
 *
 * Of CELLS cells SPARE are for positions that are skipped: by default all but
 * one, so that senders may skip what they like.
 */
#include <errno.h>
#include <stdint.h>

#include "base/fence.h"
#include "queue/ring.h"
#include "verifier.h"

static struct ring ring;

#ifndef SPARE
#define SPARE (CELLS - 1)
#endif

/*
 * A thread's log: which messages it has sent and which received, a bit for each, and
 * whether it was told -EPIPE. Thread t sends the messages 4 * t to 4 * t + 3, main()
 * those below 4, and at the end those from 4 * AFTERWARDS on.
 */
#define MESSAGES 24
#define AFTERWARDS 5
#define MASK (((uint64_t)1 << MESSAGES) - 1)
#define KNOWS_CLOSED ((uint64_t)1 << 62)
#define KNOWS_EMPTY ((uint64_t)1 << 63)

#define BODY (sizeof(struct magring_message) / sizeof(uint64_t) - 1)

always_inline void number(struct magring_message *message, uint64_t number)
{
	message->private_header = number;
	for (uint64_t i = 0; i < BODY; i++)
		message->private_body[i] = ~number + i;
}

always_inline uint64_t number_of(const struct magring_message *message)
{
	uint64_t number = message->private_header;
	for (uint64_t i = 0; i < BODY; i++)
		require(message->private_body[i] == ~number + i);
	return number;
}

always_inline uint64_t sent_by(uint64_t log)
{
	return log & MASK;
}

always_inline uint64_t received_by(uint64_t log)
{
	return log >> MESSAGES & MASK;
}

always_inline uint64_t population(uint64_t bits)
{
	uint64_t n = 0;
	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

always_inline uint64_t log_received(uint64_t log, const struct magring_message *message)
{
	uint64_t number = number_of(message);
	uint64_t bit = (uint64_t)1 << number;
	uint64_t same_sender = (uint64_t)15 << number / 4 * 4;
	require(number < MESSAGES);
	require((received_by(log) & same_sender) < bit);
	return log | bit << MESSAGES;
}

always_inline uint64_t push(uint64_t self, uint64_t log, size_t count, bool may_be_full)
{
	uint64_t first = 4 * self + population(sent_by(log));
	struct magring_message messages[3];
	for (size_t i = 0; i < count; i++)
		number(&messages[i], first + i);
	int result =
		count == 1 ? ring_push(&ring, messages) : ring_push_batch(&ring, messages, count);
	require(may_be_full || result > 0);
#ifdef CLOSES
	if (result == -EPIPE)
		return log | KNOWS_CLOSED;
#endif
	require(result == -EAGAIN || (result > 0 && (size_t)result <= count));
	require(!(log & KNOWS_CLOSED));
	if (result > 0)
		log |= (((uint64_t)1 << result) - 1) << first;
	return log;
}

always_inline uint64_t pop(uint64_t log, size_t count, bool may_be_empty)
{
	struct magring_message messages[2];
	int result =
		count == 1 ? ring_pop(&ring, messages) : ring_pop_batch(&ring, messages, count);
	require(may_be_empty || result > 0);
#ifdef CLOSES
	if (result == -EPIPE)
		return log | KNOWS_EMPTY;
#endif
	require(result == -EAGAIN || (result > 0 && (size_t)result <= count));
	require(!(log & KNOWS_EMPTY));
	if (result > 0)
		log = log_received(log, &messages[0]);
	if (result > 1)
		log = log_received(log, &messages[1]);
	return log;
}

/* What a thread does. "Surely": "full", "empty" would be a wrong answer. */
#define CALL(name, result) \
	always_inline uint64_t do_##name(uint64_t self, uint64_t log) \
	{ \
		(void)self; \
		return result; \
	}

CALL(send, push(self, log, 1, true))
CALL(send_two, push(self, log, 2, true))
CALL(send_three, push(self, log, 3, true))
CALL(send_surely, push(self, log, 1, false))
CALL(receive, pop(log, 1, true))
CALL(receive_two, pop(log, 2, true))
CALL(receive_surely, pop(log, 1, false))

always_inline uint64_t do_close(uint64_t self, uint64_t log)
{
	(void)self;
	ring_close(&ring);
	return log | KNOWS_CLOSED;
}

always_inline uint64_t do_count(uint64_t self, uint64_t log)
{
	(void)self;
	struct ring_counts counts = ring_counts(&ring);
	require(counts.returned <= counts.received && counts.received <= counts.sent);
	return log;
}

#include "threads.h"

/* Nobody else is at it: it takes as many messages as a new one, and no more. */
static void check_as_new(void)
{
	struct magring_message m;
	require(ring_may_push(&ring) && !ring_may_pop(&ring));
	for (uint64_t i = 0; i < CELLS; i++) {
		number(&m, i);
		require(ring_push(&ring, &m) == 1);
	}
	require(!ring_may_push(&ring) && ring_may_pop(&ring));
	require(ring_push(&ring, &m) == -EAGAIN);
	for (uint64_t i = 0; i < CELLS; i++)
		require(ring_pop(&ring, &m) == 1 && number_of(&m) == i);
	require(ring_pop(&ring, &m) == -EAGAIN);
}

/* Nobody is in a call: send as long as it goes. */
static uint64_t fill(uint64_t all)
{
	for (;;) {
		bool may_push = ring_may_push(&ring);
		uint64_t before = sent_by(all) >> 4 * AFTERWARDS;
		uint64_t after =
			push(AFTERWARDS, before << 4 * AFTERWARDS, 1, true) >> 4 * AFTERWARDS;
		require(may_push == (before != after));
		if (before == after)
			return all;
		all |= after << 4 * AFTERWARDS;
	}
}

int main(void)
{
	long threads[THREADS];
	uint64_t all = 0;
	require(ring_init(&ring, CELLS, SPARE, START, EXCLUSIVE) == 0);
	ring.claim_max = CELLS; /* a batch is one claim, on two cells too */
	for (int i = 0; i < FILL; i++)
		all = push(0, all, 1, false);
	start_threads(threads);
	for (int i = 0; i < THREADS; i++) {
		uint64_t log = join_thread(threads[i]);
		require((received_by(all) & received_by(log)) == 0);
		all |= log;
	}
#ifdef AT_REST
	all = fill(all);
	uint64_t there = population(sent_by(all)) - population(received_by(all));
	require(there >= ring_capacity(&ring));
	require(ring_size(&ring) == there);
#endif
	int result;
	struct magring_message m;
	while ((result = ring_pop(&ring, &m)) == 1) {
		/* It comes after all that the others have received. */
		require(!(all & KNOWS_EMPTY));
		all = log_received(all, &m);
	}
	require(received_by(all) == sent_by(all));
	require(atomic_load_explicit(&ring.challenges, memory_order_relaxed) ==
		atomic_load_explicit(&ring.resolved, memory_order_relaxed) + !fence_asymmetric);
	struct ring_counts counts = ring_counts(&ring);
	require(counts.sent - counts.returned == population(sent_by(all)));
	require(counts.received == counts.sent);
#ifdef CLOSES
	require(result == -EPIPE && counts.closed);
#else
	require(result == -EAGAIN && !counts.closed);
#endif
#ifdef AS_NEW
	check_as_new();
#endif
	ring_fini(&ring);
	return 0;
}
