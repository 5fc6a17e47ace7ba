/* SPDX-License-Identifier: MIT */
/*
 * A pool that is trimmed all the time, beside threads that allocate, send to
 * one another and free messages of several size classes, of which each is in
 * favour for a while. Its budget is too small for all of them: they are
 * refused, wait for a while, or without limit if they have nothing that others
 * wait for.
 *
 * No slab is in two hands, nor given back while it is in one, which patterns
 * show. Nobody sleeps on beside free memory, which the watchdog would tell.
 * Statistics are never negative. In the end all that was carved can be trimmed,
 * and the whole budget serves any class.
 *
 * In a third of the rounds there is hardly any memory for magazines and
 * records.
 */
#include "stress.h"

#include <sched.h>

#include "pool/pool.h"

#define WORKERS 5
#define HELD 24
#define TURNS 1500
#define BUDGET ((size_t)1 << 20)

static const size_t sizes[] = { 60, 500, 1000, 3000, 8000, 30000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct round {
	struct magring_pool *pool;
	struct magring_queue *queue;
	_Atomic(bool) over;
} game;
static _Atomic(uint64_t) made, refused, hopeless, trims, trimmed, unlimited;

struct worker {
	uint32_t number;
	uint64_t stream;
	pthread_t thread;
	struct magring_message held[HELD];
	uint32_t count;
};

static void count(_Atomic(uint64_t) *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void show(void)
{
	struct magring_pool_stats stats = stress_pool_stats(game.pool);
	fprintf(stderr,
		"  in use %" PRIu64 " carved %" PRIu64 " of %zu bytes, exhausted %" PRIu64
		" trims %" PRIu64 "\n",
		stats.slab_bytes_in_use, stats.slab_bytes_carved, BUDGET, stats.exhausted,
		stats.trims);
	for (unsigned int i = 0; i < stats.classes; i++) {
		struct magring_class_stats class = { .size = sizeof(class) };
		if (magring_pool_get_class_stats(game.pool, i, &class) == 0 && class.carved > 0)
			fprintf(stderr,
				"  %" PRIu64 " bytes: allocated %" PRIu64 " freed %" PRIu64
				" carved %" PRIu64 " trimmed %" PRIu64 "\n",
				class.slab_size, class.allocated, class.freed, class.carved,
				class.trimmed);
	}
}

static void check_and_free(struct magring_message *message)
{
	struct stress_label label = { 0 };
	CHECK(stress_message_intact(message, &label), "%" PRIu32 ":%" PRIu32, label.sender,
		label.sequence);
	magring_message_free(message);
}

/* One that it holds is freed, by it or by its receiver. */
static void let_go(struct worker *worker, struct dice *dice)
{
	struct magring_message *message = &worker->held[dice_throw(dice, worker->count)];
	if (dice_throw(dice, 2) == 0 && magring_send(game.queue, message, 0) == 0 &&
		magring_recv(game.queue, message, 0) != 0) {
		*message = worker->held[--worker->count];
		return;
	}
	check_and_free(message);
	*message = worker->held[--worker->count];
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	uint32_t favourite = 0;
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		struct stress_label label = { .sender = worker->number, .sequence = turn };
		if (turn % 100 == 0)
			favourite = dice_throw(&dice, SIZES);
		size_t size =
			sizes[dice_throw(&dice, 8) == 0 ? dice_throw(&dice, SIZES) : favourite];
		/*
		 * A thread that waits without limit holds nothing, or all might
		 * wait for one another.
		 */
		if (dice_throw(&dice, 20) == 0)
			while (worker->count > 0)
				let_go(worker, &dice);
		int64_t timeout_ns = worker->count == 0 ? -1
			: dice_throw(&dice, 4) == 0     ? (int64_t)dice_throw(&dice, 100000)
							: 0;
		int rc = stress_message_wait(game.pool, &worker->held[worker->count], label, 8,
			size, timeout_ns);
		CHECK(rc == 0 || rc == -ENOBUFS || (rc == -ETIMEDOUT && timeout_ns > 0), "%s",
			strerror(-rc));
		stress_alive();
		count(&made, rc == 0);
		count(&refused, rc != 0);
		count(&unlimited, timeout_ns < 0);
		count(&hopeless, rc == -ENOBUFS && timeout_ns != 0);
		worker->count += rc == 0;
		if (worker->count == HELD ||
			(worker->count > 0 && (rc != 0 || dice_throw(&dice, 2) == 0)))
			let_go(worker, &dice);
	}
	while (worker->count > 0)
		let_go(worker, &dice);
	/* What others left in the queue has to be freed by somebody. */
	while (magring_recv(game.queue, &worker->held[0], 0) == 0)
		check_and_free(&worker->held[0]);
	return NULL;
}

static void check_statistics(void)
{
	struct magring_pool_stats stats = stress_pool_stats(game.pool);
	CHECK(stats.slabs_in_use < UINT32_MAX && stats.slab_bytes_carved <= BUDGET &&
			stats.memory_bytes < (uint64_t)1 << 40 && stats.slab_bytes_cached <= BUDGET,
		"in use %" PRIu64 " carved %" PRIu64 " cached %" PRIu64 " memory %" PRIu64,
		stats.slabs_in_use, stats.slab_bytes_carved, stats.slab_bytes_cached,
		stats.memory_bytes);
	for (unsigned int i = 0; i < stats.classes; i++) {
		struct magring_class_stats class = { .size = sizeof(class) };
		CHECK(magring_pool_get_class_stats(game.pool, i, &class) == 0 &&
				class.carved >= class.trimmed && class.allocated >= class.freed,
			"class %u: carved %" PRIu64 " trimmed %" PRIu64, i, class.carved,
			class.trimmed);
	}
}

static void *trim(void *argument)
{
	struct dice dice = dice_of(*(uint64_t *)argument);
	while (!atomic_load_explicit(&game.over, memory_order_relaxed)) {
		size_t bytes = 0;
		int rc = magring_pool_trim(game.pool,
			dice_throw(&dice, 2) * (int64_t)dice_throw(&dice, 1000000), &bytes);
		CHECK(rc == 0 || rc == -EBUSY, "%s", strerror(-rc));
		count(&trims, rc == 0);
		count(&trimmed, bytes);
		check_statistics();
		if (dice_throw(&dice, 4) == 0)
			sched_yield();
		if (dice_throw(&dice, 4) == 0)
			stress_sleep_ns(dice_throw(&dice, 300000));
	}
	return NULL;
}

static struct magring_message messages[BUDGET / 64 + 1];

static void *free_messages(void *count)
{
	for (size_t i = 0; i < *(size_t *)count; i++)
		check_and_free(&messages[i]);
	return NULL;
}

/*
 * No thread is at work: after a trim all of the budget serves one class, and
 * not more. Another thread frees it, so that some cools until the next trim.
 */
static void check_budget(size_t size, bool all)
{
	pthread_t thread;
	size_t wanted = BUDGET / slab_size(slab_class(size)), got = 0;
	CHECK(magring_pool_trim(game.pool, 0, NULL) == 0, "trim");
	CHECK(!all || stress_pool_stats(game.pool).slab_bytes_carved == 0, "carved %" PRIu64,
		stress_pool_stats(game.pool).slab_bytes_carved);
	while (got <= wanted &&
		stress_message_make(game.pool, &messages[got],
			(struct stress_label){ .sequence = (uint32_t)got }, 8, size) == 0)
		got++;
	CHECK(got == wanted || (!all && got < wanted), "%zu of %zu slabs of %zu bytes", got, wanted,
		size);
	stress_start(&thread, free_messages, &got);
	stress_join(thread);
	stress_alive();
}

/* Waits for as long as it takes. */
static void *wait_for_trim(void *size)
{
	struct magring_message message;
	struct stress_label label = { 0 };
	int rc = stress_message_wait(game.pool, &message, label, 8, *(size_t *)size, -1);
	CHECK(rc == 0, "%s", strerror(-rc));
	if (rc == 0)
		check_and_free(&message);
	stress_alive();
	return NULL;
}

/*
 * While a thread sleeps that waits for memory of one class, that of another is
 * freed, and trimmed.
 */
static void check_wakeup(size_t size, uint32_t in_use)
{
	static struct magring_message small[BUDGET / 1024];
	struct magring_message kept[4];
	struct stress_label label = { 0 };
	size_t count = 0;
	pthread_t sleeper;
	CHECK(magring_pool_trim(game.pool, 0, NULL) == 0, "trim");
	for (uint32_t i = 0; i < in_use; i++)
		CHECK(stress_message_make(game.pool, &kept[i], label, 8, size) == 0,
			"slab %" PRIu32, i);
	while (count < BUDGET / 1024 &&
		stress_message_make(game.pool, &small[count], label, 8, 1000) == 0)
		count++;
	CHECK(count == BUDGET / 1024 - in_use * 8, "%zu small ones", count);
	stress_start(&sleeper, wait_for_trim, &size);
	for (int i = 0; i < 1000 && !eventcount_has_waiters(&game.pool->memory[slab_class(size)]);
		i++)
		stress_sleep_ns(100000);
	stress_sleep_ns(3000000); /* by then it has looked once more, and sleeps */
	while (count > 0)
		check_and_free(&small[--count]);
	int rc = magring_pool_trim(game.pool, 0, NULL);
	CHECK(rc == 0 || rc == -EBUSY, "%s", strerror(-rc)); /* the sleeper may trim */
	stress_join(sleeper);
	while (in_use > 0)
		check_and_free(&kept[--in_use]);
}

static void check_wakeups(void)
{
	/* Of slabs of 8192 bytes four are carved at a time. */
	check_wakeup(8000, 4);
	/*
	 * While another thread has free memory in its hands even a class
	 * without a slab is waited for.
	 */
	chunk_begin_move(&game.pool->depot.chunks);
	check_wakeup(30000, 0);
	chunk_end_move(&game.pool->depot.chunks);
}

static void play(struct dice *dice, uint64_t number)
{
	struct worker workers[WORKERS] = { 0 };
	pthread_t trimmers[2];
	uint64_t streams[2] = { number * 16 + 14, number * 16 + 15 };
	bool starved = number % 3 == 0;
	game.pool = stress_pool(BUDGET, 1 << 16);
	if (starved) {
		game.pool->registry.most = 8;
		game.pool->depot.metadata.limit =
			(4 + dice_throw(dice, 60)) * sizeof(struct magazine);
	}
	game.queue = stress_queue(game.pool, 8);
	atomic_store_explicit(&game.over, false, memory_order_relaxed);
	for (int i = 0; i < 2; i++)
		stress_start(&trimmers[i], trim, &streams[i]);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].stream = number * 16 + i;
		stress_start(&workers[i].thread, work, &workers[i]);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		stress_join(workers[i].thread);
	atomic_store_explicit(&game.over, true, memory_order_relaxed);
	for (int i = 0; i < 2; i++)
		stress_join(trimmers[i]);
	struct magring_message message;
	while (magring_recv(game.queue, &message, 0) == 0)
		check_and_free(&message);
	stress_check_balance(game.pool);
	for (uint32_t i = 0; i < SIZES; i++)
		check_budget(sizes[i], !starved);
	if (!starved)
		check_wakeups();
	CHECK(magring_queue_release(game.queue) == 0, "destroy");
	stress_destroy(game.pool);
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_trim", argc, argv);
	struct dice dice = dice_of(0);
	uint64_t rounds = 0;
	for (; stress_goes_on(); rounds++)
		play(&dice, rounds + 1);
	CHECK(atomic_load_explicit(&trimmed, memory_order_relaxed) > 0, "nothing was trimmed");
	printf("%" PRIu64 " rounds, %" PRIu64 " messages, %" PRIu64 " refused, %" PRIu64
	       " though they would have waited, %" PRIu64 " without limit; %" PRIu64
	       " trims of %" PRIu64 " bytes\n",
		rounds, atomic_load_explicit(&made, memory_order_relaxed),
		atomic_load_explicit(&refused, memory_order_relaxed),
		atomic_load_explicit(&hopeless, memory_order_relaxed),
		atomic_load_explicit(&unlimited, memory_order_relaxed),
		atomic_load_explicit(&trims, memory_order_relaxed),
		atomic_load_explicit(&trimmed, memory_order_relaxed));
	return stress_end();
}
