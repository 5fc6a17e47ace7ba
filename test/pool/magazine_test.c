/* SPDX-License-Identifier: MIT */
/* lib/pool/magazine.c: one thread's loaded and previous magazines. */
#include "given.h"
#include "pool/carve.h"
#include "pool/magazine.h"

static struct depot depot;
static struct magazine_pair *pair;

static void given_cache(size_t memory_limit)
{
	assert_same(depot_init(&depot, memory_limit, 2), 0);
	pair = aligned_alloc(_Alignof(struct magazine_pair), sizeof(*pair));
	cr_assert_not_null(pair);
	memset(pair, 0, sizeof(*pair));
}

static void done_with_cache(void)
{
	free(pair);
	depot_fini(&depot);
}

static bool take(uint32_t *ret_round)
{
	if (pair->loaded_rounds == 0 && !magazine_refill(pair, &depot, 0))
		return false;
	*ret_round = magazine_take(pair);
	return true;
}

static bool put(uint32_t round)
{
	if (pair->loaded_rounds == pair->loaded_capacity && !magazine_drain(pair, &depot, 0))
		return false;
	magazine_put(pair, round);
	return true;
}

/* One chunk of 17 magazines and 4 slabs; the magazines full, 2 of them here. */
static void given_full_magazines(void)
{
	uint32_t rounds[1024];
	given_cache((size_t)2 << 20);
	for (int i = 0; i < 1024; i++)
		cr_assert(take(&rounds[i]));
	for (int i = 0; i < 1020; i++)
		cr_assert(put(rounds[i]));
	assert_same(pair->loaded_rounds + pair->previous_rounds, 120);
}

/* The one that magazine_next_cold() says, or -1. */
static int64_t next_cold(void)
{
	uint32_t round;
	return magazine_next_cold(pair, &round) ? (int64_t)round : -1;
}

static uint64_t exchanges(void)
{
	return atomic_load(&pair->counts.exchanges);
}

Test(magazine, without_one_there_is_neither_a_round_nor_room)
{
	given_cache((size_t)1 << 20);
	assert_same(pair->loaded_rounds, 0);
	assert_same(pair->loaded_capacity, 0);
	done_with_cache();
}

Test(magazine, the_first_refill_carves_a_chunk_and_loads_one_magazine_of_it)
{
	given_cache((size_t)2 << 20);
	cr_assert(magazine_refill(pair, &depot, 0));
	assert_same(pair->loaded_rounds, 60);
	assert_same(pair->loaded_capacity, 60);
	assert_same(exchanges(), 1);
	assert_same(atomic_load(&depot.class[0].carved), 1024);
	done_with_cache();
}

Test(magazine, what_was_freed_last_is_allocated_first)
{
	uint32_t a, b, again;
	given_cache((size_t)1 << 20);
	cr_assert(take(&a) && take(&b));
	cr_assert(put(a));
	cr_assert(take(&again));
	assert_same(again, a);
	cr_assert(put(b) && put(a) && take(&again));
	assert_same(again, a);
	done_with_cache();
}

Test(magazine, every_slab_is_given_out_once)
{
	unsigned char seen[3000] = { 0 };
	uint32_t round;
	size_t taken = 0;
	given_cache(3000 * 64);
	while (take(&round)) {
		assert_same(seen[round]++, 0);
		taken++;
	}
	assert_same(taken, 3000);
	done_with_cache();
}

Test(magazine, traffic_that_goes_up_and_down_within_two_magazines_needs_no_exchange)
{
	uint32_t rounds[120];
	given_full_magazines();
	uint64_t before = exchanges();
	for (int lap = 0; lap < 5; lap++) {
		for (int i = 0; i < 120; i++)
			cr_assert(take(&rounds[i]));
		for (int i = 0; i < 120; i++)
			cr_assert(put(rounds[i]));
	}
	assert_same(exchanges(), before);
	done_with_cache();
}

Test(magazine, an_alloc_and_a_free_at_a_magazines_edge_exchange_nothing)
{
	uint32_t rounds[61];
	given_cache((size_t)1 << 20);
	for (int i = 0; i < 61; i++)
		cr_assert(take(&rounds[i]));
	uint64_t before = exchanges();
	for (int i = 0; i < 100; i++)
		cr_assert(put(rounds[60]) && put(rounds[59]) && take(&rounds[59]) &&
			take(&rounds[60]));
	assert_same(exchanges(), before);
	done_with_cache();
}

Test(magazine, traffic_that_flows_one_way_costs_one_exchange_a_magazine)
{
	uint32_t rounds[600];
	given_full_magazines();
	uint64_t before = exchanges();
	/*
	 * 120 are at hand, or there is room for them; 480 are eight magazines.
	 */
	for (int i = 0; i < 600; i++)
		cr_assert(take(&rounds[i]));
	assert_same(exchanges(), before + 8);
	for (int i = 0; i < 600; i++)
		cr_assert(put(rounds[i]));
	assert_same(exchanges(), before + 16);
	done_with_cache();
}

Test(magazine, frees_without_allocations_fetch_empty_magazines)
{
	given_cache((size_t)1 << 20);
	struct magazine *filled = depot_take_filled(&depot, 0);
	for (uint32_t i = 0; i < 60; i++)
		cr_assert(put(filled->round[i]));
	assert_same(pair->loaded_rounds, 60);
	assert_same(exchanges(), 1);
	done_with_cache();
}

Test(magazine, what_comes_from_the_depot_is_cold_until_it_was_next)
{
	uint32_t first, second, third;
	given_cache((size_t)2 << 20);
	cr_assert(take(&first));
	int64_t next = next_cold();
	cr_assert(take(&second));
	assert_same(next, second);
	cr_assert(next_cold() >= 0);

	/* It was fetched, so it need not be again. */
	assert_same(next_cold(), -1);

	/*
	 * What this thread has freed is in its own cache, and the next below
	 * was fetched before.
	 */
	cr_assert(put(second));
	cr_assert(put(first));
	cr_assert(take(&third));
	assert_same(third, first);
	assert_same(next_cold(), -1);
	cr_assert(take(&third));
	assert_same(third, second);
	assert_same(next_cold(), -1);

	/* The rest of the magazine is as cold as it was, and ends. */
	while (pair->loaded_rounds > 1) {
		cr_assert(take(&third));
		next = next_cold();
		cr_assert(next >= 0);
		assert_same(next, pair->loaded->round[pair->loaded_rounds - 1]);
	}
	cr_assert(take(&third));
	assert_same(next_cold(), -1);
	done_with_cache();
}

Test(magazine, what_this_thread_freed_is_not_cold)
{
	uint32_t round;
	given_full_magazines();
	for (int i = 0; i < 120; i++) {
		cr_assert(take(&round));
		assert_same(next_cold(), -1);
	}
	done_with_cache();
}

Test(magazine, what_is_freed_beside_a_cold_magazine_is_not_cold)
{
	uint32_t rounds[62], round;
	given_cache((size_t)2 << 20);
	for (int i = 0; i < 62; i++)
		cr_assert(take(&rounds[i]));
	cr_assert(next_cold() >= 0);
	/*
	 * The second magazine, which is cold below, is full again, and the
	 * first one's turn comes.
	 */
	for (int i = 0; i < 60; i++)
		cr_assert(put(rounds[i]));
	assert_same(pair->loaded_rounds, 2);
	cr_assert(take(&round));
	assert_same(next_cold(), -1);
	done_with_cache();
}

Test(magazine, a_flush_hands_over_every_round_and_says_how_many)
{
	unsigned char seen[200] = { 0 };
	uint32_t rounds[200], round;
	size_t found = 0;
	given_cache(200 * 64);
	for (int i = 0; i < 200; i++)
		cr_assert(take(&rounds[i]));
	for (int i = 0; i < 100; i++)
		cr_assert(put(rounds[i]));
	assert_same(magazine_flush(pair, &depot, 0), 100);
	assert_same(pair->loaded_rounds + pair->loaded_capacity, 0);
	assert_same(pair->previous_rounds + pair->previous_capacity, 0);
	cr_assert_null(pair->loaded);
	cr_assert_null(pair->previous);
	while (depot_take_round(&depot, 0, &round)) {
		assert_same(seen[round]++, 0);
		found++;
	}
	assert_same(found, 100);
	assert_same(magazine_flush(pair, &depot, 0), 0);
	cr_assert_not(take(&round));
	done_with_cache();
}

Test(magazine, a_flushed_cache_goes_on_working)
{
	uint32_t round;
	given_cache((size_t)1 << 20);
	cr_assert(take(&round));
	uint32_t left = pair->loaded_rounds;
	assert_same(magazine_flush(pair, &depot, 0), left);
	cr_assert(put(round));
	cr_assert(take(&round));
	done_with_cache();
}

Test(magazine, there_is_no_room_when_no_magazine_is_left)
{
	uint32_t rounds[130];
	size_t offset;
	given_cache((size_t)1 << 20);
	for (int i = 0; i < 130; i++)
		cr_assert(depot_take_round(&depot, 0, &rounds[i]));
	while (region_take(&depot.metadata, 256, 1 << 12, &offset) > 0)
		;
	while (depot_take_empty(&depot) != NULL)
		;
	cr_assert_not(put(rounds[0]));
	assert_same(exchanges(), 0);
	done_with_cache();
}

Test(magazine, a_cache_is_bounded_in_bytes)
{
	size_t limit = (size_t)64 << 20;
	unsigned int classes = slab_class((size_t)8 << 20) + 1;
	assert_same(depot_init(&depot, limit, classes), 0);
	for (unsigned int i = 0; i < classes; i++) {
		size_t bytes = 2 * depot.class[i].rounds * slab_size(i);
		cr_assert(bytes <= 512 * 1024 || depot.class[i].rounds == 1, "class %u", i);
	}
	depot_fini(&depot);
}

/* It goes into the loaded magazine, or to the depot if that has no room. */
Test(magazine, a_flush_takes_the_hot_slab_along)
{
	uint32_t round, last = 0;
	for (int full = 0; full < 2; full++) {
		size_t found = 0;
		given_cache(60 * 64);
		for (int i = 0; i < 60; i++)
			cr_assert(take(&last));
		assert_same(pair->hot, HOT_NONE);
		for (uint32_t i = 0; full && i < 60; i++)
			pair->loaded->round[pair->loaded_rounds++] = i == last ? 59 : i;
		pair->hot = (uintptr_t)depot_slab(&depot, last);
		assert_same(magazine_flush(pair, &depot, 0), full ? 61 : 1);
		assert_same(pair->hot, HOT_NONE);
		while (depot_take_round(&depot, 0, &round)) {
			found++;
			if (!full)
				assert_same(round, last);
		}
		assert_same(found, full ? 61 : 1);
		done_with_cache();
	}
}
