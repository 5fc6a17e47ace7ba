/* SPDX-License-Identifier: MIT */
/* Waiting for memory: magring_message_alloc() with a timeout, see lib/pool/alloc_wait.c. */
#include "given.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include "pool/pool.h"

#define PAYLOAD 1000

struct waiter {
	pthread_t thread;
	struct magring_pool *pool;
	struct magring_message message;
	size_t payload;
	int64_t timeout_ns;
	_Atomic(pid_t) tid;
	_Atomic(int) result; /* 1 while it is not known */
	long sleeps;         /* in all */
};

static void *wait_for_memory(void *argument)
{
	struct waiter *waiter = argument;
	atomic_store(&waiter->tid, (pid_t)syscall(SYS_gettid));
	int result = magring_message_alloc(waiter->pool, &waiter->message, NULL, 0, waiter->payload,
		waiter->timeout_ns);
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	waiter->sleeps = usage.ru_nvcsw;
	atomic_store(&waiter->result, result);
	return NULL;
}

static bool sleeps(struct waiter *waiter)
{
	pid_t tid = atomic_load(&waiter->tid);
	return eventcount_has_waiters(&waiter->pool->memory[slab_class(waiter->payload)]) &&
		tid != 0 && is_asleep(tid);
}

static void start(struct waiter *waiter, struct magring_pool *pool, size_t payload,
	int64_t timeout_ns)
{
	*waiter = (struct waiter){ .pool = pool,
		.payload = payload,
		.timeout_ns = timeout_ns,
		.result = 1 };
	waiter->thread = given_thread(wait_for_memory, waiter);
}

static void start_asleep(struct waiter *waiter, struct magring_pool *pool, size_t payload)
{
	start(waiter, pool, payload, -1);
	/* Once is enough: it may look again by itself, and sleep again. */
	bool seen = false;
	for (int looks = 0; looks < 30000 && !(seen = sleeps(waiter)); looks++)
		usleep(1000);
	cr_assert(seen, "it does not fall asleep");
}

static void given_waiter(struct waiter *waiter, struct magring_pool *pool)
{
	start_asleep(waiter, pool, PAYLOAD);
}

static void check_done(struct waiter *waiter, int wanted)
{
	assert_eventually(atomic_load(&waiter->result) != 1);
	joined(waiter->thread);
	assert_same(atomic_load(&waiter->result), wanted);
}

/* A pool whose budget is used up, by messages of 1,000 bytes. */
static struct magring_pool *given_full_pool(struct magring_message *messages, size_t count)
{
	struct magring_pool *pool = given_pool(count * 1024);
	for (size_t i = 0; i < count; i++)
		messages[i] = given_message(pool, PAYLOAD);
	return pool;
}

static void done(struct magring_pool *pool, struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		magring_message_free(&messages[i]);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(room, who_does_not_wait_is_told_that_there_is_none)
{
	struct magring_message messages[4], other = { .private_header = 0 };
	struct magring_pool *pool = given_full_pool(messages, 4);
	assert_same(magring_message_alloc(pool, &other, NULL, 0, PAYLOAD, 0), -ENOBUFS);
	assert_same(other.private_header, 0);
	assert_same(stats_of_pool(pool).exhausted, 1);
	done(pool, messages, 4);
}

Test(room, a_timeout_is_kept_and_changes_nothing)
{
	struct magring_message messages[4], other = { .private_header = 0 };
	struct magring_pool *pool = given_full_pool(messages, 4);
	int64_t begin_ns = now_ns();
	assert_same(magring_message_alloc(pool, &other, "id", 2, PAYLOAD, 20000000), -ETIMEDOUT);
	cr_assert_geq(now_ns() - begin_ns, 20000000);
	assert_same(other.private_header, 0);
	assert_same(stats_of_pool(pool).slabs_in_use, 4);
	assert_same(stats_of_pool(pool).exhausted, 1);
	cr_assert_not(eventcount_has_waiters(&pool->memory[slab_class(PAYLOAD)]),
		"somebody is said to sleep");
	done(pool, messages, 4);
}

Test(room, who_waits_for_a_message_that_can_never_be_is_told_at_once)
{
	struct magring_pool *pool = given_pool(64 << 10);
	struct magring_message message;
	assert_same(magring_message_alloc(pool, &message, NULL, 0, (size_t)1 << 20, -1), -EMSGSIZE);
	assert_same(magring_pool_destroy(pool), 0);
}

Test(room, what_needs_no_slab_waits_for_none)
{
	struct magring_message messages[4], other;
	struct magring_pool *pool = given_full_pool(messages, 4);
	assert_same(magring_message_copy(pool, &other, "id", 2, "payload", 8, -1), 0);
	magring_message_free(&other);
	done(pool, messages, 4);
}

Test(room, a_free_wakes_who_waits)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter waiter;
	given_waiter(&waiter, pool);
	magring_message_free(&messages[2]); /* into this thread's cache */
	check_done(&waiter, 0);
	messages[2] = waiter.message;
	done(pool, messages, 4);
}

static void *free_and_idle(void *argument)
{
	struct waiter *waiter = argument;
	magring_message_free(&waiter->message);
	while (atomic_load(&waiter->result) == 0)
		usleep(1000);
	return NULL;
}

Test(room, a_free_by_a_thread_that_then_idles_wakes_who_waits)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter waiter, idler = { .pool = pool, .message = messages[3] };
	given_waiter(&waiter, pool);
	idler.thread = given_thread(free_and_idle, &idler);
	check_done(&waiter, 0);
	atomic_store(&idler.result, 1);
	joined(idler.thread);
	messages[3] = waiter.message;
	done(pool, messages, 4);
}

Test(room, all_who_wait_are_served)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter waiters[4];
	for (int i = 0; i < 4; i++)
		given_waiter(&waiters[i], pool);
	for (int i = 0; i < 4; i++)
		magring_message_free(&messages[i]);
	for (int i = 0; i < 4; i++) {
		check_done(&waiters[i], 0);
		messages[i] = waiters[i].message;
	}
	done(pool, messages, 4);
}

Test(room, one_slab_serves_many_in_turn)
{
	struct magring_message message;
	struct magring_pool *pool = given_full_pool(&message, 1);
	struct waiter waiters[5];
	for (int i = 0; i < 5; i++)
		given_waiter(&waiters[i], pool);
	for (int served = 0; served < 5; served++) {
		magring_message_free(&message);
		int who = -1;
		for (int looks = 0; looks < 30000 && who < 0; looks++) {
			for (int i = 0; i < 5 && who < 0; i++)
				if (waiters[i].pool != NULL && atomic_load(&waiters[i].result) != 1)
					who = i;
			usleep(1000);
		}
		cr_assert_geq(who, 0, "nobody was served");
		check_done(&waiters[who], 0);
		waiters[who].pool = NULL;
		message = waiters[who].message;
	}
	done(pool, &message, 1);
}

Test(room, who_is_cancelled_holds_nothing_and_the_next_is_served)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter first, second;
	given_waiter(&first, pool);
	given_waiter(&second, pool);
	pthread_cancel(first.thread);
	void *result;
	pthread_join(first.thread, &result);
	cr_assert_eq(result, PTHREAD_CANCELED);
	magring_message_free(&messages[0]);
	check_done(&second, 0);
	messages[0] = second.message;
	done(pool, messages, 4);
}

/* A thread that is stopped inside the library, at work in its cache: what is in that
 * cache is out of reach. Nobody hangs for it, and it comes back. */
Test(room, a_thread_stopped_at_work_in_its_cache_keeps_only_what_it_caches)
{
	struct magring_message messages[4], other;
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	struct waiter waiter;
	magring_message_free(&messages[0]);
	cr_assert(cache_enter(cache)); /* and stopped */
	start(&waiter, pool, PAYLOAD, 50000000);
	check_done(&waiter, -ETIMEDOUT);
	given_waiter(&waiter, pool);
	cache_leave(cache);
	check_done(&waiter, 0); /* although nothing was freed since it went to sleep */
	other = waiter.message;
	magring_message_free(&other);
	done(pool, &messages[1], 3);
}

/* Two threads have counted a wake-up each, and stopped before their system
 * call. */
static void given_two_stopped_wakers(struct magring_pool *pool)
{
	struct eventcount *eventcount = &pool->memory[slab_class(PAYLOAD)];
	assert_same(atomic_load(&eventcount->word) & (EVENTCOUNT_FENCED - EVENTCOUNT_WAKING), 0);
	atomic_fetch_add(&eventcount->word, 2 * (1 + EVENTCOUNT_WAKING));
}

Test(room, two_stopped_wakers_leave_all_asleep_until_another_is_about_to_sleep)
{
	struct magring_message messages[4];
	struct waiter waiters[3];
	struct magring_pool *pool = given_full_pool(messages, 4);
	given_waiter(&waiters[0], pool);
	given_waiter(&waiters[1], pool);
	given_two_stopped_wakers(pool);
	given_waiter(&waiters[2], pool);
	for (int i = 0; i < 3; i++)
		magring_message_free(&messages[i]);
	for (int i = 0; i < 3; i++) {
		check_done(&waiters[i], 0);
		magring_message_free(&waiters[i].message);
	}
	done(pool, messages, 4);
}

/* Each look has all processors pass a barrier. */
Test(room, a_sleeper_looks_for_a_hidden_slab_less_and_less_often)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct cache *cache = thread_cache_at_hand(&pool->registry);
	struct waiter waiter;
	cr_assert(cache_enter(cache));
	start(&waiter, pool, PAYLOAD, 500000000);
	check_done(&waiter, -ETIMEDOUT);
	cache_leave(cache);
	cr_assert_leq(waiter.sleeps, 100, "it slept %ld times in half a second", waiter.sleeps);
	done(pool, messages, 4);
}

/* Slabs stay with their class. */
Test(room, a_free_of_a_larger_class_serves_a_thread_that_waits)
{
	struct magring_message messages[4];
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter waiter;
	start_asleep(&waiter, pool, 64);
	assert_same(atomic_load(&waiter.result), 1);
	magring_message_free(&messages[0]);
	check_done(&waiter, 0);
	assert_same(stats_of_pool(pool).exhausted, 1);
	magring_message_free(&waiter.message);
	messages[0] = given_message(pool, PAYLOAD);
	done(pool, messages, 4);
}

Test(room, frees_of_a_smaller_class_serve_a_thread_that_waits)
{
	struct magring_message messages[4], more = { 0 };
	struct magring_pool *pool = given_full_pool(messages, 4);
	struct waiter waiter;
	start_asleep(&waiter, pool, 4000);
	free_all(messages, 3);
	usleep(20000);
	assert_same(atomic_load(&waiter.result), 1);
	magring_message_free(&messages[3]);
	check_done(&waiter, 0);
	assert_same(magring_message_alloc(pool, &more, NULL, 0, PAYLOAD, 0), -ENOBUFS);
	magring_message_free(&waiter.message);
	assert_same(magring_pool_destroy(pool), 0);
}
