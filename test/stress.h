/* SPDX-License-Identifier: MIT */
/*
 * What the stress programs share.
 *
 * A program is main() { stress_begin(); rounds while stress_goes_on(); return
 * stress_end(); }. It prints its seed, counts what it did, and exits non-zero if a
 * CHECK failed. It never waits for ever: a watchdog prints the program's state and
 * aborts when nothing was reported by stress_alive() for a long while, which is
 * what a lost wake-up looks like.
 *
 *	argument 1, or MAGRING_STRESS_SEED   the seed; else it is taken from the clock
 *	MAGRING_STRESS_SECONDS               how long to run, 2 by default
 *	MAGRING_STRESS_WATCHDOG              seconds without progress, 20 by default
 *
 * The threads' interleaving is the machine's, so a seed repeats the decisions of
 * a run and not the run.
 *
 * A test message says who sent it and which of the sender's it is, in the first
 * eight bytes of its id; the rest of the id and the payload are a pattern of those
 * two and of both sizes.
 */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "magring.h"

static const char *stress_name;
static uint64_t stress_seed, stress_end_ns;
static unsigned int stress_watchdog_s;
static void (*stress_show)(void); /* prints what a hang is judged by; set before stress_begin() */
static _Atomic(uint64_t) stress_signs; /* of life */
static _Atomic(uint64_t) stress_failures;

#define CHECK(condition, ...) \
	do { \
		if (!(condition)) \
			stress_fail(__FILE__, __LINE__, #condition, __VA_ARGS__); \
	} while (0)

static inline __attribute__((format(printf, 4, 5))) void stress_fail(const char *file, int line,
	const char *condition, const char *format, ...)
{
	/* The first ones tell; a program that goes wrong can go wrong a million times. */
	if (atomic_fetch_add_explicit(&stress_failures, 1, memory_order_relaxed) >= 10)
		return;
	va_list arguments;
	char text[256];
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s:%d: not %s: %s\n", file, line, condition, text);
}

/* ThreadSanitizer's, if it is there: what a watchdog reads is somebody else's. */
void AnnotateIgnoreReadsBegin(const char *file, int line) __attribute__((weak));

/* Something that the program is there for has happened. */
static inline void stress_alive(void)
{
	atomic_fetch_add_explicit(&stress_signs, 1, memory_order_relaxed);
}

static inline uint64_t stress_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void stress_sleep_ns(long ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	nanosleep(&time, NULL);
}

static inline void *stress_watchdog(void *unused)
{
	uint64_t signs = 0, since_ns = stress_now_ns();
	(void)unused;
	for (;;) {
		stress_sleep_ns(50000000);
		uint64_t now = atomic_load_explicit(&stress_signs, memory_order_relaxed);
		uint64_t now_ns = stress_now_ns();
		if (now != signs) {
			signs = now;
			since_ns = now_ns;
		} else if (now_ns - since_ns > (uint64_t)stress_watchdog_s * 1000000000) {
			fprintf(stderr, "%s: nothing has happened for %u s, seed %" PRIu64 "\n",
				stress_name, stress_watchdog_s, stress_seed);
			if (AnnotateIgnoreReadsBegin != NULL)
				AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
			if (stress_show != NULL)
				stress_show();
			abort();
		}
	}
}

static inline void stress_start(pthread_t *thread, void *(*function)(void *), void *argument)
{
	int rc = pthread_create(thread, NULL, function, argument);
	if (rc != 0) {
		fprintf(stderr, "%s: pthread_create: %s\n", stress_name, strerror(rc));
		abort();
	}
}

static inline void *stress_join(pthread_t thread)
{
	void *result;
	int rc = pthread_join(thread, &result);
	if (rc != 0) {
		fprintf(stderr, "%s: pthread_join: %s\n", stress_name, strerror(rc));
		abort();
	}
	return result;
}

static inline void stress_begin(const char *name, int argc, char **argv)
{
	const char *seed = argc > 1 ? argv[1] : getenv("MAGRING_STRESS_SEED");
	const char *seconds = getenv("MAGRING_STRESS_SECONDS");
	const char *watchdog = getenv("MAGRING_STRESS_WATCHDOG");
	pthread_t thread;
	stress_name = name;
	stress_seed = seed != NULL ? strtoull(seed, NULL, 0) : stress_now_ns() ^ (uint64_t)getpid();
	stress_watchdog_s = watchdog != NULL ? (unsigned int)strtoul(watchdog, NULL, 10) : 20;
	stress_end_ns =
		stress_now_ns() + (uint64_t)((seconds != NULL ? strtod(seconds, NULL) : 2) * 1e9);
	printf("%s: seed %" PRIu64 "\n", name, stress_seed);
	fflush(stdout);
	stress_start(&thread, stress_watchdog, NULL);
	pthread_detach(thread);
}

static inline bool stress_goes_on(void)
{
	return stress_now_ns() < stress_end_ns &&
		atomic_load_explicit(&stress_failures, memory_order_relaxed) == 0;
}

/* The exit status. */
static inline int stress_end(void)
{
	uint64_t failures = atomic_load_explicit(&stress_failures, memory_order_relaxed);
	if (failures == 0) {
		printf("%s: passed\n", stress_name);
		return EXIT_SUCCESS;
	}
	printf("%s: FAILED, %" PRIu64 " violations, seed %" PRIu64 "\n", stress_name, failures,
		stress_seed);
	return EXIT_FAILURE;
}

/* ------------------------------------------------------------------- dice -- */

struct dice {
	uint64_t state;
};

/* Sebastiano Vigna's splitmix64. */
static inline uint64_t stress_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A sequence of its own for every stream number. */
static inline struct dice dice_of(uint64_t stream)
{
	return (struct dice){ .state = stress_mix(stress_seed ^ stress_mix(stream)) };
}

/* 0 ... sides - 1 */
static inline uint32_t dice_throw(struct dice *dice, uint32_t sides)
{
	dice->state = stress_mix(dice->state);
	return (uint32_t)((dice->state >> 32) * sides >> 32);
}

/* None, a short one, none at all: as a timeout in nanoseconds. */
static inline int64_t dice_timeout(struct dice *dice)
{
	switch (dice_throw(dice, 3)) {
	case 0:
		return 0;
	case 1:
		return 1 + (int64_t)dice_throw(dice, 200000);
	default:
		return -1;
	}
}

/* --------------------------------------------------------------- messages -- */

struct stress_label {
	uint32_t sender;
	uint32_t sequence;
};

static inline uint64_t stress_pattern(struct stress_label label, size_t id_size,
	size_t payload_size)
{
	return stress_mix(((uint64_t)label.sender << 32 | label.sequence) ^
		stress_mix(payload_size << 8 | id_size));
}

static inline void stress_fill(unsigned char *bytes, size_t size, uint64_t pattern)
{
	for (; size >= sizeof(pattern);
		size -= sizeof(pattern), bytes += sizeof(pattern), pattern++)
		memcpy(bytes, &pattern, sizeof(pattern));
	memcpy(bytes, &pattern, size);
}

static inline bool stress_filled(const unsigned char *bytes, size_t size, uint64_t pattern)
{
	for (; size >= sizeof(pattern);
		size -= sizeof(pattern), bytes += sizeof(pattern), pattern++)
		if (memcmp(bytes, &pattern, sizeof(pattern)) != 0)
			return false;
	return memcmp(bytes, &pattern, size) == 0;
}

/* Ids of every kind: short, as long as fits beside a slab's address, longer. */
static inline size_t dice_id_size(struct dice *dice)
{
	static const size_t sizes[] = { 8, 8, 16, 16, 40, 41, 100, MAGRING_ID_MAX };
	return sizes[dice_throw(dice, sizeof(sizes) / sizeof(sizes[0]))];
}

/* Mostly inline or a few slabs long, now and then large. */
static inline size_t dice_payload_size(struct dice *dice)
{
	switch (dice_throw(dice, 64)) {
	case 0:
		return dice_throw(dice, 70000);
	case 1:
	case 2:
	case 3:
	case 4:
		return dice_throw(dice, 5000);
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
	case 12:
	case 13:
	case 14:
	case 15:
		return dice_throw(dice, 300);
	default:
		return dice_throw(dice, 33);
	}
}

/* id_size is at least 8. The answer is magring_message_alloc()'s. */
static inline int stress_message_wait(struct magring_pool *pool, struct magring_message *message,
	struct stress_label label, size_t id_size, size_t payload_size, int64_t timeout_ns)
{
	unsigned char id[MAGRING_ID_MAX];
	uint64_t pattern = stress_pattern(label, id_size, payload_size);
	memcpy(id, &label, sizeof(label));
	stress_fill(id + sizeof(label), id_size - sizeof(label), pattern);
	int rc = magring_message_alloc(pool, message, id, id_size, payload_size, timeout_ns);
	if (rc == 0)
		stress_fill(magring_message_payload(message, NULL), payload_size, ~pattern);
	return rc;
}

static inline int stress_message_make(struct magring_pool *pool, struct magring_message *message,
	struct stress_label label, size_t id_size, size_t payload_size)
{
	return stress_message_wait(pool, message, label, id_size, payload_size, 0);
}

/* Whether every byte is as the sender made it. */
static inline bool stress_message_intact(struct magring_message *message,
	struct stress_label *ret_label)
{
	size_t id_size, payload_size;
	const unsigned char *id = magring_message_id(message, &id_size);
	const unsigned char *payload = magring_message_payload(message, &payload_size);
	if (id == NULL || id_size < sizeof(*ret_label))
		return false;
	memcpy(ret_label, id, sizeof(*ret_label));
	uint64_t pattern = stress_pattern(*ret_label, id_size, payload_size);
	return stress_filled(id + sizeof(*ret_label), id_size - sizeof(*ret_label), pattern) &&
		stress_filled(payload, payload_size, ~pattern);
}

static inline bool stress_message_empty(const struct magring_message *message)
{
	return magring_message_id(message, NULL) == NULL;
}

/* --------------------------------------------------------------- accounts -- */

static inline struct magring_pool_stats stress_pool_stats(struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(pool, &stats);
	CHECK(rc == 0, "magring_pool_stats: %s", strerror(-rc));
	return stats;
}

static inline struct magring_queue_stats stress_queue_stats(struct magring_queue *queue)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	int rc = magring_queue_get_stats(queue, &stats);
	CHECK(rc == 0, "magring_queue_stats: %s", strerror(-rc));
	return stats;
}

static inline void stress_print_queue(struct magring_queue *queue)
{
	struct magring_queue_stats stats = stress_queue_stats(queue);
	fprintf(stderr,
		"  queue of %" PRIu64 ": sent %" PRIu64 " received %" PRIu64 " full %" PRIu64
		" empty %" PRIu64 " parked %" PRIu64 " woken %" PRIu64 " closed %" PRIu64
		" quarantined %" PRIu64 "\n",
		stats.capacity, stats.sent, stats.received, stats.full, stats.empty, stats.parked,
		stats.woken, stats.closed, stats.quarantined);
}

/* No message is out. */
static inline void stress_check_balance(struct magring_pool *pool)
{
	struct magring_pool_stats stats = stress_pool_stats(pool);
	CHECK(stats.allocated == stats.freed, "allocated %" PRIu64 " freed %" PRIu64,
		stats.allocated, stats.freed);
	CHECK(stats.slabs_in_use == 0 && stats.payload_bytes_in_use == 0 &&
			stats.slab_bytes_in_use == 0,
		"in use: %" PRIu64 " slabs, %" PRIu64 " of %" PRIu64 " bytes", stats.slabs_in_use,
		stats.payload_bytes_in_use, stats.slab_bytes_in_use);
	CHECK(stats.slab_bytes_carved <= stats.memory_limit, "carved %" PRIu64,
		stats.slab_bytes_carved);
}

static inline struct magring_pool *stress_pool(size_t memory_limit, size_t max_payload)
{
	const struct magring_pool_options options = {
		.size = sizeof(options),
		.memory_limit = memory_limit,
		.max_payload = max_payload,
	};
	struct magring_pool *pool = NULL;
	int rc = magring_pool_create(&pool, &options);
	if (rc != 0) {
		fprintf(stderr, "%s: magring_pool_create: %s\n", stress_name, strerror(-rc));
		abort();
	}
	return pool;
}

static inline struct magring_queue *stress_queue_for(struct magring_pool *pool, size_t capacity,
	uint64_t flags)
{
	const struct magring_queue_options options = { .size = sizeof(options),
		.capacity = capacity,
		.flags = flags };
	struct magring_queue *queue = NULL;
	int rc = magring_queue_create(&queue, pool, &options);
	if (rc != 0) {
		fprintf(stderr, "%s: magring_queue_create: %s\n", stress_name, strerror(-rc));
		abort();
	}
	return queue;
}

static inline struct magring_queue *stress_queue(struct magring_pool *pool, size_t capacity)
{
	return stress_queue_for(pool, capacity, 0);
}

static inline void stress_destroy(struct magring_pool *pool)
{
	stress_check_balance(pool);
	int rc = magring_pool_destroy(pool);
	CHECK(rc == 0, "magring_pool_destroy: %s", strerror(-rc));
}

#endif
