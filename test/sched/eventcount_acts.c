/* SPDX-License-Identifier: MIT */
/* The acts are what send_recv.c and blocking.c do, with items for a ring. */
#include "eventcount_acts.h"

#include <stddef.h>

#include "base/eventcount.h"
#include "base/fence.h"

#define ITEMS 24

static struct eventcount eventcount;
/* Atomic. An item is there while its word is 1. */
static uint64_t items[ITEMS], over;
static unsigned int put_so_far, taken_so_far;
static bool is_waiting[SCHED_THREADS];
static uint64_t edges[SCHED_THREADS];

/* ------------------------------------------------- as send_recv.c does it -- */

static bool is_there(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < put_so_far; i++)
		if (sched_load(&items[i], __ATOMIC_RELAXED) == 1)
			return true;
	return sched_load(&over, __ATOMIC_RELAXED);
}

/* eventcount_has_waiters(), with a load that is a step. */
static bool has_waiters(void)
{
	const uint64_t *word = (const uint64_t *)(const void *)&eventcount.word;
	sched_fence_light();
	return eventcount_may_have_waiters(sched_load(word, __ATOMIC_RELAXED)) &&
		eventcount_has_waiters_fenced(&eventcount);
}

/* With stores, as a sender publishes: they may be in the store buffer yet. */
void acts_put(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		sched_require(put_so_far < ITEMS, "too many items");
		sched_store(&items[put_so_far++], 1, __ATOMIC_RELEASE);
	}
	if (has_waiters())
		eventcount_notify(&eventcount);
}

static void pass_on(void *unused)
{
	(void)unused;
	if (has_waiters() && is_there(NULL))
		eventcount_notify(&eventcount);
}

/* Whether the wait is over. */
static bool take_now(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < put_so_far; i++) {
		uint64_t there = 1;
		if (sched_load(&items[i], __ATOMIC_RELAXED) == 1 &&
			sched_cas(&items[i], &there, 2, __ATOMIC_ACQUIRE)) {
			taken_so_far++;
			return true;
		}
	}
	return sched_load(&over, __ATOMIC_RELAXED);
}

static int64_t before_sleep(void *unused)
{
	(void)unused;
	return INT64_MAX;
}

static const struct eventcount_waiter waiter = { .try = take_now,
	.before_sleep = before_sleep,
	.cancelled = pass_on };

void acts_take(int64_t deadline_ns)
{
	is_waiting[sched_self()] = true;
	bool done = take_now(NULL);
	while (!done) {
		done = eventcount_await(&eventcount, &waiter, NULL, deadline_ns);
		if (deadline_ns != INT64_MAX)
			break;
	}
	is_waiting[sched_self()] = false;
	pass_on(NULL);
}

void acts_finish(void)
{
	sched_store(&over, 1, __ATOMIC_RELAXED);
	eventcount_notify_all(&eventcount);
}

void acts_arm(void)
{
	sched_require(eventcount_fd(&eventcount) >= 0, "no descriptor");
	eventcount_arm(&eventcount, is_there, NULL);
}

void acts_poll(bool by_edges)
{
	int fd = eventcount_fd(&eventcount);
	sched_require(fd >= 0, "no descriptor: %d", fd);
	is_waiting[sched_self()] = true;
	for (int i = 0; i < 4 && !take_now(NULL); i++) {
		eventcount_arm(&eventcount, is_there, NULL);
		if (by_edges)
			sched_poll_edge(fd, &edges[sched_self()]);
		else
			sched_poll(fd);
	}
	is_waiting[sched_self()] = false;
}

/* --------------------------------------------------------------------- end -- */

static bool holds(void)
{
	fence_heavy();
	return put_so_far > taken_so_far || sched_load(&over, __ATOMIC_RELAXED);
}

void acts_check_standstill(void)
{
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i) || !holds(),
			"thread %u is asleep beside %u items", i, put_so_far - taken_so_far);
	sched_require(taken_so_far <= put_so_far, "%u items put, %u taken", put_so_far,
		taken_so_far);
}

uint64_t acts_word(void)
{
	const uint64_t *at = (const uint64_t *)(const void *)&eventcount.word;
	return sched_load(at, __ATOMIC_RELAXED);
}

/* All threads are asleep or have ended. */
void acts_check_descriptor(void)
{
	uint64_t word = acts_word();
	int fd = atomic_load_explicit(&eventcount.fd, memory_order_relaxed);
	if (fd < 0)
		return;
	bool readable = sched_fd_is_readable(fd);
	sched_require(readable == ((word & EVENTCOUNT_ARMED) == 0), "readable: %d, word %#lx",
		readable, (unsigned long)word);
	sched_require(readable || !holds(), "a quiet descriptor beside %u items",
		put_so_far - taken_so_far);
}

void acts_check_word(void)
{
	uint64_t word = acts_word();
	sched_require(word < EVENTCOUNT_SLEEPER && word % EVENTCOUNT_FENCED < EVENTCOUNT_WAKING,
		"the word is %#lx when all have left", (unsigned long)word);
	acts_check_descriptor();
}

void acts_begin(bool wraps)
{
	eventcount_init(&eventcount);
	if (wraps && sched_choose(2) == 1)
		sched_add((uint64_t *)(void *)&eventcount.word, UINT32_MAX, __ATOMIC_RELAXED);
	sched_name(&eventcount, sizeof(eventcount), "eventcount");
	sched_name(items, sizeof(items), "items");
}

void acts_end(void)
{
	eventcount_fini(&eventcount);
}
