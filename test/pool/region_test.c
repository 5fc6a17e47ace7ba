/* SPDX-License-Identifier: MIT */
/* lib/pool/region.c: address space, taken from its start. */
#include "given.h"
#include "pool/region.h"

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

/* Whether the system was told not to make huge pages there. */
static bool is_without_huge_pages(const void *address)
{
	char line[512];
	bool inside = false, told = false;
	FILE *file = fopen("/proc/self/smaps", "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long begin, end;
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			inside = begin <= (uintptr_t)address && (uintptr_t)address < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			told = strstr(line, " nh") != NULL;
	}
	fclose(file);
	return told;
}

Test(region, has_no_huge_pages)
{
	struct region region;
	size_t offset;
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
		cr_skip_test("the system has none");
	assert_same(region_init(&region, (size_t)4 << 20), 0);
	assert_same(region_take(&region, 4096, 16, &offset), 65536);
	cr_assert(is_without_huge_pages(region.base));
	cr_assert(is_without_huge_pages(region.base + region.reserved - 1));
	region_fini(&region);
}
