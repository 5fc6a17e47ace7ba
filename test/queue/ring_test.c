/* SPDX-License-Identifier: MIT */
/* lib/queue/ring.c: cells and positions, wherever the positions start. */
#include "given.h"

#include <criterion/parameterized.h>
#include <stdlib.h>

#include "queue/close.h"
#include "queue/ring_peek.h"

#define TOP (POSITION + 1)

struct place {
	uint64_t start;
	size_t cells;
};

/* Before, at and after the wrap of 32 bits and of the 62 that positions have. */
static struct place places[] = {
	{ 0, 2 },
	{ 0, 4 },
	{ 0, 64 },
	{ 1, 2 },
	{ 3, 4 },
	{ 5, 8 },
	{ (UINT64_C(1) << 32) - 1, 2 },
	{ (UINT64_C(1) << 32) - 3, 4 },
	{ UINT64_C(1) << 32, 8 },
	{ (UINT64_C(1) << 32) - 64, 64 },
	{ TOP - 1, 2 },
	{ TOP - 2, 2 },
	{ TOP - 3, 4 },
	{ TOP - 4, 4 },
	{ TOP - 7, 8 },
	{ TOP - 13, 8 },
	{ TOP - 64, 64 },
	{ TOP - 100, 64 },
};
#define EVERYWHERE(name) \
	ParameterizedTestParameters(ring, name) \
	{ \
		return cr_make_param_array(struct place, places, \
			sizeof(places) / sizeof(places[0])); \
	} \
	ParameterizedTest(struct place *place, ring, name)

static struct ring ring;

/* One in which a single message always fits, and a claim may be of all
 * cells. */
static void given_ring_with(const struct place *place, unsigned int flags)
{
	assert_same(ring_init(&ring, place->cells, place->cells - 1, place->start, flags), 0);
	ring.claim_max = place->cells;
}

static void given_ring(const struct place *place)
{
	given_ring_with(place, 0);
}

static struct magring_message numbered(uint64_t number)
{
	struct magring_message message = { .private_header = number + 1 };
	for (int i = 0; i < 6; i++)
		message.private_body[i] = number * 6 + (uint64_t)i;
	return message;
}

static void check_number(const struct magring_message *message, uint64_t number)
{
	struct magring_message wanted = numbered(number);
	cr_assert_arr_eq(message, &wanted, sizeof(wanted), "message %llu is another one",
		(unsigned long long)number);
}

static void push(uint64_t number)
{
	struct magring_message message = numbered(number);
	assert_same(ring_push(&ring, &message), 1);
}

static void pop(uint64_t number)
{
	struct magring_message message;
	assert_same(ring_pop(&ring, &message), 1);
	check_number(&message, number);
}

static void check_refuses_push(int wanted)
{
	struct magring_message messages[2] = { numbered(0), numbered(1) };
	assert_same(ring_push(&ring, messages), wanted);
	assert_same(ring_push_batch(&ring, messages, 2), wanted);
	cr_assert_eq(ring_may_push(&ring), wanted != -EAGAIN);
}

static void check_refuses_pop(int wanted)
{
	struct magring_message messages[2], before[2];
	memset(messages, 0x5a, sizeof(messages));
	memcpy(before, messages, sizeof(messages));
	assert_same(ring_pop(&ring, messages), wanted);
	assert_same(ring_pop_batch(&ring, messages, 2), wanted);
	cr_assert_eq(ring_may_pop(&ring), wanted != -EAGAIN);
	cr_assert_arr_eq(messages, before, sizeof(messages));
}

static void check_counts(uint64_t sent, uint64_t received, bool closed)
{
	struct ring_counts counts = ring_counts(&ring);
	assert_same(counts.sent - counts.returned, sent);
	assert_same(counts.received - counts.returned, received);
	assert_same(ring_size(&ring), sent - received);
	assert_same(counts.closed, closed);
}

EVERYWHERE(a_new_one_is_empty)
{
	given_ring(place);
	assert_same(ring_cells(&ring), place->cells);
	assert_same(ring_capacity(&ring), 1);
	check_counts(0, 0, false);
	check_refuses_pop(-EAGAIN);
	cr_assert(ring_may_push(&ring));
	ring_fini(&ring);
}

EVERYWHERE(takes_as_many_as_it_has_cells_and_no_more)
{
	given_ring(place);
	for (uint64_t lap = 0; lap < 3; lap++) {
		for (uint64_t i = 0; i < place->cells; i++) {
			cr_assert(ring_may_push(&ring));
			push(i);
			check_counts(lap * place->cells + i + 1, lap * place->cells, false);
		}
		check_refuses_push(-EAGAIN);
		for (uint64_t i = 0; i < place->cells; i++) {
			cr_assert(ring_may_pop(&ring));
			pop(i);
		}
		check_refuses_pop(-EAGAIN);
	}
	ring_fini(&ring);
}

EVERYWHERE(gives_out_in_the_order_of_putting_in_lap_after_lap)
{
	given_ring(place);
	uint64_t sent = 0, received = 0;
	/* Every distance from 1 to all cells, over the wrap of the
	 * positions. */
	for (uint64_t distance = 1; distance <= place->cells; distance++)
		for (uint64_t i = 0; i < 3 * place->cells; i++) {
			while (sent - received < distance)
				push(sent++);
			pop(received++);
		}
	while (received < sent)
		pop(received++);
	check_counts(sent, sent, false);
	check_refuses_pop(-EAGAIN);
	ring_fini(&ring);
}

EVERYWHERE(batches_keep_their_order_over_the_wrap)
{
	given_ring(place);
	struct magring_message messages[64], received[64];
	uint64_t sent = 0;
	for (size_t size = 1; size <= place->cells; size++)
		for (int lap = 0; lap < 5; lap++) {
			for (size_t i = 0; i < size; i++)
				messages[i] = numbered(sent + i);
			assert_same(ring_push_batch(&ring, messages, size), size);
			assert_same(ring_pop_batch(&ring, received, size), size);
			for (size_t i = 0; i < size; i++)
				check_number(&received[i], sent + i);
			sent += size;
		}
	check_counts(sent, sent, false);
	ring_fini(&ring);
}

EVERYWHERE(of_a_batch_larger_than_the_room_the_first_go)
{
	given_ring(place);
	struct magring_message messages[130], received[130];
	for (size_t i = 0; i < 130; i++)
		messages[i] = numbered(i);
	for (size_t before = 0; before < place->cells; before++) {
		for (size_t i = 0; i < before; i++)
			push(1000 + i);
		assert_same(ring_push_batch(&ring, messages, 130), place->cells - before);
		check_refuses_push(-EAGAIN);
		for (size_t i = 0; i < before; i++)
			pop(1000 + i);
		assert_same(ring_pop_batch(&ring, received, 130), place->cells - before);
		for (size_t i = 0; i < place->cells - before; i++)
			check_number(&received[i], i);
		check_refuses_pop(-EAGAIN);
	}
	ring_fini(&ring);
}

EVERYWHERE(of_fewer_than_a_receivers_batch_all_come)
{
	given_ring(place);
	struct magring_message received[64];
	push(7);
	assert_same(ring_pop_batch(&ring, received, 64), 1);
	check_number(&received[0], 7);
	check_refuses_pop(-EAGAIN);
	ring_fini(&ring);
}

EVERYWHERE(a_closed_one_takes_nothing_and_gives_all_it_has)
{
	for (uint64_t left = 0; left <= place->cells; left++) {
		given_ring(place);
		for (uint64_t i = 0; i < left; i++)
			push(i);
		ring_close(&ring);
		check_counts(left, 0, true);
		check_refuses_push(-EPIPE);
		for (uint64_t i = 0; i < left; i++) {
			cr_assert(ring_may_pop(&ring));
			pop(i);
		}
		check_refuses_pop(-EPIPE);
		check_refuses_push(-EPIPE);
		check_counts(left, left, true);
		ring_fini(&ring);
	}
}

EVERYWHERE(close_twice_changes_nothing)
{
	given_ring(place);
	push(1);
	ring_close(&ring);
	ring_close(&ring);
	check_counts(1, 0, true);
	pop(1);
	check_refuses_pop(-EPIPE);
	ring_fini(&ring);
}

EVERYWHERE(may_be_closed_at_any_position_of_the_wrap)
{
	struct magring_message received[8];
	for (uint64_t passed = 0; passed < 2 * place->cells; passed++) {
		given_ring(place);
		for (uint64_t i = 0; i < passed; i++) {
			push(i);
			pop(i);
		}
		push(passed);
		ring_close(&ring);
		check_refuses_push(-EPIPE);
		assert_same(ring_pop_batch(&ring, received, 8), 1);
		check_number(&received[0], passed);
		check_refuses_pop(-EPIPE);
		check_counts(passed + 1, passed + 1, true);
		ring_fini(&ring);
	}
}

static void check_stopped(uint64_t challenges, uint64_t quarantined, uint64_t unresolved)
{
	struct ring_counts counts = ring_counts(&ring);
	assert_same(counts.challenged, challenges);
	assert_same(counts.quarantined, quarantined);
	assert_same(ring_peek_unresolved(&ring), unresolved);
}

/* --------------------------------------------------- calls that need not be sure -- */

EVERYWHERE(who_need_not_be_sure_sends_and_receives_what_is_ready)
{
	for (unsigned int flags = 0;
		flags <= (RING_EXCLUSIVE_SENDER | RING_EXCLUSIVE_RECEIVER | RING_FETCHES);
		flags++) {
		struct magring_message messages[130], received[130];
		size_t cells = place->cells;
		for (uint64_t i = 0; i < 130; i++)
			messages[i] = numbered(i);
		given_ring_with(place, flags);
		assert_same(ring_try_pop(&ring, received, TRY), -EAGAIN);
		assert_same(ring_try_pop_batch(&ring, received, 130, TRY), -EAGAIN);
		for (uint64_t i = 0; i < cells; i++)
			assert_same(ring_try_push(&ring, &messages[i], TRY), 1);
		assert_same(ring_try_push(&ring, messages, TRY), -EAGAIN);
		assert_same(ring_try_push_batch(&ring, messages, 130, TRY), -EAGAIN);
		for (uint64_t i = 0; i < cells; i++) {
			assert_same(ring_try_pop(&ring, received, TRY), 1);
			check_number(received, i);
		}
		assert_same(ring_try_push_batch(&ring, messages, 130, TRY), cells);
		ring_close(&ring);
		assert_same(ring_try_push(&ring, messages, TRY), -EPIPE);
		assert_same(ring_try_push_batch(&ring, messages, 130, TRY), -EPIPE);
		assert_same(ring_try_pop_batch(&ring, received, 130, TRY), cells);
		for (uint64_t i = 0; i < cells; i++)
			check_number(&received[i], i);
		assert_same(ring_try_pop(&ring, received, TRY), -EAGAIN);
		check_refuses_pop(-EPIPE);
		check_stopped(0, 0, 0);
		ring_fini(&ring);
	}
}

EVERYWHERE(who_need_not_be_sure_leaves_stopped_threads_to_others)
{
	struct magring_message message = numbered(0);
	given_ring(place);
	uint64_t sender = ring_peek_claim_push(&ring);
	push(1);
	assert_same(ring_try_pop(&ring, &message, TRY), -EAGAIN);
	check_stopped(0, 0, 0);
	pop(1);
	cr_assert(!ring_peek_finish_push(&ring, sender, &message));
	push(2);
	uint64_t receiver = ring_peek_claim_pop(&ring);
	while (ring_push(&ring, &message) == 1)
		;
	struct ring_counts before = ring_counts(&ring);
	assert_same(ring_try_push(&ring, &message, TRY), -EAGAIN);
	assert_same(ring_counts(&ring).challenged, before.challenged);
	ring_peek_finish_pop(&ring, receiver, &message);
	check_number(&message, 2);
	ring_fini(&ring);
}

EVERYWHERE(tells_how_far_it_is_and_which_cells_are_ready)
{
	given_ring(place);
	for (uint64_t filled = 0; filled <= place->cells; filled++) {
		for (size_t distance = 0; distance < 2 * place->cells; distance++) {
			cr_assert_eq(ring_ready(&ring, distance, RECEIVER), distance < filled);
			cr_assert_eq(ring_ready(&ring, distance, SENDER),
				distance < place->cells - filled);
		}
		assert_same(ring_position(&ring, RECEIVER), place->start);
		assert_same(ring_position(&ring, SENDER), (place->start + filled) & POSITION);
		if (filled < place->cells)
			push(filled);
	}
	ring_fini(&ring);
}

/* ------------------------------------------------- sides that are one thread's -- */

/* One with a declared sender; false where there are none, for lack of asymmetric fences. */
static bool given_ring_of_one_sender(const struct place *place)
{
	given_ring_with(place, RING_EXCLUSIVE_SENDER);
	if (fence_asymmetric)
		return true;
	ring_fini(&ring);
	return false;
}

EVERYWHERE(a_side_to_itself_does_what_any_side_does)
{
	for (unsigned int exclusive = 1;
		exclusive <= (RING_EXCLUSIVE_SENDER | RING_EXCLUSIVE_RECEIVER); exclusive++) {
		struct magring_message messages[130], received[130];
		size_t cells = place->cells;
		given_ring_with(place, exclusive);
		check_refuses_pop(-EAGAIN);
		for (uint64_t lap = 0; lap < 3; lap++) {
			for (uint64_t i = 0; i < cells; i++)
				push(i);
			check_refuses_push(-EAGAIN);
			check_counts(2 * lap * cells + cells, 2 * lap * cells, false);
			for (uint64_t i = 0; i < cells; i++)
				pop(i);
			check_refuses_pop(-EAGAIN);
			for (uint64_t i = 0; i < 130; i++)
				messages[i] = numbered(i);
			assert_same(ring_push_batch(&ring, messages, 130), cells);
			assert_same(ring_pop_batch(&ring, received, 130), cells);
			for (uint64_t i = 0; i < cells; i++)
				check_number(&received[i], i);
		}
		push(7);
		ring_close(&ring);
		ring_close(&ring);
		check_refuses_push(-EPIPE);
		cr_assert(ring_may_push(&ring) && ring_may_pop(&ring));
		pop(7);
		check_refuses_pop(-EPIPE);
		check_refuses_push(-EPIPE);
		check_counts(6 * cells + 1, 6 * cells + 1, true);
		assert_same(ring_peek_unresolved(&ring), 0);
		ring_fini(&ring);
	}
}

EVERYWHERE(a_declared_sender_goes_past_a_receiver_that_stopped_in_the_middle)
{
	struct magring_message message;
	given_ring_with(place, RING_EXCLUSIVE_SENDER);
	push(0);
	push(1);
	uint64_t claimed = ring_peek_claim_pop(&ring);
	pop(1);
	for (uint64_t i = 2; i < place->cells; i++)
		push(i);
	push(place->cells);
	assert_same(ring_peek_unresolved(&ring), 1);
	for (uint64_t i = 2; i <= place->cells; i++)
		pop(i);
	cr_assert(!ring_peek_finish_pop(&ring, claimed, &message));
	check_number(&message, 0);
	ring_close(&ring);
	check_refuses_pop(-EPIPE);
	check_refuses_push(-EPIPE);
	check_counts(place->cells + 1, place->cells + 1, true);
	assert_same(ring_peek_unresolved(&ring), 0);
	ring_fini(&ring);
}

EVERYWHERE(what_a_declared_sender_has_claimed_before_close_is_received_or_skipped)
{
	for (int comes_in_time = 0; comes_in_time < 2; comes_in_time++) {
		struct magring_message message = numbered(0);
		if (!given_ring_of_one_sender(place))
			return;
		uint64_t claimed = ring_peek_claim_push(&ring);
		ring_close(&ring);
		/* As the sender, which has not looked yet. */
		if (comes_in_time) {
			cr_assert(closing(&ring) && close_counts(&ring, advance(claimed, 1)));
			cr_assert(ring_peek_finish_push(&ring, claimed, &message));
			pop(0);
		} else {
			check_refuses_pop(-EPIPE);
			cr_assert(closing(&ring) && close_counts(&ring, advance(claimed, 1)));
			cr_assert(!ring_peek_finish_push(&ring, claimed, &message));
		}
		check_refuses_push(-EPIPE);
		check_refuses_pop(-EPIPE);
		check_counts((uint64_t)comes_in_time, (uint64_t)comes_in_time, true);
		assert_same(ring_peek_unresolved(&ring), 0);
		ring_fini(&ring);
	}
}

EVERYWHERE(what_a_declared_sender_claims_after_close_is_not_claimed)
{
	for (uint64_t count = 1; count <= 2; count++) {
		if (!given_ring_of_one_sender(place))
			return;
		push(0);
		ring_close(&ring);
		/* As a sender that had looked before. */
		uint64_t claimed = ring_peek_claim_push(&ring);
		if (count == 2)
			ring_peek_claim_push(&ring);
		check_counts(1, 0, true);
		pop(0);
		check_refuses_pop(-EPIPE);
		cr_assert(closing(&ring) && !close_counts(&ring, advance(claimed, count)));
		check_counts(1, 1, true);
		check_refuses_push(-EPIPE);
		check_refuses_pop(-EPIPE);
		check_counts(1, 1, true);
		check_stopped(0, 0, 0);
		ring_fini(&ring);
	}
}

EVERYWHERE(nobody_waits_for_who_closes_a_ring_with_a_declared_sender)
{
	enum { RECEIVER_COMES, BATCH_COMES, SEND_COMES, CASES };
	for (int comes = 0; comes < CASES; comes++) {
		struct magring_message messages[2] = { numbered(1), numbered(2) };
		if (!given_ring_of_one_sender(place))
			return;
		push(0);
		atomic_store_explicit(&ring.end, CLOSING, memory_order_release); /* and stops */
		cr_assert(ring_may_push(&ring) && ring_may_pop(&ring));
		cr_assert(ring_counts(&ring).closed);
		if (comes == BATCH_COMES)
			assert_same(ring_push_batch(&ring, messages, 2), -EPIPE);
		if (comes ==
			SEND_COMES) /* it has claimed when it finds out, and says that this counts */
			push(1);
		pop(0);
		if (comes == SEND_COMES)
			pop(1);
		check_refuses_pop(-EPIPE);
		check_refuses_push(-EPIPE);
		ring_close(&ring); /* goes on */
		check_refuses_pop(-EPIPE);
		check_refuses_push(-EPIPE);
		check_counts(1 + (comes == SEND_COMES), 1 + (comes == SEND_COMES), true);
		ring_fini(&ring);
	}
}

/* ------------------------------------- threads between claim and store, taken apart -- */

/* Every cell is in use: the ring, empty now, fills up; lap after lap. */
static void check_all_cells(const struct place *place)
{
	for (int lap = 0; lap < 3; lap++) {
		for (uint64_t i = 0; i < place->cells; i++)
			push(i);
		check_refuses_push(-EAGAIN);
		for (uint64_t i = 0; i < place->cells; i++)
			pop(i);
		check_refuses_pop(-EAGAIN);
	}
}

EVERYWHERE(nobody_is_asked_where_nothing_is_behind)
{
	struct magring_message message = numbered(0);
	given_ring(place);
	uint64_t claimed = ring_peek_claim_push(&ring);
	check_refuses_pop(-EAGAIN);
	check_counts(1, 0, false);
	check_stopped(0, 0, 0);
	cr_assert(ring_peek_finish_push(&ring, claimed, &message));
	pop(0);
	for (uint64_t i = 0; i < place->cells; i++)
		push(i);
	claimed = ring_peek_claim_pop(&ring);
	check_refuses_push(-EAGAIN);
	cr_assert(ring_peek_finish_pop(&ring, claimed, &message));
	check_number(&message, 0);
	check_stopped(0, 0, 0);
	for (uint64_t i = 1; i < place->cells; i++)
		pop(i);
	check_all_cells(place);
	ring_fini(&ring);
}

EVERYWHERE(a_receiver_goes_past_a_sender_that_stopped_in_the_middle)
{
	struct magring_message message = numbered(0);
	given_ring(place);
	uint64_t claimed = ring_peek_claim_push(&ring);
	push(1);
	cr_assert(ring_may_pop(&ring));
	pop(1);
	check_refuses_pop(-EAGAIN);
	check_counts(1, 1, false);
	check_stopped(1, 1, 1);
	/* It costs one cell, in every lap. */
	for (uint64_t lap = 0; lap < 3; lap++) {
		for (uint64_t i = 1; i < place->cells; i++)
			push(i);
		check_refuses_push(-EAGAIN);
		for (uint64_t i = 1; i < place->cells; i++)
			pop(i);
		check_refuses_pop(-EAGAIN);
	}
	check_stopped(1, 1, 1);
	check_counts(1 + 3 * (place->cells - 1), 1 + 3 * (place->cells - 1), false);
	cr_assert_not(ring_peek_finish_push(&ring, claimed, &message), "skipped and delivered");
	check_stopped(1, 1, 0);
	check_refuses_pop(-EAGAIN);
	check_all_cells(place);
	ring_fini(&ring);
}

EVERYWHERE(a_sender_goes_past_a_receiver_that_stopped_in_the_middle)
{
	struct magring_message message;
	given_ring(place);
	for (uint64_t i = 0; i < place->cells; i++)
		push(i);
	uint64_t claimed = ring_peek_claim_pop(&ring);
	for (uint64_t i = 1; i < place->cells; i++)
		pop(i);
	for (uint64_t lap = 0; lap < 3; lap++) {
		for (uint64_t i = 1; i < place->cells; i++) {
			cr_assert(ring_may_push(&ring));
			push(100 + i);
		}
		check_refuses_push(-EAGAIN);
		for (uint64_t i = 1; i < place->cells; i++)
			pop(100 + i);
		check_refuses_pop(-EAGAIN);
	}
	check_stopped(1, 1, 1);
	cr_assert_not(ring_peek_finish_pop(&ring, claimed, &message));
	check_number(&message, 0);
	check_stopped(1, 1, 0);
	uint64_t moved = place->cells + 3 * (place->cells - 1);
	check_counts(moved, moved, false);
	check_all_cells(place);
	ring_fini(&ring);
}

/* From the return of a cell on no position is skipped: the cell is used the
 * next time that it is its turn. */
static void check_in_use_again(const struct place *place)
{
	uint64_t cells = place->cells, tail = atomic_load(&ring.tail);
	uint64_t quarantined = ring_counts(&ring).quarantined;
	check_refuses_pop(-EAGAIN);
	for (uint64_t i = 0; i < cells; i++)
		push(i);
	check_refuses_push(-EAGAIN);
	assert_same(ahead(atomic_load(&ring.tail), tail), cells);
	for (uint64_t i = 0; i < cells; i++)
		pop(i);
	assert_same(ring_counts(&ring).quarantined, quarantined);
}

EVERYWHERE(the_cell_of_a_stopped_sender_is_in_use_within_a_lap_of_its_return)
{
	for (uint64_t before = 0; before <= 2 * place->cells; before++) {
		struct magring_message message = numbered(0);
		given_ring(place);
		uint64_t claimed = ring_peek_claim_push(&ring);
		push(1);
		pop(1);
		for (uint64_t i = 0; i < before; i++) {
			push(2);
			pop(2);
		}
		cr_assert_not(ring_peek_finish_push(&ring, claimed, &message));
		check_in_use_again(place);
		ring_fini(&ring);
	}
}

EVERYWHERE(the_cell_of_a_stopped_receiver_is_in_use_within_a_lap_of_its_return)
{
	for (uint64_t before = 0; before <= 2 * place->cells; before++) {
		struct magring_message message;
		given_ring(place);
		for (uint64_t i = 0; i < place->cells; i++)
			push(i);
		uint64_t claimed = ring_peek_claim_pop(&ring);
		for (uint64_t i = 1; i < place->cells; i++)
			pop(i);
		for (uint64_t i = 0; i <= before; i++) {
			push(2);
			pop(2);
		}
		cr_assert_not(ring_peek_finish_pop(&ring, claimed, &message));
		check_number(&message, 0);
		check_in_use_again(place);
		ring_fini(&ring);
	}
}

EVERYWHERE(the_end_of_a_closed_one_is_not_behind_a_stopped_sender)
{
	struct magring_message message = numbered(0);
	given_ring(place);
	uint64_t claimed = ring_peek_claim_push(&ring);
	ring_close(&ring);
	check_refuses_pop(-EPIPE);
	check_refuses_push(-EPIPE);
	cr_assert_not(ring_peek_finish_push(&ring, claimed, &message));
	check_refuses_pop(-EPIPE);
	check_counts(0, 0, true);
	check_stopped(1, 1, 0);
	ring_fini(&ring);
}

/* All cells but one are held up at once and given back, in either order. */
EVERYWHERE(all_but_one_cell_may_be_held_up)
{
	size_t stopped = place->cells - 1;
	uint64_t claimed[64];
	struct magring_message message = numbered(0);
	for (int kind = 0; kind < 4; kind++) {
		bool senders = kind & 1, backwards = kind & 2;
		given_ring(place);
		for (size_t i = 0; i < stopped && !senders; i++)
			push(0);
		for (size_t i = 0; i < stopped; i++)
			claimed[i] =
				senders ? ring_peek_claim_push(&ring) : ring_peek_claim_pop(&ring);
		for (uint64_t i = 0; i < 3 * place->cells; i++) {
			push(i);
			check_refuses_push(-EAGAIN);
			pop(i);
			check_refuses_pop(-EAGAIN);
		}
		check_stopped(stopped, stopped, stopped);
		for (size_t i = 0; i < stopped; i++) {
			size_t which = backwards ? stopped - 1 - i : i;
			cr_assert_not(senders
					? ring_peek_finish_push(&ring, claimed[which], &message)
					: ring_peek_finish_pop(&ring, claimed[which], &message));
			check_number(&message, 0);
			check_refuses_pop(-EAGAIN);
		}
		check_stopped(stopped, stopped, 0);
		check_all_cells(place);
		ring_fini(&ring);
	}
}

Test(ring, of_2_to_the_24_messages_works_over_the_end_of_a_lap)
{
	uint64_t capacity = UINT64_C(1) << 24;
	assert_same(ring_init(&ring, capacity, capacity / 2, 0, 0), 0);
	assert_same(ring_cells(&ring), 1 << 24);
	assert_same(ring_capacity(&ring), 1 << 23);
	push(0);
	pop(0);
	/* As if a lap but three had passed; only cells that are used get memory. */
	atomic_store(&ring.tail, capacity - 3);
	atomic_store(&ring.head, capacity - 3);
	for (uint64_t i = 0; i < 3; i++)
		atomic_store(&ring.cells[i].state, 2);
	for (uint64_t i = 0; i < 6; i++)
		push(i);
	assert_same(atomic_load(&ring.tail), capacity + 3);
	for (uint64_t i = 0; i < 6; i++)
		pop(i);
	check_refuses_pop(-EAGAIN);
	ring_fini(&ring);
}

Test(ring, more_memory_than_there_is_is_refused)
{
	assert_same(ring_init(&ring, (size_t)1 << 50, (size_t)1 << 49, 0, 0), -ENOMEM);
}

/* --------------------------------------------------------------- threads -- */

enum { SENDERS = 2, RECEIVERS = 2, EACH = 30000 };

struct worker {
	pthread_t thread;
	uint64_t number;
	size_t failed;
	size_t received;
	unsigned char *seen; /* how often each message was received */
};

static void *send_numbers(void *argument)
{
	struct worker *worker = argument;
	for (uint64_t i = 0; i < EACH;) {
		struct magring_message messages[5];
		size_t count = i % 5 + 1 < EACH - i ? i % 5 + 1 : EACH - i;
		for (size_t j = 0; j < count; j++)
			messages[j] = numbered(worker->number * EACH + i + j);
		int sent = count == 1 ? ring_push(&ring, messages)
				      : ring_push_batch(&ring, messages, count);
		if (sent > 0)
			i += (uint64_t)sent;
		else
			sched_yield();
		worker->failed += sent < 0 && sent != -EAGAIN;
	}
	return NULL;
}

static void *receive_numbers(void *argument)
{
	struct worker *worker = argument;
	uint64_t last[SENDERS] = { 0 };
	struct magring_message messages[7];
	for (;;) {
		size_t want = worker->received % 7 + 1;
		int count = want == 1 ? ring_pop(&ring, messages)
				      : ring_pop_batch(&ring, messages, want);
		if (count == -EPIPE)
			return NULL;
		if (count == -EAGAIN)
			sched_yield();
		for (int i = 0; i < count; i++) {
			uint64_t number = messages[i].private_header - 1;
			struct magring_message wanted = numbered(number);
			if (number >= SENDERS * EACH ||
				memcmp(&messages[i], &wanted, sizeof(wanted)) != 0) {
				worker->failed++;
				continue;
			}
			/* One sender's messages come in order. */
			worker->failed += number % EACH + 1 <= last[number / EACH];
			last[number / EACH] = number % EACH + 1;
			worker->seen[number]++;
			worker->received++;
		}
	}
}

EVERYWHERE(between_threads_each_message_comes_once_whole_and_in_order)
{
	struct worker senders[SENDERS], receivers[RECEIVERS];
	size_t received = 0;
	given_ring(place);
	for (uint64_t i = 0; i < RECEIVERS; i++) {
		receivers[i] = (struct worker){ .number = i, .seen = calloc(SENDERS, EACH) };
		receivers[i].thread = given_thread(receive_numbers, &receivers[i]);
	}
	for (uint64_t i = 0; i < SENDERS; i++) {
		senders[i] = (struct worker){ .number = i };
		senders[i].thread = given_thread(send_numbers, &senders[i]);
	}
	for (int i = 0; i < SENDERS; i++) {
		joined(senders[i].thread);
		assert_same(senders[i].failed, 0);
	}
	ring_close(&ring);
	for (int i = 0; i < RECEIVERS; i++) {
		joined(receivers[i].thread);
		assert_same(receivers[i].failed, 0);
		received += receivers[i].received;
	}
	assert_same(received, SENDERS * EACH);
	for (size_t i = 0; i < SENDERS * EACH; i++)
		assert_same(receivers[0].seen[i] + receivers[1].seen[i], 1);
	check_counts(SENDERS * EACH, SENDERS * EACH, true);
	for (int i = 0; i < RECEIVERS; i++)
		free(receivers[i].seen);
	ring_fini(&ring);
}
