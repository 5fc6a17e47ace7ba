/* SPDX-License-Identifier: MIT */
/*
 * Threads at an eventcount: the condition is a number of items. Each thread does
 * what ./run says.
 *
 * Checked: no thread sleeps for ever (GenMC's -check-liveness: a thread waits in
 * kernel.c for a store that no thread will make), every item is taken once, the word
 * of the eventcount is in order at the end, and the descriptor says what it shall.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/fence.h"
#include "base/eventcount.h"
#include "kernel.h"
#include "verifier.h"

static struct eventcount eventcount;
static _Atomic(uint64_t) items;
static _Atomic(bool) over;

static bool there(void *unused)
{
	(void)unused;
	/* Relaxed: as the ring's predicates, a hint. */
	return atomic_load_explicit(&items, memory_order_relaxed) > 0 ||
		atomic_load_explicit(&over, memory_order_relaxed);
}

static void pass_on(void)
{
	if (eventcount_has_waiters(&eventcount) && there(NULL))
		eventcount_notify(&eventcount);
}

/* What blocking.c, send_recv.c and eventcount_await() do, with a number instead of a ring. */

static void put(uint64_t count)
{
	atomic_fetch_add_explicit(&items, count, memory_order_release);
	fence_light();
	if (eventcount_has_waiters(&eventcount))
		eventcount_notify(&eventcount);
}

/* 1, 0 if there is nothing, -1 if it is over. */
static int attempt(void)
{
	uint64_t n = atomic_load_explicit(&items, memory_order_relaxed);
	while (n > 0)
		if (atomic_compare_exchange_strong_explicit(&items, &n, n - 1, memory_order_acquire,
			    memory_order_relaxed))
			return 1;
	return atomic_load_explicit(&over, memory_order_relaxed) ? -1 : 0;
}

/* Returns how many were taken. */
static uint64_t take(int64_t deadline_ns)
{
	int result = attempt();
	while (result == 0) {
		uint32_t ticket = eventcount_prepare_wait(&eventcount);
		result = attempt();
		if (result == 0)
			eventcount_commit_wait(&eventcount, ticket, deadline_ns);
		eventcount_cancel_wait(&eventcount);
		if (result == 0)
			result = attempt();
		if (deadline_ns != INT64_MAX)
			break;
	}
	fence_light();
	pass_on();
	return result > 0;
}

/* A log: how many were put, and how many taken. */
#define PUT 16

always_inline uint64_t do_put(uint64_t self, uint64_t log)
{
	(void)self;
	put(1);
	return log + PUT;
}

always_inline uint64_t do_put_two(uint64_t self, uint64_t log)
{
	(void)self;
	put(2);
	return log + 2 * PUT;
}

always_inline uint64_t do_take(uint64_t self, uint64_t log)
{
	(void)self;
	return log + take(INT64_MAX);
}

always_inline uint64_t do_take_until(uint64_t self, uint64_t log)
{
	(void)self;
	return log + take(1);
}

always_inline uint64_t do_end_time(uint64_t self, uint64_t log)
{
	(void)self;
	kernel_end_time();
	return log;
}

always_inline uint64_t do_close(uint64_t self, uint64_t log)
{
	(void)self;
	atomic_store_explicit(&over, true, memory_order_relaxed);
	eventcount_notify_all(&eventcount);
	return log;
}

/* As one that polls does: nothing there, so arm the descriptor. */
always_inline uint64_t do_poll(uint64_t self, uint64_t log)
{
	(void)self;
	require(eventcount_fd(&eventcount) >= 0);
	int result = attempt();
	if (result == 0)
		eventcount_arm(&eventcount, there, NULL);
	return log + (result > 0);
}

#include "threads.h"

int main(void)
{
	long threads[THREADS];
	uint64_t all = 0;
	eventcount_init(&eventcount);
	start_threads(threads);
	for (int i = 0; i < THREADS; i++)
		all += join_thread(threads[i]);
	require(all % PUT + atomic_load_explicit(&items, memory_order_relaxed) == all / PUT);
	uint64_t word = atomic_load_explicit(&eventcount.word, memory_order_relaxed);
	require(word < EVENTCOUNT_SLEEPER && word % EVENTCOUNT_FENCED < EVENTCOUNT_WAKING);
	int fd = atomic_load_explicit(&eventcount.fd, memory_order_relaxed);
	require(fd < 0 || kernel_readable(fd) == ((word & EVENTCOUNT_ARMED) == 0));
	require(fd < 0 || !there(NULL) || kernel_readable(fd));
	eventcount_fini(&eventcount);
	return 0;
}
