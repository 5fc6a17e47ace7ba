/* SPDX-License-Identifier: MIT */
/*
 * The capacity of a ring, step by step: threads stop between claim and store,
 * positions are skipped for their sake, they come back; and when no thread is
 * in a call any more as many messages fit as the ring has promised.
 *
 * All is done by one thread, which plays the others by halves of their calls
 * (ring_peek.h): a seed repeats a run.
 */
#include "queue/ring_peek.h"
#include "queue/scan.h"
#include "queue/stopped.h"
#include "tuning.h"

#define STOPPED_MAX 64

static struct ring ring;
static uint64_t quarantined;

/* A thread that has claimed cells, and stops. */
struct stopped {
	uint64_t position;
	size_t count;
};

static void show(void)
{
	fprintf(stderr, "  cells %zu, head %" PRIu64 " tail %" PRIu64 " size %zu\n",
		ring_cells(&ring), atomic_load(&ring.head), atomic_load(&ring.tail),
		ring_size(&ring));
}

static void given_ring(size_t cells, uint64_t position)
{
	if (ring_init(&ring, cells, cells / 2, position, 0) != 0)
		abort();
}

static int push(void)
{
	struct magring_message message;
	stopped_fill(&message, 1);
	return ring_push(&ring, &message);
}

static int pop(void)
{
	struct magring_message message;
	return ring_pop(&ring, &message);
}

static void push_some(size_t count)
{
	for (size_t i = 0; i < count; i++)
		CHECK(push() == 1, "%zu of %zu", i, count);
}

static void pop_some(size_t count)
{
	for (size_t i = 0; i < count; i++)
		CHECK(pop() == 1, "%zu of %zu", i, count);
}

static struct stopped stop(_Atomic(uint64_t) *end, size_t count)
{
	struct stopped stopped = { .position = ring_peek_claim(end), .count = count };
	for (size_t i = 1; i < count; i++)
		ring_peek_claim(end);
	return stopped;
}

static struct stopped stop_senders(size_t count)
{
	return stop(&ring.tail, count);
}

static struct stopped stop_receivers(size_t count)
{
	return stop(&ring.head, count);
}

/* How many of its messages are sent: the others it still has. */
static size_t finish_senders(struct stopped stopped)
{
	struct magring_message message;
	size_t sent = 0;
	stopped_fill(&message, 1);
	for (size_t i = 0; i < stopped.count; i++)
		sent += ring_peek_finish_push(&ring, advance(stopped.position, i), &message);
	return sent;
}

static void finish_receivers(struct stopped stopped)
{
	struct magring_message message;
	for (size_t i = 0; i < stopped.count; i++)
		ring_peek_finish_pop(&ring, advance(stopped.position, i), &message);
}

/* No thread is in a call. */
static void check_at_rest(const char *when)
{
	size_t size = ring_size(&ring);
	bool may;
	while (may = ring_may_push(&ring), push() == 1)
		CHECK(may, "%s: a push was not foreseen", when);
	CHECK(!may, "%s: a push was foreseen", when);
	CHECK(ring_size(&ring) >= ring_capacity(&ring), "%s: of %zu fit %zu, with %zu before", when,
		ring_capacity(&ring), ring_size(&ring), size);
	CHECK(ring_peek_unresolved(&ring) == 0 && !ring_peek_pending(&ring),
		"%s: a challenge is pending", when);
	size = ring_size(&ring);
	pop_some(size);
	CHECK(pop() == -EAGAIN && ring_size(&ring) == 0, "%s: %zu", when, ring_size(&ring));
	push_some(ring_cells(&ring));
	CHECK(push() == -EAGAIN, "%s: more than there are cells", when);
	ring_fini(&ring);
	stress_alive();
}

/*
 * Messages circulate: as many as the capacity or, with `more`, as go. Receivers
 * stop with some of them and come back, in any order, while others go round; a
 * message that is refused is sent later. When all are back, none is refused;
 * with `more`, there are as many as the capacity.
 */
static void what_circulates_can_be_sent_back(size_t cells, uint64_t position, bool more,
	struct dice *dice)
{
	struct stopped stopped[STOPPED_MAX];
	size_t n = 0, out = 0; /* threads that stand still; messages to be sent */
	uint32_t stops = 1 + dice_throw(dice, 8), goes_round = 1 + dice_throw(dice, 64);
	given_ring(cells, position);
	push_some(ring_capacity(&ring));
	for (size_t step = 0; step < 12 * cells; step++) {
		uint32_t what = dice_throw(dice, 2 * stops + goes_round);
		if (what < stops && n < STOPPED_MAX && ring_size(&ring) > 0) {
			size_t count = 1 + dice_throw(dice, (uint32_t)ring.claim_max), claimed = 0;
			/* No more than what lies there without a gap. */
			while (claimed < count && ring_ready(&ring, claimed, RECEIVER))
				claimed++;
			if (claimed > 0)
				stopped[n++] = stop_receivers(claimed);
		} else if (what < 2 * stops && n > 0) {
			size_t which = dice_throw(dice, (uint32_t)n);
			finish_receivers(stopped[which]);
			out += stopped[which].count;
			stopped[which] = stopped[--n];
		} else if (out == 0) {
			out += pop() == 1;
		}
		while (out > 0 && push() == 1)
			out--;
		out += more && out == 0 && dice_throw(dice, 4) == 0;
	}
	while (n > 0) {
		finish_receivers(stopped[--n]);
		out += stopped[n].count;
	}
	if (!more)
		push_some(out);
	quarantined += ring_counts(&ring).quarantined;
	check_at_rest("circulated");
}

/* Cells at the end of the last lap are held by receivers; a lap later tail
 * skips as many as it may. */
static size_t stop_receivers_of(size_t count, struct stopped *receivers)
{
	size_t n = 0;
	for (; count > 0; count -= receivers[n++].count)
		receivers[n] = stop_receivers(count < ring.claim_max ? count : ring.claim_max);
	return n;
}

/*
 * A receiver challenges a sender that finishes meanwhile, and others behind it
 * that do not. It takes the message of the first and leaves. If it had passed
 * the others over, their positions would stay behind a live message, while tail
 * has used up what may be skipped.
 */
static void senders_are_skipped_at_head_only(size_t cells, uint64_t position)
{
	struct stopped receivers[64];
	given_ring(cells, position);
	size_t most = ring.claim_max;
	push_some(cells);
	pop_some(1 + most);
	size_t held = stop_receivers_of(ring.spare, receivers);
	while (pop() == 1)
		;
	uint64_t head = atomic_load(&ring.head);
	struct stopped first = stop_senders(1), second = stop_senders(1),
		       third = stop_senders(most - 2);
	push_some(2); /* the second one behind what receivers hold */
	while (ahead(atomic_load(&ring.tail), advance(head, cells)) < 0 && push() == 1)
		;
	CHECK(finish_senders(first) == 1 && finish_senders(second) == 1,
		"nobody has challenged them");
	CHECK(recovery_challenge(&ring, head, most, true) == 0, "the first has finished");
	CHECK(ring_counts(&ring).returned == 0, "%" PRIu64 " returned",
		ring_counts(&ring).returned);
	pop_some(1);
	CHECK(finish_senders(third) == third.count, "skipped behind a live message");
	for (size_t i = 0; i < held; i++)
		finish_receivers(receivers[i]);
	check_at_rest("senders skipped");
}

/*
 * A sender Z is about to challenge a receiver and stops. A lap later it goes
 * on: it meets the challenge to another sender, which was left pending as a
 * message is before that one, and leaves it so.
 */
static void a_late_thread_passes_nobody_over(size_t cells, uint64_t position)
{
	struct stopped receivers[64];
	uint64_t until;
	given_ring(cells, position);
	size_t most = ring.claim_max;
	push_some(cells);
	struct stopped one = stop_receivers(most);
	pop_some(1);
	uint64_t late = atomic_load(&ring.tail);
	CHECK(scan_room(&ring, late, &until) && until == advance(late, most), "Z");
	finish_receivers(one);
	size_t held = stop_receivers_of(ring.spare, receivers);
	while (pop() == 1)
		;
	uint64_t head = atomic_load(&ring.head);
	struct stopped first = stop_senders(3), third = stop_senders(most - 3);
	while (ahead(atomic_load(&ring.tail), advance(head, cells)) < 0 && push() == 1)
		;
	CHECK(finish_senders(first) == 3, "nobody has challenged it");
	CHECK(recovery_challenge(&ring, head, most, true) == 0, "the first has finished");
	CHECK(ring_peek_pending(&ring), "nobody asks about the third");
	pop_some(1);
	recovery_challenge(&ring, late, most, false); /* Z goes on */
	CHECK(ring_counts(&ring).returned == 0, "Z has passed a sender over");
	CHECK(finish_senders(third) == third.count, "skipped behind a live message");
	for (size_t i = 0; i < held; i++)
		finish_receivers(receivers[i]);
	check_at_rest("Z came late");
}

/* Senders that are skipped behind a live message would make too much of
 * what tail may skip. */
static void what_may_be_skipped_stays_so(uint64_t position)
{
	uint64_t until;
	given_ring(16, position);
	push_some(16);
	pop_some(5);
	struct stopped a = stop_receivers(4); /* cells 5 to 8 */
	pop_some(1);
	struct stopped b = stop_receivers(1); /* cell 10 */
	struct stopped c = stop_receivers(3); /* cells 11 to 13 */
	pop_some(2);
	struct stopped first = stop_senders(1), second = stop_senders(2);
	push_some(3); /* the third one skips 5 to 8 */
	uint64_t tail = atomic_load(&ring.tail);
	CHECK(scan_room(&ring, tail, &until) && until == advance(tail, 4), "room behind 10 to 13");
	finish_receivers(b);
	CHECK(recovery_challenge(&ring, tail, 4, false) == 0, "cell 10 is free");
	push_some(1);
	CHECK(finish_senders(first) == 1, "nobody has challenged it");
	CHECK(recovery_challenge(&ring, atomic_load(&ring.head), 3, true) == 0,
		"the first has finished");
	pop_some(1);
	CHECK(finish_senders(second) == 2, "skipped behind a live message");
	finish_receivers(a);
	finish_receivers(c);
	check_at_rest("skips that were counted");
}

/* What is asked about a thread that has finished is answered by the next one
 * that challenges, though it finds another one in its way. Else the challenge
 * would be open for ever. */
static void a_finished_thread_is_not_asked_about_for_ever(uint64_t position)
{
	given_ring(16, position);
	struct stopped first = stop_senders(1), second = stop_senders(1), third = stop_senders(1);
	push_some(1);
	ring_peek_challenge(&ring, second.position);
	/* It looked for challenges before there was one. */
	stopped_fill(&cell_at(&ring, second.position)->message, 1);
	atomic_store_explicit(&cell_at(&ring, second.position)->state,
		state_full(&ring, second.position), memory_order_release);
	CHECK(finish_senders(first) == 1, "nobody has challenged it");
	CHECK(recovery_challenge(&ring, first.position, 3, true) == 0, "the first has finished");
	CHECK(finish_senders(third) == 1, "skipped behind live messages");
	CHECK(!ring_peek_pending(&ring), "a challenge is pending");
	pop_some(4);
	check_at_rest("asked about");
}

/* Where nothing was skipped before, any two threads may stop with as many cells
 * as they can claim, or one for every 64 of the capacity. As many messages as
 * the capacity fit still. */
static void stopped_threads_leave_the_capacity(size_t cells, uint64_t position, size_t count)
{
	for (int kinds = 0; kinds < 4; kinds++) {
		struct stopped stopped[STOPPED_MAX];
		given_ring(cells, position);
		size_t most = ring.claim_max;
		CHECK(most <= RING_CLAIM_MAX && count * most <= ring_capacity(&ring), "%zu of %zu",
			most, cells);
		push_some(count * most);
		for (size_t i = 0; i < count; i++)
			stopped[i] = kinds >> i % 2 & 1 ? stop_senders(most) : stop_receivers(most);
		for (size_t lap = 0; lap < 3; lap++) {
			while (pop() == 1)
				;
			for (size_t size = 0; size < ring_capacity(&ring); size++)
				CHECK(push() == 1, "%zu fit in %zu", size, ring_capacity(&ring));
			for (size_t i = 0; i < cells; i++) {
				pop_some(1);
				push_some(1);
			}
		}
		for (size_t i = 0; i < count; i++)
			if (kinds >> i % 2 & 1)
				finish_senders(stopped[i]);
			else
				finish_receivers(stopped[i]);
		check_at_rest("some stopped");
	}
}

/* However large a batch is, a thread that stops in it holds no more than
 * claim_max cells. */
static void a_claim_is_bounded(size_t cells)
{
	static struct magring_message messages[512];
	given_ring(cells, 0);
	for (size_t i = 0; i < 512; i++)
		stopped_fill(&messages[i], i + 1);
	size_t most = cells < 8 ? 1 : cells / 4 < 64 ? cells / 4 : 64;
	CHECK(ring_push_batch(&ring, messages, 512) == (int)most, "%zu cells", cells);
	CHECK(ring_try_push_batch(&ring, messages, 512, TRY) == (int)most || cells < 4, "%zu cells",
		cells);
	CHECK(ring_pop_batch(&ring, messages, 512) == (int)most, "%zu cells", cells);
	ring_fini(&ring);
}

int main(int argc, char **argv)
{
	static const uint64_t positions[] = { 0, 1, 31, ((uint64_t)1 << 32) - 20,
		((uint64_t)1 << 62) - 37 };
	stress_show = show;
	stress_begin("ring_promise", argc, argv);
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		for (size_t cells = 4; cells <= 1024; cells *= 2) {
			stopped_threads_leave_the_capacity(cells, positions[i], 2);
			if (cells >= 16)
				senders_are_skipped_at_head_only(cells, positions[i]);
			if (cells >= 16)
				a_late_thread_passes_nobody_over(cells, positions[i]);
		}
		what_may_be_skipped_stays_so(positions[i]);
		a_finished_thread_is_not_asked_about_for_ever(positions[i]);
	}
	for (size_t cells = 512; cells <= 8192; cells *= 4)
		stopped_threads_leave_the_capacity(cells, 0, cells / 2 / 64);
	for (size_t cells = 2; cells <= 4096; cells *= 2)
		a_claim_is_bounded(cells);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		for (size_t cells = 4; cells <= 128; cells *= 2)
			what_circulates_can_be_sent_back(cells, positions[dice_throw(&dice, 5)],
				dice_throw(&dice, 2) == 0, &dice);
	printf("%" PRIu64 " cells quarantined\n", quarantined);
	return stress_end();
}
