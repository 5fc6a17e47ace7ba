/* SPDX-License-Identifier: MIT */
/*
 * lib/pool/trim.c and trim_magazines.c: free memory given back; and how much of
 * what is taken payloads have.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/sanitizer.h"
#include "given.h"
#include "pool/pool.h"

#define PAYLOAD 1000
#define MIB ((size_t)1 << 20)

static size_t trim(struct magring_pool *pool, int64_t idle_ns)
{
	size_t bytes = SIZE_MAX;
	assert_same(magring_pool_trim(pool, idle_ns, &bytes), 0);
	cr_assert(bytes != SIZE_MAX);
	return bytes;
}

static void *bytes_of(struct magring_message *message)
{
	return magring_message_payload(message, NULL);
}

static void check_accounts(struct magring_pool *pool)
{
	struct magring_pool_stats stats = stats_of_pool(pool);
	struct depot *depot = &pool->depot;
	uint64_t carved = 0;
	for (unsigned int i = 0; i < stats.classes; i++) {
		struct magring_class_stats class = stats_of_class(pool, i);
		cr_assert(class.carved >= class.trimmed && class.allocated >= class.freed);
		cr_assert(class.carved - class.trimmed >= class.allocated - class.freed);
		carved += (class.carved - class.trimmed) * class.slab_size;
	}
	assert_same(stats.slab_bytes_carved, carved);
	assert_same(stats.slab_bytes_carved, stats.slab_bytes_in_use + stats.slab_bytes_cached);
	assert_same(carved + atomic_load(&depot->chunks.free_bytes),
		atomic_load(&depot->slabs.taken));
	assert_same(stats.memory_bytes,
		sizeof(*pool) + atomic_load(&depot->slabs.taken) +
			atomic_load(&depot->metadata.taken) +
			atomic_load(&pool->registry.bytes) -
			atomic_load(&depot->chunks.absent_bytes));
	cr_assert(stats.memory_bytes <= stats.memory_bytes_high);
	cr_assert(stats.payload_bytes_in_use <= stats.payload_bytes_in_use_high);
}

/* Bytes of memory that the process has. */
static size_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	cr_assert_not_null(file);
	assert_same(fscanf(file, "%lu %lu", &size, &pages), 2);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

Test(trim, senseless_arguments_are_refused)
{
	struct magring_pool *pool = given_pool(MIB);
	size_t bytes = 7;
	assert_same(magring_pool_trim(NULL, 0, &bytes), -EINVAL);
	assert_same(magring_pool_trim(pool, -1, &bytes), -EINVAL);
	assert_same(magring_pool_trim(pool, INT64_MIN, &bytes), -EINVAL);
	assert_same(bytes, 7);
	assert_same(stats_of_pool(pool).trims, 0);
	done_with(pool, NULL);
}

Test(trim, of_a_pool_that_was_never_used_gives_nothing)
{
	struct magring_pool *pool = given_pool(MIB);
	assert_same(trim(pool, 0), 0);
	assert_same(trim(pool, INT64_MAX), 0);
	assert_same(magring_pool_trim(pool, 0, NULL), 0);
	assert_same(stats_of_pool(pool).trims, 3);
	check_accounts(pool);
	done_with(pool, NULL);
}

Test(trim, one_at_a_time)
{
	struct magring_pool *pool = given_pool(MIB);
	size_t bytes = 7;
	atomic_store(&pool->trimming, true); /* as another thread does */
	assert_same(magring_pool_trim(pool, 0, &bytes), -EBUSY);
	assert_same(bytes, 7);
	atomic_store(&pool->trimming, false);
	assert_same(magring_pool_trim(pool, 0, &bytes), 0);
	assert_same(stats_of_pool(pool).trims, 1);
	done_with(pool, NULL);
}

/* -------------------------------------------------------------- a burst -- */

/* Payloads that are written to, as many as make so many bytes. */
static size_t load(struct magring_pool *pool, struct magring_message *messages, size_t bytes,
	size_t payload)
{
	size_t count = bytes / payload;
	for (size_t i = 0; i < count; i++) {
		messages[i] = given_message(pool, payload);
		memset(bytes_of(&messages[i]), (int)(i & 0xff), payload);
	}
	return count;
}

static void check_burst(size_t payload)
{
	size_t usual = 6 * MIB, most = 11 * usual / payload;
	struct magring_pool *pool = given_pool(16 * usual);
	struct magring_message *messages = calloc(most, sizeof(*messages));
	memset(messages, 0xff, most * sizeof(*messages));
	size_t count = load(pool, messages, usual, payload);
	size_t before = resident(), memory_before = stats_of_pool(pool).memory_bytes;
	size_t more = load(pool, messages + count, 9 * usual, payload);
	struct magring_pool_stats burst = stats_of_pool(pool);
	free_all(messages + count, more);
	check_accounts(pool);
	size_t given = trim(pool, 0), after = resident();
	cr_assert(given >= 9 * usual, "%zu bytes of %zu", given, 9 * usual);
#ifndef SANITIZER
	cr_assert(after <= before + before / 10, "%zu bytes before, %zu after", before, after);
#else
	(void)before, (void)after;
#endif
	struct magring_pool_stats stats = stats_of_pool(pool);
	cr_assert(stats.memory_bytes <= memory_before + memory_before / 10,
		"%zu bytes before, %zu after", memory_before, (size_t)stats.memory_bytes);
	assert_same(stats.trimmed_bytes, given);
	/* What is free needs magazines. */
	cr_assert(stats.memory_bytes_high >= burst.memory_bytes);
	cr_assert(stats.memory_bytes_high <= burst.memory_bytes + burst.memory_bytes / 10);
	assert_same(stats.payload_bytes_in_use_high, burst.payload_bytes_in_use);
	check_accounts(pool);
	for (size_t i = 0; i < count; i++) {
		const unsigned char *bytes = bytes_of(&messages[i]);
		assert_same(bytes[0], i & 0xff);
		assert_same(bytes[payload - 1], i & 0xff);
	}
	/* The next burst is like the first one. */
	more = load(pool, messages + count, 9 * usual, payload);
	cr_assert(stats_of_pool(pool).memory_bytes <= burst.memory_bytes + burst.memory_bytes / 50);
	check_accounts(pool);
	free_all(messages, count + more);
	trim(pool, 0);
	check_accounts(pool);
	assert_same(stats_of_pool(pool).slab_bytes_carved, 0);
	done_with(pool, NULL);
	free(messages);
}

Test(trim, after_a_burst_memory_is_as_before)
{
	check_burst(1000);
	check_burst(64);
	check_burst(20000);
	check_burst(192);
}

Test(trim, gives_the_memory_of_an_idle_pool_back)
{
	struct magring_pool *pool = given_pool(64 * MIB);
	size_t before = stats_of_pool(pool).memory_bytes;
	struct magring_message *messages = calloc(50000, sizeof(*messages));
	for (int lap = 0; lap < 3; lap++) {
		for (size_t payload = 100; payload < 100000; payload *= 3) {
			size_t count = load(pool, messages, 3 * MIB, payload);
			free_all(messages, count);
		}
		trim(pool, 0);
		check_accounts(pool);
		assert_same(stats_of_pool(pool).slab_bytes_carved, 0);
		/* Records of 15 MiB, a cache, and what shares pages with them. */
		cr_assert(stats_of_pool(pool).memory_bytes < before + 15 * MIB / 128 + 80 * 1024,
			"%zu bytes at first, %zu now", before,
			(size_t)stats_of_pool(pool).memory_bytes);
	}
	free(messages);
	done_with(pool, NULL);
}

Test(trim, says_how_many_bytes_it_gave_once)
{
	struct magring_pool *pool = given_pool(4 * MIB);
	struct magring_message messages[200];
	assert_same(fill(pool, 4096, messages, 160), 160);
	free_all(messages, 160);
	size_t given = trim(pool, 0);
	assert_same(given, 160 * 4096);
	assert_same(trim(pool, 0), 0);
	assert_same(stats_of_pool(pool).trimmed_bytes, given);
	/* What was given back is there for the taking. */
	struct magring_message message = given_message(pool, 4096);
	memset(bytes_of(&message), 1, 4096);
	check_accounts(pool);
	magring_message_free(&message);
	done_with(pool, NULL);
}

Test(trim, leaves_chunks_alone_that_messages_are_in)
{
	struct magring_pool *pool = given_pool(4 * MIB);
	struct magring_message messages[640];
	size_t count = load(pool, messages, 640 * 1024, 1024);
	assert_same(count, 640);
	/* One slab of each chunk of 4 stays out. */
	for (size_t i = 0; i < count; i++)
		if (i % 4 != 1)
			magring_message_free(&messages[i]);
	assert_same(trim(pool, 0), 0);
	assert_same(stats_of_pool(pool).slab_bytes_carved, 640 * 1024);
	for (size_t i = 1; i < count; i += 4) {
		const unsigned char *bytes = bytes_of(&messages[i]);
		for (size_t j = 0; j < 1024; j++)
			assert_same(bytes[j], i & 0xff);
	}
	/* No slab is lost by that, nor doubled. */
	size_t limit = 4 * MIB / 1024;
	struct magring_message *more = calloc(limit + 1, sizeof(*more));
	assert_same(fill(pool, 1024, more, limit + 1), limit - 160);
	free_all(more, limit - 160);
	for (size_t i = 1; i < count; i += 4)
		magring_message_free(&messages[i]);
	trim(pool, 0);
	assert_same(stats_of_pool(pool).slab_bytes_carved, 0);
	check_accounts(pool);
	free(more);
	done_with(pool, NULL);
}

/* -------------------------------------------------------- other classes -- */

Test(trim, lets_other_classes_have_the_memory)
{
	static const size_t payloads[] = { 64, 1000, 5000, 65536, 200, 300000, 64 };
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message *messages = calloc(MIB / 64 + 1, sizeof(*messages));
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		size_t size = slab_size(slab_class(payloads[i]));
		assert_same(fill(pool, payloads[i], messages, MIB / 64 + 1), MIB / size);
		for (size_t j = 0; j < MIB / size; j++)
			memset(bytes_of(&messages[j]), (int)i, payloads[i]);
		size_t payload = payloads[i] == 64 ? 1000 : 64;
		free_all(messages, MIB / size);
		trim(pool, 0);
		check_accounts(pool);
		struct magring_message other = given_message(pool, payload);
		magring_message_free(&other);
		trim(pool, 0);
	}
	free(messages);
	done_with(pool, NULL);
}

Test(trim, merges_what_adjoins_and_smaller_slabs_get_the_rest)
{
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message kept[1024], others[1025], large = { 0 }, more = { 0 };
	assert_same(fill(pool, 1024, kept, 1024), 1024);
	/* A hole of half the budget, in two steps. */
	free_all(kept + 256, 256);
	trim(pool, 0);
	assert_same(magring_message_alloc(pool, &large, NULL, 0, MIB / 2, 0), -ENOBUFS);
	free_all(kept + 512, 256);
	trim(pool, 0);
	assert_same(stats_of_pool(pool).slab_bytes_carved, MIB / 2);
	assert_same(atomic_load(&pool->depot.chunks.absent_bytes) >= MIB / 2, true);
	large = given_message(pool, MIB / 2 - 65536);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, MIB / 8, 0), -ENOBUFS);
	assert_same(fill(pool, 64, others, 1025), 1024);
	check_accounts(pool);
	assert_same(stats_of_pool(pool).slab_bytes_carved, MIB);
	free_all(others, 1024);
	magring_message_free(&large);
	free_all(kept, 256);
	free_all(kept + 768, 256);
	trim(pool, 0);
	/* All of it in one. */
	large = given_message(pool, MIB);
	check_accounts(pool);
	magring_message_free(&large);
	done_with(pool, NULL);
}

Test(trim, of_locked_memory_gives_the_system_nothing_but_other_classes_all)
{
#ifdef SANITIZER
	cr_skip_test("AddressSanitizer locks nothing");
#endif
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message messages[1024], large = { 0 };
	assert_same(fill(pool, 1024, messages, 1024), 1024);
	if (mlock(pool->depot.slabs.base, MIB) != 0)
		cr_skip_test("memory cannot be locked here");
	free_all(messages, 1024);
	uint64_t memory = stats_of_pool(pool).memory_bytes;
	size_t given = trim(pool, 0);
	/* Its bookkeeping is not locked. */
	cr_assert(given < MIB / 8, "%zu bytes", given);
	assert_same(stats_of_pool(pool).memory_bytes, memory - given);
	large = given_message(pool, MIB);
	check_accounts(pool);
	magring_message_free(&large);
	munlock(pool->depot.slabs.base, MIB);
	cr_assert(trim(pool, 0) >= MIB);
	check_accounts(pool);
	done_with(pool, NULL);
}

/* ------------------------------------------------ other threads' caches -- */

struct idler {
	struct magring_pool *pool;
	pthread_t thread;
	pthread_barrier_t barrier;
	bool busy; /* stops inside its cache */
};

/* Leaves 32 slabs in its cache, each time it is let go on. */
static void *cache_and_idle(void *argument)
{
	struct idler *idler = argument;
	for (int turn = 0; turn < 2; turn++) {
		struct magring_message messages[32];
		free_all(messages, fill(idler->pool, PAYLOAD, messages, 32));
		struct cache *cache = thread_cache_at_hand(&idler->pool->registry);
		if (idler->busy && cache != NULL)
			cache_enter(cache);
		pthread_barrier_wait(&idler->barrier);
		pthread_barrier_wait(&idler->barrier);
		if (idler->busy && cache != NULL)
			cache_leave(cache);
	}
	return NULL;
}

static void given_idler(struct idler *idler, struct magring_pool *pool, bool busy)
{
	idler->pool = pool;
	idler->busy = busy;
	pthread_barrier_init(&idler->barrier, NULL, 2);
	idler->thread = given_thread(cache_and_idle, idler);
	pthread_barrier_wait(&idler->barrier);
}

static void check_carved(struct magring_pool *pool, uint64_t wanted)
{
	assert_same(stats_of_pool(pool).slab_bytes_carved, wanted);
	check_accounts(pool);
}

Test(trim, empties_all_caches_when_the_age_is_zero)
{
	struct magring_pool *pool = given_pool(4 * MIB);
	struct idler idler;
	struct magring_message message = given_message(pool, 5000);
	magring_message_free(&message); /* in this thread's cache */
	given_idler(&idler, pool, false);
	cr_assert(trim(pool, 0) >= 65536);
	check_carved(pool, 0);
	pthread_barrier_wait(&idler.barrier);
	pthread_barrier_wait(&idler.barrier);
	pthread_barrier_wait(&idler.barrier);
	joined(idler.thread);
	done_with(pool, NULL);
}

Test(trim, leaves_a_cache_alone_in_which_its_thread_is_at_work)
{
	struct magring_pool *pool = given_pool(4 * MIB);
	struct idler idler;
	given_idler(&idler, pool, true);
	/* It caches half of what was carved. */
	assert_same(trim(pool, 0), 32768);
	check_carved(pool, 32768);
	pthread_barrier_wait(&idler.barrier);
	pthread_barrier_wait(&idler.barrier);
	pthread_barrier_wait(&idler.barrier);
	joined(idler.thread);
	trim(pool, 0);
	check_carved(pool, 0);
	done_with(pool, NULL);
}

Test(trim, empties_caches_that_are_idle_for_long_enough)
{
	struct magring_pool *pool = given_pool(4 * MIB);
	struct idler idler;
	int64_t hour = (int64_t)3600 * 1000000000;
	given_idler(&idler, pool, false);
	/* The first trim cannot know, the second finds it too young. */
	assert_same(trim(pool, 1), 32768); /* what no cache has */
	assert_same(trim(pool, hour), 0);
	check_carved(pool, 32768);
	/* Traffic between two of them makes it young again. */
	pthread_barrier_wait(&idler.barrier);
	pthread_barrier_wait(&idler.barrier);
	usleep(1000);
	assert_same(trim(pool, 1), 0);
	check_carved(pool, 32768);
	usleep(1000);
	assert_same(trim(pool, hour), 0);
	assert_same(trim(pool, INT64_MAX), 0);
	cr_assert(trim(pool, 1000000) >= 32768);
	check_carved(pool, 0);
	pthread_barrier_wait(&idler.barrier);
	joined(idler.thread);
	done_with(pool, NULL);
}

/* -------------------------------------------------------------- waiting -- */

struct waiter {
	struct magring_pool *pool;
	pthread_t thread;
	struct magring_message message;
	size_t payload;
	_Atomic(pid_t) tid;
	_Atomic(int) result; /* 1 while it is not known */
};

static void *wait_for_memory(void *argument)
{
	struct waiter *waiter = argument;
	atomic_store(&waiter->tid, (pid_t)syscall(SYS_gettid));
	atomic_store(&waiter->result,
		magring_message_alloc(waiter->pool, &waiter->message, NULL, 0, waiter->payload,
			-1));
	return NULL;
}

static bool sleeps(struct waiter *waiter)
{
	pid_t tid = atomic_load(&waiter->tid);
	return eventcount_has_waiters(&waiter->pool->memory[slab_class(waiter->payload)]) &&
		tid != 0 && is_asleep(tid);
}

static void given_waiter(struct waiter *waiter, struct magring_pool *pool, size_t payload)
{
	*waiter = (struct waiter){ .pool = pool, .payload = payload, .result = 1 };
	waiter->thread = given_thread(wait_for_memory, waiter);
	/* Once is enough: it may look again by itself, and sleep again. */
	bool seen = false;
	for (int looks = 0; looks < 30000 && !(seen = sleeps(waiter)); looks++)
		usleep(1000);
	cr_assert(seen, "it does not fall asleep");
}

static void check_served(struct waiter *waiter)
{
	assert_eventually(atomic_load(&waiter->result) != 1);
	joined(waiter->thread);
	assert_same(atomic_load(&waiter->result), 0);
	magring_message_free(&waiter->message);
}

Test(trim, frees_serve_those_who_wait_for_memory_of_any_class)
{
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message *small = calloc(MIB / 64, sizeof(*small)), others[600];
	/* Each class has some, all in use; the rest is that of the smallest. */
	size_t of_8192 = fill(pool, 8192, others, 4), of_300 = fill(pool, 300, others + 4, 100);
	size_t count = fill(pool, 64, small, MIB / 64);
	of_8192 += fill(pool, 8192, others + 104, 20);
	of_300 += fill(pool, 300, others + 124, 476);
	assert_same(of_8192, 4);
	cr_assert(of_300 >= 100 && of_300 < 576);
	struct waiter waiters[3];
	for (int i = 0; i < 3; i++)
		given_waiter(&waiters[i], pool, i < 2 ? 8192 : 300);
	for (int i = 0; i < 3; i++)
		assert_same(atomic_load(&waiters[i].result), 1);
	free_all(small, count);
	for (int i = 0; i < 3; i++)
		check_served(&waiters[i]);
	check_accounts(pool);
	free_all(others, 104);
	free_all(others + 124, of_300 - 100);
	free(small);
	done_with(pool, NULL);
}

Test(trim, beside_one_nobody_is_told_that_there_is_no_memory_for_good)
{
	struct magring_pool *pool = given_pool(MIB);
	struct magring_message messages[1024], more = { 0 };
	assert_same(fill(pool, 1024, messages, 1024), 1024);
	free_all(messages, 1024);
	struct waiter waiter;
	/* As beside a trim that has all of it in its hands. */
	atomic_store(&pool->trimming, true);
	given_waiter(&waiter, pool, 8192);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, 8192, 0), -ENOBUFS);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, 8192, 1000), -ETIMEDOUT);
	atomic_store(&pool->trimming, false);
	check_served(&waiter);
	done_with(pool, NULL);
}

/* --------------------------------------------- memory that is not there -- */

Test(trim, works_where_no_memory_is_left_for_records_and_magazines)
{
	for (size_t metadata = 0; metadata < 2048; metadata += 256) {
		struct magring_pool *pool = given_pool(MIB);
		struct magring_message messages[129];
		pool->registry.most = 1;
		pool->depot.metadata.limit = metadata;
		for (int lap = 0; lap < 3; lap++) {
			assert_same(fill(pool, 8192, messages, 129), 128);
			for (int i = 0; i < 128; i++)
				memset(bytes_of(&messages[i]), i, 8192);
			for (int i = 0; i < 128; i++)
				assert_same(*(unsigned char *)bytes_of(&messages[i]), i);
			free_all(messages, 128);
			trim(pool, 0);
			check_accounts(pool);
		}
		/*
		 * Without a record it is not given back, but not lost either.
		 */
		if (metadata >= 1024)
			cr_assert(stats_of_pool(pool).trimmed_bytes > 0);
		done_with(pool, NULL);
	}
}

/* ----------------------------------------------------------- efficiency -- */

/*
 * How large the entries of a package database are: so many quantiles of 879 of
 * Debian 12's.
 */
static const size_t record_sizes[] = { 412, 443, 453, 477, 494, 503, 509, 524, 536, 542, 551, 556,
	562, 574, 584, 588, 593, 598, 604, 611, 617, 624, 628, 632, 637, 643, 644, 651, 659, 662,
	667, 674, 677, 686, 694, 699, 705, 709, 714, 719, 723, 727, 731, 736, 740, 747, 751, 755,
	759, 763, 769, 775, 781, 792, 795, 805, 811, 814, 819, 827, 833, 837, 843, 853, 860, 866,
	873, 880, 883, 891, 900, 911, 919, 925, 935, 945, 957, 969, 975, 992, 1004, 1009, 1024,
	1036, 1043, 1048, 1056, 1064, 1074, 1085, 1100, 1108, 1133, 1143, 1152, 1169, 1187, 1235,
	1266, 1281, 1334, 1367, 1400, 1467, 1541, 1607, 1745, 1919, 2082, 3487 };
#define RECORDS (sizeof(record_sizes) / sizeof(record_sizes[0]))

struct loader {
	struct magring_pool *pool;
	struct magring_message *messages;
	pthread_t thread;
	uint32_t dice;
	size_t most, count;
};

/* Records in no order, until there is no memory. */
static void *load_records(void *argument)
{
	struct loader *loader = argument;
	static const char id[] = "a-package:amd64";
	while (loader->count < loader->most) {
		loader->dice = loader->dice * 1664525 + 1013904223;
		size_t size = record_sizes[(loader->dice >> 8) % RECORDS];
		if (magring_message_alloc(loader->pool, &loader->messages[loader->count], id,
			    sizeof(id), size, 0) != 0)
			break;
		loader->count++;
	}
	return NULL;
}

Test(trim, at_full_load_nine_tenths_of_the_memory_are_payload)
{
	struct magring_pool *pool;
	assert_same(magring_pool_create(&pool, NULL), 0);
	struct loader loaders[2];
	for (uint32_t i = 0; i < 2; i++) {
		loaders[i] = (struct loader){ .pool = pool, .dice = i, .most = 600000 };
		loaders[i].messages = calloc(loaders[i].most, sizeof(*loaders[i].messages));
	}
	for (int i = 0; i < 2; i++)
		loaders[i].thread = given_thread(load_records, &loaders[i]);
	for (int i = 0; i < 2; i++)
		joined(loaders[i].thread);
	struct magring_pool_stats stats = stats_of_pool(pool);
	cr_assert(stats.exhausted >= 1);
	cr_assert(stats.efficiency >= 0.9, "%f", stats.efficiency);
	double payload = 0, slabs = 0;
	for (unsigned int i = 0; i < stats.classes; i++) {
		struct magring_class_stats class = stats_of_class(pool, i);
		if (class.carved == 0)
			continue;
		cr_assert(class.efficiency > 0.7 && class.efficiency <= 1, "%zu: %f",
			(size_t) class.slab_size, class.efficiency);
		payload += (double)class.payload_bytes_in_use;
		slabs += (double)class.payload_bytes_in_use / class.efficiency;
	}
	cr_assert(slabs >= payload && slabs <= (double)stats.slab_bytes_carved + 1);
	for (int i = 0; i < 2; i++) {
		free_all(loaders[i].messages, loaders[i].count);
		free(loaders[i].messages);
	}
	assert_same(stats_of_pool(pool).payload_bytes_in_use_high, stats.payload_bytes_in_use);
	trim(pool, 0);
	assert_same(stats_of_pool(pool).slab_bytes_carved, 0);
	check_accounts(pool);
	done_with(pool, NULL);
}
