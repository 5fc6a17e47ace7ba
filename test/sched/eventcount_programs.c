/* SPDX-License-Identifier: MIT */
/*
 * The eventcount alone. Its condition is a number of items, which some threads
 * put and others take, and that it is over.
 *
 * All stand still: no thread is asleep while the condition holds, the items are
 * as many as were put and not taken, the word counts nothing, and the
 * descriptor says what it shall.
 */
#include "programs.h"
#include "scheduler.h"

#include <errno.h>
#include <stddef.h>

#include "base/eventcount.h"
#include "base/fence.h"

#define ITEMS 24

static struct eventcount eventcount;
/* Atomic. An item is there while its word is 1. */
static uint64_t items[ITEMS], over;
static unsigned int put_so_far, taken_so_far;
static bool is_waiting[SCHED_THREADS];
static unsigned int acts_of_each;
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
	return eventcount_may_have_waiters(sched_load(word, __ATOMIC_RELAXED)) &&
		eventcount_has_waiters_fenced(&eventcount);
}

/* With stores, as a sender publishes: they may be in the store buffer yet. */
static void put(unsigned int count)
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

static void take(int64_t deadline_ns)
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

static void finish(void)
{
	sched_store(&over, 1, __ATOMIC_RELAXED);
	eventcount_notify_all(&eventcount);
}

/* Until it has got something, or has tried four times. */
static void poll_for_one(bool by_edges)
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

/* ----------------------------------------------------------------- threads -- */

static void putter(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++)
		put(1 + sched_choose(2));
}

static void put_one(void *unused)
{
	(void)unused;
	put(1);
}

static void put_ones(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++) {
		sched_pass(sched_choose(30));
		put(1);
	}
}

static void put_two(void *unused)
{
	(void)unused;
	put(2);
}

static void taker(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++)
		take(INT64_MAX);
}

static void take_one(void *unused)
{
	(void)unused;
	take(INT64_MAX);
}

static void taker_until(void *unused)
{
	(void)unused;
	take(sched_time() + 300);
}

static void poller(void *unused)
{
	(void)unused;
	poll_for_one(false);
}

static void edge_poller(void *unused)
{
	(void)unused;
	poll_for_one(true);
}

static void finisher(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(60));
	finish();
}

static void canceller(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(60));
	sched_cancel(1);
}

/* --------------------------------------------------------------------- end -- */

static bool holds(void)
{
	fence_heavy();
	return put_so_far > taken_so_far || sched_load(&over, __ATOMIC_RELAXED);
}

static void check_standstill(void)
{
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i) || !holds(),
			"thread %u is asleep beside %u items", i, put_so_far - taken_so_far);
	sched_require(taken_so_far <= put_so_far, "%u items put, %u taken", put_so_far,
		taken_so_far);
}

static uint64_t word_now(void)
{
	const uint64_t *at = (const uint64_t *)(const void *)&eventcount.word;
	return sched_load(at, __ATOMIC_RELAXED);
}

/* All threads are asleep or have ended. */
static void check_descriptor(void)
{
	uint64_t word = word_now();
	int fd = atomic_load_explicit(&eventcount.fd, memory_order_relaxed);
	if (fd < 0)
		return;
	bool readable = sched_fd_is_readable(fd);
	sched_require(readable == ((word & EVENTCOUNT_ARMED) == 0), "readable: %d, word %#lx",
		readable, (unsigned long)word);
	sched_require(readable || !holds(), "a quiet descriptor beside %u items",
		put_so_far - taken_so_far);
}

static void check_word(void)
{
	uint64_t word = word_now();
	sched_require(word < EVENTCOUNT_SLEEPER && word % EVENTCOUNT_FENCED < EVENTCOUNT_WAKING,
		"the word is %#lx when all have left", (unsigned long)word);
	check_descriptor();
}

static void begin(void)
{
	eventcount_init(&eventcount);
	if (sched_choose(2) == 1)
		atomic_init(&eventcount.word, UINT32_MAX);
	sched_name(&eventcount, sizeof(eventcount), "eventcount");
	sched_name(items, sizeof(items), "items");
}

static void end(void)
{
	sched_wait();
	check_standstill();
	check_descriptor();
	finish();
	sched_wait();
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i), "thread %u is asleep when it is over", i);
	check_word();
	eventcount_fini(&eventcount);
}

/* ---------------------------------------------------------------- programs -- */

static void run_eventcount(void)
{
	static void (*const kinds[])(void *) = { putter, taker, taker_until, putter, taker, poller,
		edge_poller, finisher };
	begin();
	acts_of_each = 1 + sched_choose(2);
	unsigned int threads = 3 + sched_choose(3);
	sched_spawn("taker", taker, NULL);
	for (unsigned int i = 1; i < threads; i++)
		sched_spawn("any", kinds[sched_choose(8)], NULL);
	if (sched_choose(4) == 1)
		sched_spawn("canceller", canceller, NULL);
	end();
}

static void run_eventcount_sleepers(void)
{
	begin();
	acts_of_each = 1;
	for (int i = 0; i < 3; i++)
		sched_spawn("taker", take_one, NULL);
	for (int i = 0; i < 3; i++)
		sched_spawn("putter", put_one, NULL);
	end();
}

/* Again and again, so that sleepers find marks of those before. */
static void run_eventcount_again(void)
{
	begin();
	acts_of_each = 3;
	sched_spawn("taker", taker, NULL);
	if (sched_choose(3) == 1)
		sched_spawn("taker", taker, NULL);
	for (unsigned int i = 0; i <= sched_choose(2); i++)
		sched_spawn("putter", put_ones, NULL);
	end();
}

/*
 * A sleeper stops wherever it is, for good. It owes no wake-up, unless it was
 * woken. Then, at the latest, the next item wakes another.
 */
static void run_eventcount_stopped(void)
{
	begin();
	acts_of_each = 1;
	uint32_t epoch = (uint32_t)word_now();
	sched_spawn("taker", take_one, NULL);
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("putter", put_one, NULL);
	sched_pass(sched_choose(40));
	sched_stop(1);
	sched_wait();
	if ((uint32_t)word_now() == epoch) /* no wake-up was ever sent */
		check_standstill();
	put(1);
	sched_wait();
	check_standstill();
	sched_resume_all();
	end();
}

static void run_eventcount_pollers(void)
{
	begin();
	acts_of_each = 1;
	sched_spawn("poller", poller, NULL);
	sched_spawn("poller", sched_choose(2) == 0 ? poller : edge_poller, NULL);
	sched_spawn("taker", sched_choose(2) == 0 ? take_one : taker_until, NULL);
	sched_spawn("putter", sched_choose(2) == 0 ? put_one : put_two, NULL);
	sched_spawn("putter", sched_choose(2) == 0 ? put_one : finisher, NULL);
	end();
}

static void begin_small(void)
{
	eventcount_init(&eventcount);
	acts_of_each = 1;
}

static void run_eventcount_one(void)
{
	begin_small();
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	end();
}

static void run_eventcount_two(void)
{
	begin_small();
	sched_spawn("taker", take_one, NULL);
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_two, NULL);
	end();
}

static void run_eventcount_poll(void)
{
	begin_small();
	sched_spawn("poller", poller, NULL);
	sched_spawn("putter", put_one, NULL);
	end();
}

#define PROGRAM(symbol, about, flags) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		flags };

PROGRAM(eventcount, "threads of any kind at an eventcount", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
PROGRAM(eventcount_sleepers, "three wake-ups for three sleepers", SCHED_MAY_STOP)
PROGRAM(eventcount_again, "the same threads sleep and wake again", SCHED_MAY_STOP)
PROGRAM(eventcount_stopped, "one of two sleepers stops for good", 0)
PROGRAM(eventcount_pollers, "descriptors and sleepers", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
PROGRAM(eventcount_one, "small: one sleeper, one waker", SCHED_SMALL)
PROGRAM(eventcount_two, "small: two sleepers, one wake-up", SCHED_SMALL)
PROGRAM(eventcount_poll, "small: one poller, one waker", SCHED_SMALL)

const struct sched_program *const eventcount_programs[] = { &program_eventcount,
	&program_eventcount_sleepers, &program_eventcount_again, &program_eventcount_stopped,
	&program_eventcount_pollers, &program_eventcount_one, &program_eventcount_two,
	&program_eventcount_poll, NULL };
