/* SPDX-License-Identifier: MIT */
/* lib/pool/region.c: address space, taken from its start. */
#include "given.h"
#include "base/sanitizer.h"
#include "pool/region.h"

#include <sys/mman.h>
#include <sys/resource.h>

#ifdef EMULATOR /* which has limits and mappings of its own */
#define IS_EMULATED 1
#else
#define IS_EMULATED 0
#endif
#ifdef SANITIZER /* which has mappings where a range would grow */
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

Test(region, gives_out_its_limit_and_no_byte_more)
{
	struct region region;
	size_t offset = 99, sum = 0;
	assert_same(region_init(&region, 10000, true), 0);
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
	assert_same(region_init(&region, 1000, true), 0);
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
		assert_same(region_init(&region, limits[i], true), 0);
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

/* It begins small, then, and grows. */
Test(region, begins_small_where_there_is_not_its_whole)
{
	struct region region;
	size_t offset;
	if (IS_EMULATED || IS_SANITIZED)
		cr_skip_test("something else maps memory where a range would grow");
	assert_same(region_init(&region, (size_t)1 << 60, true), 0);
	cr_assert_lt(region.reserved, (size_t)1 << 20);
	assert_same(region_take(&region, 64, 1, &offset), 64);
	region_fini(&region);
	assert_same(region_init(&region, (size_t)1 << 30, false), 0);
	cr_assert_lt(region.reserved, (size_t)1 << 20);
	for (size_t taken = 0; taken < (size_t)8 << 20; taken += 10240) {
		assert_same(region_take(&region, 1024, 10, &offset), 10240);
		assert_same(offset, taken);
		assert_same(region.base[offset] + region.base[offset + 10239], 0);
		memset(region.base + offset, 0xff, 10240);
	}
	cr_assert(region_grows(&region));
	region_fini(&region);
	cr_assert_eq(madvise(region.base, 4096, MADV_NORMAL), -1); /* nothing is mapped */
	cr_assert_eq(madvise(region.base + offset / 4096 * 4096, 4096, MADV_NORMAL), -1);
}

Test(region, grows_up_to_its_limit)
{
	struct region region;
	size_t offset, limit = ((size_t)1 << 20) + 5000;
	assert_same(region_init(&region, limit, false), 0);
	cr_assert(region_grows(&region));
	assert_same(region_take(&region, 1, limit, &offset), limit);
	memset(region.base, 0xff, limit);
	assert_same(region_take(&region, 1, 1, &offset), 0);
	cr_assert(!region_grows(&region));
	region_fini(&region);
}

/* A byte for each 64 is accessible as soon as these are. */
Test(region, beside_another_is_accessible_with_it)
{
	struct region region, beside;
	size_t offset, limit = (size_t)16 << 20;
	assert_same(region_init(&region, limit, true), 0);
	assert_same(region_init(&beside, limit / 64, false), 0);
	region_put_beside(&region, &beside, 64);
	cr_assert(region_grows(&region));
	while (region_take(&region, 64, 1, &offset) > 0)
		beside.base[offset / 64] = 1;
	assert_same(beside.base[limit / 64 - 1], 1);
	region_fini(&beside);
	region_fini(&region);
}

/* What another has mapped behind is left alone. */
Test(region, grows_over_no_mapping)
{
	struct region region;
	size_t offset;
	assert_same(region_init(&region, (size_t)1 << 20, false), 0);
	unsigned char *behind = region.base + region.reserved;
	assert_same(mmap(behind, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == behind,
		true);
	*behind = 42;
	assert_same(region_take(&region, region.reserved, 1, &offset), region.reserved);
	assert_same(region_take(&region, 64, 1, &offset), 0);
	assert_same(region_reach(&region, region.reserved + 1), false);
	assert_same(*behind, 42);
	munmap(behind, 4096);
	assert_same(region_take(&region, 64, 1, &offset), 64);
	region_fini(&region);
}

Test(region, no_address_space_at_all_is_refused)
{
	struct region region;
	struct rlimit before;
	if (IS_EMULATED)
		cr_skip_test("limits are not for what is emulated");
	assert_same(getrlimit(RLIMIT_AS, &before), 0);
	const struct rlimit none = { 0, before.rlim_max };
	assert_same(setrlimit(RLIMIT_AS, &none), 0);
	int large = region_init(&region, (size_t)1 << 30, true);
	int small = region_init(&region, 64, true);
	assert_same(setrlimit(RLIMIT_AS, &before), 0);
	cr_assert_eq(large, -ENOMEM);
	cr_assert_eq(small, -ENOMEM);
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

static void take_at_once(bool whole)
{
	struct region region;
	struct taker takers[TAKERS];
	pthread_t threads[TAKERS];
	size_t sum = 0, marked[TAKERS + 1] = { 0 };
	assert_same(region_init(&region, PIECES * 64, whole), 0);
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

Test(region, threads_that_take_at_once_get_different_bytes)
{
	take_at_once(true);
	for (int i = 0; i < 20; i++)
		take_at_once(false);
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

static void check_huge_pages(bool whole)
{
	struct region region;
	size_t offset;
	assert_same(region_init(&region, (size_t)4 << 20, whole), 0);
	assert_same(region_take(&region, 4096, 80, &offset), 80 * 4096);
	cr_assert(is_without_huge_pages(region.base));
	cr_assert(is_without_huge_pages(region.base + 79 * 4096));
	cr_assert(is_without_huge_pages(
		region.base + (whole ? region.reserved : region.writable) - 1));
	region_fini(&region);
}

Test(region, has_no_huge_pages)
{
	if (IS_EMULATED || access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
		cr_skip_test("the system has none");
	check_huge_pages(true);
	check_huge_pages(false);
}
