/* SPDX-License-Identifier: MIT */
/* lib/pool/cooling.c: large slabs wait before they are used again. */
#include "given.h"
#include "pool/carve.h"
#include "pool/cooling.h"

/* Large, and ck_stack wants it aligned: not on the stack, not from malloc. */
static struct depot depot;

static void given_depot(size_t memory_limit)
{
	assert_same(depot_init(&depot, memory_limit, 64), 0);
}

/* 4 KiB slabs, 16 in a magazine, which so takes 16 places. */
enum { COOLING = 4096, MAGAZINE_PLACES = 16 };

static struct magazine *given_filled(size_t size)
{
	struct magazine *magazine = depot_take_filled(&depot, slab_class(size));
	cr_assert_not_null(magazine);
	return magazine;
}

Test(cooling, no_more_cools_than_a_cache_and_a_half_and_a_share_of_the_budget)
{
	given_depot((size_t)256 << 20);
	uint32_t places = depot.cooling.places;
	cr_assert(places >= 64 && places <= COOLING_PLACES);
	depot_fini(&depot);
	given_depot((size_t)1 << 20);
	assert_same(depot.cooling.places * COOLING_PLACE_BYTES, 65536);
	depot_fini(&depot);
	given_depot(65536);
	assert_same(depot.cooling.places, 1);
	depot_fini(&depot);
	given_depot(4096);
	assert_same(depot.cooling.places, 0);
	depot_fini(&depot);
}

Test(cooling, a_class_cools_if_its_slabs_are_large_and_a_magazine_has_room)
{
	static const struct {
		size_t size, places;
	} wanted[] = {
		{ 64, 0 },
		{ 1792, 0 },
		{ 2048, 8 },
		{ 2560, 10 },
		{ 4096, 16 },
		{ 16384, 64 },
		{ 65536, 64 },
		{ 4194304, 0 },
	};
	given_depot((size_t)256 << 20);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_same(depot.class[slab_class(wanted[i].size)].places, wanted[i].places);
	depot_fini(&depot);
	given_depot((size_t)1 << 20);
	assert_same(depot.class[slab_class(COOLING)].places, MAGAZINE_PLACES);
	assert_same(depot.class[slab_class(16384)].places, 0);
	depot_fini(&depot);
}

Test(cooling, a_small_slab_is_handed_on_at_once)
{
	given_depot((size_t)1 << 20);
	struct magazine *magazine = given_filled(1024);
	cooling_put(&depot, slab_class(1024), magazine);
	cr_assert_null(cooling_take(&depot, slab_class(1024)));
	cr_assert_eq(given_filled(1024), magazine);
	depot_fini(&depot);
}

Test(cooling, an_empty_magazine_does_not_cool)
{
	given_depot((size_t)1 << 20);
	struct magazine *magazine = depot_take_empty(&depot);
	cooling_put(&depot, slab_class(COOLING), magazine);
	cr_assert_null(cooling_take(&depot, slab_class(COOLING)));
	cr_assert_eq(depot_take_empty(&depot), magazine);
	depot_fini(&depot);
}

Test(cooling, what_cools_is_handed_on_in_order_when_as_much_has_come_after_it)
{
	unsigned int class = slab_class(COOLING);
	given_depot((size_t)4 << 20);
	uint32_t room = depot.cooling.places / MAGAZINE_PLACES;
	struct magazine *magazines[64];
	cr_assert(room >= 2 && 2 * room <= 64);
	for (uint32_t i = 0; i < 2 * room; i++)
		magazines[i] = given_filled(COOLING);
	while (tagged_stack_pop(&depot.class[class].filled.stack) != NULL)
		;
	for (uint32_t i = 0; i < room; i++) {
		cooling_put(&depot, class, magazines[i]);
		cr_assert(tagged_stack_is_empty(&depot.class[class].filled.stack));
	}
	for (uint32_t i = 0; i < room; i++) {
		cooling_put(&depot, class, magazines[room + i]);
		cr_assert_eq(tagged_stack_pop(&depot.class[class].filled.stack), magazines[i]);
		cr_assert(tagged_stack_is_empty(&depot.class[class].filled.stack));
	}
	for (uint32_t i = 0; i < room; i++)
		cr_assert_eq(cooling_take(&depot, class), magazines[room + i]);
	cr_assert_null(cooling_take(&depot, class));
	depot_fini(&depot);
}

Test(cooling, classes_move_each_other_to_their_own_stacks)
{
	given_depot((size_t)1 << 20);
	struct magazine *old[2] = { given_filled(2048), given_filled(2048) },
			*new = given_filled(COOLING);
	cooling_put(&depot, slab_class(2048), old[0]);
	cooling_put(&depot, slab_class(2048), old[1]);
	cr_assert_null(cooling_take(&depot, slab_class(COOLING)));
	cooling_put(&depot, slab_class(COOLING), new);
	cr_assert_null(cooling_take(&depot, slab_class(2048)));
	cr_assert_eq(tagged_stack_pop(&depot.class[slab_class(2048)].filled.stack), old[1]);
	cr_assert_eq(tagged_stack_pop(&depot.class[slab_class(2048)].filled.stack), old[0]);
	cr_assert_eq(cooling_take(&depot, slab_class(COOLING)), new);
	depot_fini(&depot);
}

Test(cooling, new_memory_is_carved_before_what_cools_is_taken_and_all_of_it_is_found)
{
	size_t sum = 0;
	unsigned int class = slab_class(COOLING);
	struct magazine *magazine;
	given_depot((size_t)1 << 20);
	unsigned char *seen = calloc(((size_t)1 << 20) / 64, 1);
	struct magazine *first = given_filled(COOLING);
	cooling_put(&depot, class, first);
	while ((magazine = depot_take_filled(&depot, class)) != NULL) {
		for (uint32_t i = 0; i < magazine->count; i++)
			assert_same(seen[magazine->round[i]]++, 0);
		sum += magazine->count;
		if (magazine == first)
			break;
		cr_assert_lt(sum, 256);
	}
	assert_same(sum, 256);
	cr_assert_null(depot_take_filled(&depot, class));
	free(seen);
	depot_fini(&depot);
}
