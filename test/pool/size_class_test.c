/* SPDX-License-Identifier: MIT */
/* lib/pool/size_class.c: which slab serves how many bytes. */
#include "given.h"
#include "magring.h"
#include "pool/size_class.h"

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

Test(size_class, classes_are_spaced_four_to_a_doubling)
{
	static const size_t first[] = { 64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
		1280, 1536, 1792, 2048 };
	for (unsigned int i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		assert_same(slab_size(i), first[i]);
	for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++)
		assert_same(slab_size(i), expected_size(i));
}

Test(size_class, class_is_the_inverse_of_size)
{
	for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
		assert_same(slab_class(slab_size(i)), i);
		assert_same(slab_class(slab_size(i) - 63), i);
		assert_same(slab_class(slab_size(i) + 1), i + 1);
	}
	assert_same(slab_class(1), 0);
}

Test(size_class, the_smallest_class_that_holds_it_serves_a_size)
{
	for (size_t size = 1; size <= 70000; size++) {
		unsigned int i = slab_class(size);
		cr_assert_geq(slab_size(i), size);
		cr_assert(i == 0 || slab_size(i - 1) < size, "%zu bytes", size);
	}
}

Test(size_class, at_most_a_fifth_is_slack_beyond_one_unit)
{
	for (unsigned int i = 1; i < SLAB_CLASSES_MAX; i++) {
		size_t least = slab_size(i - 1) + 1;
		size_t slack = slab_size(i) - least;
		cr_assert(slack < SLAB_UNIT || slack * 5 <= slab_size(i), "class %u", i);
	}
}

Test(size_class, the_classes_suffice_for_the_largest_message)
{
	cr_assert_lt(slab_class(MAGRING_PAYLOAD_MAX + MAGRING_ID_MAX + 1), SLAB_CLASSES_MAX);
}

static const size_t limits[] = { 64, 2048, 4096, 100000, (size_t)1 << 20, ((size_t)2 << 20) - 1,
	(size_t)2 << 20, MAGRING_MEMORY_MAX };
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

Test(size_class, a_chunk_is_4_kib_or_4_slabs_within_64_kib_or_a_32nd_of_a_small_budget_or_one_slab)
{
	for (size_t j = 0; j < LIMITS; j++)
		for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
			size_t size = expected_size(i), bytes = size <= 1024 ? 4096 : 4 * size;
			size_t wanted = least(bytes, least(limits[j] / 32, 65536)) / size;
			assert_same(slab_chunk(i, limits[j]), wanted > 0 ? wanted : 1);
		}
}

Test(size_class, chunks_carved_at_a_time_are_64_kib_or_a_32nd_of_a_small_budget_or_one)
{
	for (size_t j = 0; j < LIMITS; j++)
		for (unsigned int i = 0; i < SLAB_CLASSES_MAX; i++) {
			size_t chunk = slab_chunk(i, limits[j]) * expected_size(i);
			size_t wanted = least(limits[j] / 32, 65536) / chunk;
			assert_same(slab_batch(i, limits[j]), wanted > 0 ? wanted : 1);
		}
	assert_same(slab_batch(0, MAGRING_MEMORY_MAX), 16);
	assert_same(slab_batch(slab_class(1000), MAGRING_MEMORY_MAX), 16);
	assert_same(slab_batch(slab_class(65536), MAGRING_MEMORY_MAX), 1);
}
