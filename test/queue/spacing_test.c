/* SPDX-License-Identifier: MIT */
/* lib/queue/spacing.c: when a thread backs off from the other side, and when it gives that up. */
#include "given.h"

#include <criterion/parameterized.h>

#include "queue/spacing.h"
#include "queue/ring_peek.h"

/* What is promised there. */
enum { CAPACITY = 1024, CLOSE = 128, SKIPS_MAX = 255, IN_A_ROW = 8 };

static uint64_t starts[] = { 0, 1024, POSITION + 1 - 64, POSITION + 1 - 1024, POSITION + 1 - 640 };
#define ANYWHERE(name) \
	ParameterizedTestParameters(spacing, name) \
	{ \
		return cr_make_param_array(uint64_t, starts, sizeof(starts) / sizeof(starts[0])); \
	} \
	ParameterizedTest(uint64_t *start, spacing, name)

static struct ring ring;

static void given_ring(size_t cells, uint64_t start)
{
	assert_same(ring_init(&ring, cells, cells / 2, start, 0), 0);
}

static void push(size_t count)
{
	const struct magring_message message = { .private_header = 1 };
	for (size_t i = 0; i < count; i++)
		assert_same(ring_push(&ring, &message), 1);
}

static void pop(size_t count)
{
	struct magring_message message;
	for (size_t i = 0; i < count; i++)
		assert_same(ring_pop(&ring, &message), 1);
}

static bool due_at_first(enum side side)
{
	struct spacing spacing = { 0 };
	return spacing_is_due(&spacing, &ring, side);
}

ANYWHERE(a_receiver_backs_off_while_no_more_than_128_messages_are_there)
{
	given_ring(CAPACITY, *start);
	for (size_t there = 0; there < CAPACITY; there++, push(1))
		assert_same(due_at_first(true), there <= CLOSE);
	ring_fini(&ring);
}

Test(spacing, a_small_ring_is_left_alone)
{
	given_ring(CAPACITY / 2, 0);
	cr_assert(!due_at_first(true));
	ring_fini(&ring);
}

/* A sender's checks, one each SPACING_EVERY positions, as receivers come along. */
static bool check_and_go_on(struct spacing *spacing)
{
	bool due = spacing_is_due(spacing, &ring, SENDER);
	pop(SPACING_EVERY);
	push(SPACING_EVERY);
	return due;
}

ANYWHERE(a_sender_backs_off_the_eighth_time_in_a_row)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < 3 * IN_A_ROW; i++)
		assert_same(check_and_go_on(&spacing), i >= IN_A_ROW);
	ring_fini(&ring);
}

ANYWHERE(a_sender_among_others_begins_to_count_anew)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!check_and_go_on(&spacing));
	pop(SPACING_EVERY);
	push(SPACING_EVERY); /* another thread's check */
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!check_and_go_on(&spacing));
	cr_assert(check_and_go_on(&spacing));
	ring_fini(&ring);
}

ANYWHERE(a_sender_with_room_goes_on)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE - 1);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!check_and_go_on(&spacing));
	ring_fini(&ring);
}

Test(spacing, a_sender_to_a_closed_ring_goes_on)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, 0);
	push(CAPACITY - CLOSE);
	ring_close(&ring);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!spacing_is_due(&spacing, &ring, SENDER));
	ring_fini(&ring);
}

/* A dialogue, or a side that is not there. */
Test(spacing, what_does_not_pay_is_tried_ever_more_seldom)
{
	enum { CHECKS = 100000 };
	struct spacing spacing = { 0 };
	size_t times = 0;
	given_ring(CAPACITY, 0);
	push(CLOSE);
	for (size_t i = 0; i < CHECKS; i++) {
		if (spacing_is_due(&spacing, &ring, RECEIVER)) {
			times++;
			spacing_learn(&spacing, &ring, RECEIVER);
		}
	}
	cr_assert_gt(times, CHECKS / (SKIPS_MAX + 1), "it gives up for good");
	cr_assert_lt(times, CHECKS / (SKIPS_MAX + 1) + 10, "%zu times", times);
	ring_fini(&ring);
}

ANYWHERE(what_has_paid_is_done_each_time)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, *start);
	for (int i = 0; i < 1000; i++)
		if (spacing_is_due(&spacing, &ring, RECEIVER))
			spacing_learn(&spacing, &ring, RECEIVER);
	int checks = 1;
	while (!spacing_is_due(&spacing, &ring, RECEIVER))
		cr_assert_leq(checks++, SKIPS_MAX);
	push(2 * CLOSE + 1);
	spacing_learn(&spacing, &ring, RECEIVER);
	pop(2 * CLOSE + 1);
	for (int i = 0; i < 10; i++) {
		cr_assert(spacing_is_due(&spacing, &ring, RECEIVER));
		push(2 * CLOSE + 1);
		spacing_learn(&spacing, &ring, RECEIVER);
		pop(2 * CLOSE + 1);
	}
	ring_fini(&ring);
}

Test(spacing, what_brings_less_has_not_paid)
{
	struct spacing spacing = { 0 };
	given_ring(CAPACITY, 0);
	cr_assert(spacing_is_due(&spacing, &ring, RECEIVER));
	push(2 * CLOSE);
	spacing_learn(&spacing, &ring, RECEIVER);
	pop(2 * CLOSE);
	cr_assert(!spacing_is_due(&spacing, &ring, RECEIVER));
	cr_assert(spacing_is_due(&spacing, &ring, RECEIVER));
	ring_fini(&ring);
}
