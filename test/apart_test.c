/* SPDX-License-Identifier: MIT */
/* lib/apart.c: who keeps away from the other side, and when it gives that up. */
#include "given.h"

#include <criterion/parameterized.h>

#include "apart.h"
#include "ring_peek.h"

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
	struct apart apart = { 0 };
	return apart_wanted(&apart, &ring, full);
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

/* A sender's looks, one each APART_EVERY positions, as receivers come along. */
static bool look_and_go_on(struct apart *apart)
{
	bool wanted = apart_wanted(apart, &ring, false);
	pop(APART_EVERY);
	push(APART_EVERY);
	return wanted;
}

ANYWHERE(a_sender_keeps_away_the_eighth_time_in_a_row)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < 3 * IN_A_ROW; i++)
		assert_same(look_and_go_on(&apart), i >= IN_A_ROW);
	ring_fini(&ring);
}

ANYWHERE(a_sender_among_others_begins_to_count_anew)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE);
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	pop(APART_EVERY);
	push(APART_EVERY); /* another thread's look */
	for (int i = 1; i < IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	cr_assert(look_and_go_on(&apart));
	ring_fini(&ring);
}

ANYWHERE(a_sender_with_room_goes_on)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, *start);
	push(CAPACITY - CLOSE - 1);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!look_and_go_on(&apart));
	ring_fini(&ring);
}

Test(apart, a_sender_to_a_closed_ring_goes_on)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, 0);
	push(CAPACITY - CLOSE);
	ring_close(&ring);
	for (int i = 0; i < 3 * IN_A_ROW; i++)
		cr_assert(!apart_wanted(&apart, &ring, false));
	ring_fini(&ring);
}

/* A dialogue, or a side that is not there. */
Test(apart, what_does_not_pay_is_tried_ever_more_seldom)
{
	enum { LOOKS = 100000 };
	struct apart apart = { 0 };
	size_t times = 0;
	given_ring(CAPACITY, 0);
	push(CLOSE);
	for (size_t i = 0; i < LOOKS; i++) {
		if (apart_wanted(&apart, &ring, true)) {
			times++;
			apart_learn(&apart, &ring, true);
		}
	}
	cr_assert_gt(times, LOOKS / (SKIPS_MAX + 1), "it gives up for good");
	cr_assert_lt(times, LOOKS / (SKIPS_MAX + 1) + 10, "%zu times", times);
	ring_fini(&ring);
}

ANYWHERE(what_has_paid_is_done_each_time)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, *start);
	for (int i = 0; i < 1000; i++)
		if (apart_wanted(&apart, &ring, true))
			apart_learn(&apart, &ring, true);
	int looks = 1;
	while (!apart_wanted(&apart, &ring, true))
		cr_assert_leq(looks++, SKIPS_MAX);
	push(2 * CLOSE + 1);
	apart_learn(&apart, &ring, true);
	pop(2 * CLOSE + 1);
	for (int i = 0; i < 10; i++) {
		cr_assert(apart_wanted(&apart, &ring, true));
		push(2 * CLOSE + 1);
		apart_learn(&apart, &ring, true);
		pop(2 * CLOSE + 1);
	}
	ring_fini(&ring);
}

Test(apart, what_brings_less_has_not_paid)
{
	struct apart apart = { 0 };
	given_ring(CAPACITY, 0);
	cr_assert(apart_wanted(&apart, &ring, true));
	push(2 * CLOSE);
	apart_learn(&apart, &ring, true);
	pop(2 * CLOSE);
	cr_assert(!apart_wanted(&apart, &ring, true));
	cr_assert(apart_wanted(&apart, &ring, true));
	ring_fini(&ring);
}
