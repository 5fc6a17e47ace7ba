/* SPDX-License-Identifier: MIT */
/* lib/queue/spacing.c: who keeps away from the other side, and when it gives that up. */
#include "given.h"

#include <criterion/parameterized.h>

#include "queue/spacing.h"
#include "queue/ring_peek.h"

/* What is promised there. */
enum { CAPACITY = 1024, CLOSE = 128, SKIPS_MAX = 255, IN_A_ROW = 8 };

static uint64_t starts[] = { 0, 1024, POSITION + 1 - 64, POSITION + 1 - 1024, POSITION + 1 - 640 };
#define ANYWHERE(name) \
	ParameterizedTestParameters(apart, name) \
	{ \
		return cr_make_param_array(uint64_t, starts, sizeof(starts) / sizeof(starts[0])); \
	} \
	ParameterizedTest(uint64_t *start, apart, name)

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

static bool wanted_at_first(bool full)
{
	struct spacing apart = { 0 };
	return spacing_is_due(&apart, &ring, full);
}

ANYWHERE(a_receiver_keeps_away_while_no_more_than_128_messages_are_there)
{
	given_ring(CAPACITY, *start);
	for (size_t there = 0; there < CAPACITY; there++, push(1))
		assert_same(wanted_at_first(true), there <= CLOSE);
	ring_fini(&ring);
}

Test(apart, a_small_ring_is_left_alone)
{
	given_ring(CAPACITY / 2, 0);
	cr_assert(!wanted_at_first(true));
	ring_fini(&ring);
}

/* A sender's looks, one each SPACING_EVERY positions, as receivers come along. */
static bool look_and_go_on(struct spacing *apart)
{
	bool wanted = spacing_is_due(apart, &ring, false);
	pop(SPACING_EVERY);
	push(SPACING_EVERY);
	return wanted;
}

ANYWHERE(a_sender_keeps_away_the_eighth_time_in_a_row)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < 3 * IN_A_ROW; i++)
		assert_same(look_and_go_on(&apart), i >= IN_A_ROW);
	ring_fini(&ring);
}

ANYWHERE(a_sender_among_others_begins_to_count_anew)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	pop(SPACING_EVERY);
	push(SPACING_EVERY); /* another thread's look */
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	cr_assert(look_and_go_on(&apart));
	ring_fini(&ring);
}

ANYWHERE(a_sender_with_room_goes_on)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE - 1);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	ring_fini(&ring);
}

Test(apart, a_sender_to_a_closed_ring_goes_on)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, 0);
	push(CAPACITY - CLOSE);
	ring_close(&ring);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!spacing_is_due(&apart, &ring, false));
	ring_fini(&ring);
}

/* A dialogue, or a side that is not there. */
Test(apart, what_does_not_pay_is_tried_ever_more_seldom)
{
	enum { LOOKS = 100000 };
	struct spacing apart = { 0 };
	size_t times = 0;
	given_ring(CAPACITY, 0);
	push(CLOSE);
	for (size_t i = 0; i < LOOKS; i++) {
		if (spacing_is_due(&apart, &ring, true)) {
			times++;
			spacing_learn(&apart, &ring, true);
		}
	}
	cr_assert_gt(times, LOOKS / (SKIPS_MAX + 1), "it gives up for good");
	cr_assert_lt(times, LOOKS / (SKIPS_MAX + 1) + 10, "%zu times", times);
	ring_fini(&ring);
}

ANYWHERE(what_has_paid_is_done_each_time)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, *start);
	for (int i = 0; i < 1000; i++)
		if (spacing_is_due(&apart, &ring, true))
			spacing_learn(&apart, &ring, true);
	int looks = 1;
	while (!spacing_is_due(&apart, &ring, true))
		cr_assert_leq(looks++, SKIPS_MAX);
	push(2 * CLOSE + 1);
	spacing_learn(&apart, &ring, true);
	pop(2 * CLOSE + 1);
	for (int i = 0; i < 10; i++) {
		cr_assert(spacing_is_due(&apart, &ring, true));
		push(2 * CLOSE + 1);
		spacing_learn(&apart, &ring, true);
		pop(2 * CLOSE + 1);
	}
	ring_fini(&ring);
}

Test(apart, what_brings_less_has_not_paid)
{
	struct spacing apart = { 0 };
	given_ring(CAPACITY, 0);
	cr_assert(spacing_is_due(&apart, &ring, true));
	push(2 * CLOSE);
	spacing_learn(&apart, &ring, true);
	pop(2 * CLOSE);
	cr_assert(!spacing_is_due(&apart, &ring, true));
	cr_assert(spacing_is_due(&apart, &ring, true));
	ring_fini(&ring);
}
