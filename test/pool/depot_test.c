/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/depot.c and carve.c: full and empty magazines, and where slabs come
 * from.
 */
#include "given.h"
#include "pool/carve.h"
#include "pool/cooling.h"

/* Large, and ck_stack wants it aligned: not on the stack, not from malloc. */
static struct depot depot;

static void given_depot(size_t memory_limit)
{
	assert_same(depot_init(&depot, memory_limit, 64), 0);
}

/* With the number of slabs that were carved for it. */
static struct magazine *take_filled(unsigned int class_index, size_t *ret_carved)
{
	uint64_t before = atomic_load(&depot.class[class_index].carved);
	struct magazine *magazine = depot_take_filled(&depot, class_index);
	*ret_carved = atomic_load(&depot.class[class_index].carved) - before;
	return magazine;
}

static bool take_round(unsigned int class_index, uint32_t *ret_round, size_t *ret_carved)
{
	uint64_t before = atomic_load(&depot.class[class_index].carved);
	bool got = depot_take_round(&depot, class_index, ret_round);
	*ret_carved = atomic_load(&depot.class[class_index].carved) - before;
	return got;
}

/* Take all the metadata: no magazine can be made any more. */
static void use_up_metadata(void)
{
	size_t offset;
	while (region_take(&depot.metadata, 256, 1 << 12, &offset) > 0)
		;
}

Test(depot, stacks_are_aligned_as_their_double_word_swap_needs)
{
	cr_assert_eq((uintptr_t)&depot.empty.stack % 16, 0);
	for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
		cr_assert_eq((uintptr_t)&depot.class[i].filled.stack % 16, 0);
		cr_assert_eq((uintptr_t)&depot.class[i].overflow.stack % 16, 0);
	}
}

Test(depot, rounds_become_fewer_as_slabs_become_larger)
{
	static const struct {
		size_t slab_size, rounds;
	} wanted[] = {
		{ 64, 60 },
		{ 512, 60 },
		{ 640, 51 },
		{ 1024, 32 },
		{ 2048, 16 },
		{ 4096, 16 },
		{ 16384, 16 },
		{ 32768, 8 },
		{ 65536, 4 },
		{ 262144, 1 },
		{ 327680, 1 },
	};
	given_depot((size_t)64 << 20);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_same(depot.class[slab_class(wanted[i].slab_size)].rounds, wanted[i].rounds);
	for (unsigned int i = 1; i < depot.classes; i++)
		cr_assert_leq(depot.class[i].rounds, depot.class[i - 1].rounds);
	depot_fini(&depot);
}

Test(depot, a_slab_and_its_round_name_each_other)
{
	given_depot((size_t)1 << 20);
	for (uint32_t round = 0; round < 16384; round += 61) {
		void *slab = depot_slab(&depot, round);
		cr_assert_eq(slab, depot.slabs.base + round * (size_t)64);
		assert_same(depot_round(&depot, slab), round);
	}
	depot_fini(&depot);
}

Test(depot, a_round_at_the_end_of_the_largest_budget_is_kept_whole)
{
	given_depot(MAGRING_MEMORY_MAX);
	uint32_t last = (uint32_t)(MAGRING_MEMORY_MAX / 64 - 1);
	void *slab = depot_slab(&depot, last);
	assert_same((unsigned char *)slab - depot.slabs.base, MAGRING_MEMORY_MAX - 64);
	assert_same(depot_round(&depot, slab), last);
	depot_fini(&depot);
}

Test(depot, carves_a_chunk_when_no_filled_magazine_is_left)
{
	size_t carved = 99;
	given_depot((size_t)2 << 20);
	/* 64 KiB of 64-byte slabs: 17 magazines of 60 and one of 4. */
	struct magazine *magazine = take_filled(0, &carved);
	cr_assert_not_null(magazine);
	assert_same(carved, 1024);
	assert_same(magazine->count, 60);
	size_t rounds = 60, magazines = 1;
	while (magazines < 18) {
		magazine = take_filled(0, &carved);
		cr_assert_not_null(magazine);
		assert_same(carved, 0);
		rounds += magazine->count;
		magazines++;
	}
	assert_same(rounds, 1024);
	cr_assert_not_null(take_filled(0, &carved));
	assert_same(carved, 1024);
	depot_fini(&depot);
}

Test(depot, gives_every_slab_of_the_budget_exactly_once)
{
	static const size_t limits[] = { 64, 128, 6400, 65536, 65600, 1000000 };
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		given_depot(limits[i]);
		size_t slabs = limits[i] / 64, given = 0, carved, sum = 0;
		unsigned char *seen = calloc(slabs, 1);
		struct magazine *magazine;
		while ((magazine = take_filled(0, &carved)) != NULL) {
			sum += carved;
			for (uint32_t j = 0; j < magazine->count; j++, given++)
				assert_same(seen[magazine->round[j]]++, 0);
		}
		assert_same(given, slabs);
		assert_same(sum, slabs);
		free(seen);
		depot_fini(&depot);
	}
}

Test(depot, a_class_that_the_budget_cannot_hold_has_nothing_and_costs_nothing)
{
	size_t carved = 99;
	uint32_t round;
	given_depot(100);
	cr_assert_null(take_filled(1, &carved));
	assert_same(carved, 0);
	cr_assert_not(take_round(1, &round, &carved));
	cr_assert(take_round(0, &round, &carved));
	assert_same(carved, 1);
	cr_assert_not(take_round(0, &round, &carved));
	assert_same(carved, 0);
	depot_fini(&depot);
}

Test(depot, gives_back_what_was_put_filled_or_empty)
{
	size_t carved;
	given_depot(64);
	struct magazine *filled = take_filled(0, &carved);
	cr_assert_not_null(filled);
	assert_same(filled->count, 1);
	depot_put(&depot, 0, filled);
	cr_assert_eq(take_filled(0, &carved), filled);
	assert_same(carved, 0);
	filled->count = 0;
	depot_put(&depot, 0, filled);
	cr_assert_null(take_filled(0, &carved));
	cr_assert_eq(depot_take_empty(&depot), filled);
	depot_fini(&depot);
}

Test(depot, an_empty_magazine_serves_any_class)
{
	given_depot((size_t)1 << 20);
	struct magazine *magazine = depot_take_empty(&depot);
	assert_same(magazine->count, 0);
	depot_put(&depot, 5, magazine);
	cr_assert_eq(depot_take_empty(&depot), magazine);
	depot_fini(&depot);
}

Test(depot, single_slabs_go_in_and_out_without_loss)
{
	uint32_t rounds[200], round;
	size_t carved, sum = 0;
	unsigned char seen[200] = { 0 };
	given_depot(200 * 64);
	for (int lap = 0; lap < 3; lap++) {
		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < 200; i++) {
			cr_assert(take_round(0, &rounds[i], &carved));
			sum += carved;
			assert_same(seen[rounds[i]]++, 0);
		}
		cr_assert_not(take_round(0, &round, &carved));
		for (int i = 0; i < 200; i++)
			depot_put_round(&depot, 0, rounds[i]);
	}
	assert_same(sum, 200);
	depot_fini(&depot);
}

Test(depot, no_magazine_ever_holds_more_than_its_rounds)
{
	uint32_t rounds[30];
	size_t carved;
	given_depot(30 * 65536);
	unsigned int class_index = slab_class(65536);
	for (int i = 0; i < 30; i++)
		cr_assert(take_round(class_index, &rounds[i], &carved));
	for (int i = 0; i < 30; i++)
		depot_put_round(&depot, class_index, rounds[i]);
	size_t found = 0;
	struct magazine *magazine;
	while ((magazine = take_filled(class_index, &carved)) != NULL) {
		cr_assert_leq(magazine->count, 4);
		found += magazine->count;
	}
	assert_same(found, 30);
	depot_fini(&depot);
}

Test(depot, a_slab_comes_back_even_without_memory_for_a_magazine)
{
	uint32_t rounds[100], round;
	size_t carved;
	unsigned char seen[100] = { 0 };
	given_depot(100 * 64);
	for (int i = 0; i < 100; i++)
		cr_assert(take_round(0, &rounds[i], &carved));
	use_up_metadata();
	while (depot_take_empty(&depot) != NULL)
		;
	for (int i = 0; i < 100; i++)
		depot_put_round(&depot, 0, rounds[i]);
	for (int i = 0; i < 100; i++) {
		cr_assert(take_round(0, &round, &carved));
		assert_same(seen[round]++, 0);
	}
	cr_assert_not(take_round(0, &round, &carved));
	depot_fini(&depot);
}

Test(depot, nothing_is_carved_that_no_magazine_can_hold)
{
	size_t carved = 99;
	given_depot((size_t)1 << 20);
	use_up_metadata();
	cr_assert_null(take_filled(0, &carved));
	assert_same(carved, 0);
	assert_same(atomic_load(&depot.slabs.taken), 0);
	depot_fini(&depot);
}

Test(depot, the_slabs_of_a_chunk_are_kept_when_magazines_run_out_in_the_middle)
{
	size_t carved, offset, sum = 0;
	uint32_t round;
	given_depot(65536);
	/* Room for three magazines of the 18 that a chunk fills. */
	while (region_take(&depot.metadata, 256, 1, &offset) > 0)
		if (depot.metadata.limit - atomic_load(&depot.metadata.taken) < 4 * 256)
			break;
	unsigned char *seen = calloc(1024, 1);
	while (take_round(0, &round, &carved)) {
		assert_same(seen[round]++, 0);
		sum++;
	}
	assert_same(sum, 1024);
	free(seen);
	depot_fini(&depot);
}

enum { HANDS = 4, TURNS = 20000, SLABS = 300 };

struct hand {
	size_t failed;
	unsigned int class_index;
	unsigned char *owned;
};

/*
 * Single slabs and whole magazines, which cool or do not. A byte per slab tells
 * whether two threads had it.
 */
static void *juggle(void *argument)
{
	struct hand *hand = argument;
	size_t carved;
	uint32_t round;
	for (int i = 0; i < TURNS; i++) {
		if (i % 3 == 0) {
			struct magazine *magazine = take_filled(hand->class_index, &carved);
			if (magazine == NULL)
				continue;
			for (uint32_t j = 0; j < magazine->count; j++)
				hand->failed += hand->owned[magazine->round[j]]++ != 0;
			for (uint32_t j = 0; j < magazine->count; j++)
				hand->owned[magazine->round[j]] = 0;
			(i % 2 == 0 ? depot_put : cooling_put)(&depot, hand->class_index, magazine);
		} else if (take_round(hand->class_index, &round, &carved)) {
			hand->failed += hand->owned[round]++ != 0;
			hand->owned[round] = 0;
			depot_put_round(&depot, hand->class_index, round);
		}
	}
	return NULL;
}

static void juggle_together(size_t size, size_t slabs, size_t memory_limit)
{
	unsigned char *owned = calloc(memory_limit / 64, 1);
	struct hand hands[HANDS];
	pthread_t threads[HANDS];
	size_t carved, found = 0;
	given_depot(memory_limit);
	for (int i = 0; i < HANDS; i++) {
		hands[i] = (struct hand){ .owned = owned, .class_index = slab_class(size) };
		threads[i] = given_thread(juggle, &hands[i]);
	}
	for (int i = 0; i < HANDS; i++) {
		joined(threads[i]);
		assert_same(hands[i].failed, 0);
	}
	uint32_t round;
	while (take_round(slab_class(size), &round, &carved)) {
		assert_same(owned[round]++, 0);
		found++;
	}
	assert_same(found, slabs);
	free(owned);
	depot_fini(&depot);
}

Test(depot, threads_never_hold_the_same_slab)
{
	juggle_together(64, SLABS, SLABS * 64);
}

Test(depot, threads_never_hold_the_same_slab_that_has_cooled)
{
	/* Of 32 magazines two have a place to cool. */
	juggle_together(2048, 512, (size_t)1 << 20);
}
