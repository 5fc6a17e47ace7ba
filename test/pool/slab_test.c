/* SPDX-License-Identifier: MIT */
/* lib/pool/slab.c: size classes, and memory carved from a reservation. */
#include "given.h"
#include "magring.h"
#include "pool/slab.h"

/* The sizes, counted out: four to a doubling. */
static size_t expected_size(unsigned int class_index)
{
	size_t size = 0, step = 64;
	for (unsigned int i = 0; i <= class_index; i++) {
		if (i >= 8 && i % 4 == 0)
			step *= 2;
		size += step;
	}
	return size;
}

Test(slab, classes_are_spaced_four_to_a_doubling)
{
	static const size_t first[] = { 64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
		1280, 1536, 1792, 2048 };
	for (unsigned int i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		assert_same(slab_size(i), first[i]);
	for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++)
		assert_same(slab_size(i), expected_size(i));
}

Test(slab, class_is_the_inverse_of_size)
{
	for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
		assert_same(slab_class(slab_size(i)), i);
		assert_same(slab_class(slab_size(i) - 63), i);
		assert_same(slab_class(slab_size(i) + 1), i + 1);
	}
	assert_same(slab_class(1), 0);
}

Test(slab, the_smallest_class_that_holds_it_serves_a_size)
{
	for (size_t size = 1; size <= 70000; size++) {
		unsigned int i = slab_class(size);
		cr_assert_geq(slab_size(i), size);
		cr_assert(i == 0 || slab_size(i - 1) < size, "%zu bytes", size);
	}
}

Test(slab, at_most_a_fifth_is_slack_beyond_one_unit)
{
	for (unsigned int i = 1; i < SLAB_CLASSES_MAX; i++) {
		size_t least = slab_size(i - 1) + 1;
		size_t slack = slab_size(i) - least;
		cr_assert(slack < SLAB_UNIT || slack * 5 <= slab_size(i), "class %u", i);
	}
}

Test(slab, the_classes_suffice_for_the_largest_message)
{
	cr_assert_lt(slab_class(MAGRING_PAYLOAD_MAX + MAGRING_ID_MAX + 1), SLAB_CLASSES_MAX);
}

Test(slab, a_chunk_is_64_kib_or_a_32nd_of_a_small_budget_or_one_slab)
{
	static const size_t limits[] = { 64, 2048, 4096, 100000, (size_t)1 << 20, ((size_t)2 << 20) - 1,
		(size_t)2 << 20, MAGRING_MEMORY_MAX };
	for (size_t j = 0; j < sizeof(limits) / sizeof(limits[0]); j++)
		for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
			size_t bytes = limits[j] / 32 < 65536 ? limits[j] / 32 : 65536;
			size_t wanted = bytes / expected_size(i);
			assert_same(slab_chunk(i, limits[j]), wanted > 0 ? wanted : 1);
		}
}

Test(region, gives_out_its_limit_and_no_byte_more)
{
	struct region region;
	size_t offset = 99, sum = 0;
	assert_same(region_init(&region, 10000), 0);
	while (region_take(&region, 64, 1, &offset) == 64) {
		assert_same(offset, sum);
		sum += 64;
	}
	assert_same(sum, 9984);
	assert_same(offset, 9984 - 64);
	assert_same(region_take(&region, 16, 1, &offset), 16);
	assert_same(region_take(&region, 1, 1, &offset), 0);
	region_fini(&region);
}

Test(region, gives_fewer_when_there_are_not_so_many_left)
{
	struct region region;
	size_t offset = 99;
	assert_same(region_init(&region, 1000), 0);
	assert_same(region_take(&region, 128, 32, &offset), 896);
	assert_same(offset, 0);
	assert_same(region_take(&region, 128, 32, &offset), 0);
	assert_same(offset, 0);
	assert_same(region_take(&region, 64, 1, &offset), 64);
	assert_same(offset, 896);
	region_fini(&region);
}

Test(region, memory_is_zero_and_writable_to_its_last_byte)
{
	static const size_t limits[] = { 64, 4095, 4096, 4097, 262143, 262144, 262145, 1000000 };
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct region region;
		size_t offset;
		assert_same(region_init(&region, limits[i]), 0);
		assert_same((uintptr_t)region.base % 4096, 0);
		for (size_t taken = 0; taken < limits[i]; taken++) {
			size_t bytes = limits[i] < 5000 ? 1 : limits[i] - taken;
			assert_same(region_take(&region, bytes, 1, &offset), bytes);
			assert_same(region.base[offset] + region.base[offset + bytes - 1], 0);
			memset(region.base + offset, 0xff, bytes);
			taken = offset + bytes - 1;
		}
		region_fini(&region);
	}
}

Test(region, more_address_space_than_there_is_is_refused)
{
	struct region region;
	assert_same(region_init(&region, (size_t)1 << 60), -ENOMEM);
}

enum { TAKERS = 4, PIECES = 20000 };

struct taker {
	struct region *region;
	size_t count;
	unsigned char mark;
};

static void *take_pieces(void *argument)
{
	struct taker *taker = argument;
	size_t offset;
	while (region_take(taker->region, 64, 1, &offset) == 64) {
		memset(taker->region->base + offset, taker->mark, 64);
		taker->count++;
	}
	return NULL;
}

Test(region, threads_that_take_at_once_get_different_bytes)
{
	struct region region;
	struct taker takers[TAKERS];
	pthread_t threads[TAKERS];
	size_t sum = 0, marked[TAKERS + 1] = { 0 };
	assert_same(region_init(&region, PIECES * 64), 0);
	for (int i = 0; i < TAKERS; i++) {
		takers[i] = (struct taker){ .region = &region, .mark = (unsigned char)(i + 1) };
		threads[i] = given_thread(take_pieces, &takers[i]);
	}
	for (int i = 0; i < TAKERS; i++) {
		joined(threads[i]);
		sum += takers[i].count;
	}
	assert_same(sum, PIECES);
	for (size_t i = 0; i < PIECES * 64; i++)
		marked[region.base[i]]++;
	for (int i = 0; i < TAKERS; i++)
		assert_same(marked[i + 1], takers[i].count * 64);
	region_fini(&region);
}
