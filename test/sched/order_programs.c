/* SPDX-License-Identifier: MIT */
/*
 * Programs that are directed at one edge of the ring each: [order], [recovery]
 * and [queues] in docs/memory-model.md. Threads stop in exact places. Then one
 * of them sees a new value beside old ones, which the edge does not allow.
 */
#include "tuned.h"

#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"

#include <stddef.h>

#include "base/fence.h"
#include "queue/queue.h"
#include "queue/recovery.h"

static struct ring *ring;

/* The thread begins when it is told to go on: it knows what is so far. */
static unsigned int hold(unsigned int thread)
{
	sched_stop(thread);
	return thread;
}

/* ------------------------------------------------------------------- looks -- */

/*
 * One thread receives and then sends, or sends and then receives. The queue is
 * never full, or never empty, and its size is one of two.
 */
static bool room_first;

static void move(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		recovery_one(!room_first);
		recovery_one(room_first);
	}
}

static void look_once(void)
{
	size_t least = room_first ? 2 : 1;
	if (sched_choose(2) == 1) {
		size_t size = magring_queue_size(recovery.queue);
		sched_require(size == least || size == least + 1, "a size of %zu", size);
	} else {
		bool may = room_first ? ring_may_push(ring) : ring_may_pop(ring);
		sched_require(may, "%s at no time, and told so", room_first ? "full" : "empty");
	}
}

static void look(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		look_once();
}

static void run_order_looks(void)
{
	room_first = sched_choose(2) == 1;
	ring = recovery_given(2,
		sched_choose(2) == 1 ? MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER : 0,
		room_first ? 3 : 1);
	sched_spawn("moves", move, NULL);
	sched_spawn("looks", look, NULL);
	recovery_end();
}

/* ------------------------------------------------------------------ counts -- */

static unsigned int most_sent, most_received; /* what counts may be */

static void observe(void *unused)
{
	(void)unused;
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	for (int i = 0; i < 2; i++) {
		int rc = magring_queue_get_stats(recovery.queue, &stats);
		sched_require(rc == 0, "get_stats returns %d", rc);
		sched_require(stats.sent <= most_sent, "%lu sent, not %u",
			(unsigned long)stats.sent, most_sent);
		sched_require(stats.received - stats.returned <= most_received,
			"%lu received and %lu returned, not %u", (unsigned long)stats.received,
			(unsigned long)stats.returned, most_received);
	}
}

static unsigned int spawn_observer(void)
{
	return hold(sched_spawn("observer", observe, NULL));
}

/* An end skips a position. Skips are counted, and do not count as messages. */
static void run_order_skip_counts(void)
{
	bool send = sched_choose(2) == 1;
	uint64_t single = send ? MAGRING_SINGLE_RECEIVER : MAGRING_SINGLE_SENDER;
	ring = recovery_given(2, sched_choose(2) == 1 ? single : 0, send ? 0 : 4);
	most_sent = send ? 2 + 1 : 4 + 1; /* one may return, and is sent again */
	most_received = send ? 1 : 2;
	unsigned int observer = spawn_observer();
	recovery_stop_after_claim(send);
	recovery_one(send);
	unsigned int skips = recovery_spawn(!send);
	recovery_run_until_changed(skips, end_of(ring, send ? RECEIVER : SENDER));
	recovery_run(skips, sched_choose(40));
	sched_run_alone(observer, 1000);
	sched_resume_all();
	recovery_end();
}

static void close_queue(void *unused)
{
	(void)unused;
	history_close();
}

/*
 * An exclusive sender skips a position as the queue is closed, and the skip
 * counts. The sender says so, or the closer, which has passed its fence before
 * the skip.
 */
static void run_order_end(void)
{
	ring = recovery_given(2, MAGRING_SINGLE_SENDER, 4);
	most_received = 2;
	unsigned int observer = spawn_observer();
	unsigned int closes = hold(sched_spawn("closer", close_queue, NULL));
	recovery_stop_after_claim(false);
	recovery_one(false);
	unsigned int skips = recovery_spawn(true);
	recovery_run_until_changed(skips, &ring->quarantined);
	recovery_run_until_changed(closes, &ring->end);
	if (sched_choose(2) == 0) {
		recovery_run_until_changed(skips, &ring->tail);
		recovery_run_until_changed(skips, &ring->tail); /* it is put back */
		recovery_run(skips, sched_choose(4));
	} else {
		recovery_run(closes, sched_choose(12));
		recovery_run_until_changed(skips, &ring->tail);
		recovery_run(closes, sched_choose(12));
	}
	/* The sender may have overlooked the close so far, and has sent. */
	most_sent = ahead(recovery_word(&ring->tail), ring->start) == 6 ? 5 : 4;
	sched_run_alone(observer, 1000);
	sched_resume_all();
	recovery_end();
}

/*
 * One message has come, or two, and one has returned. A thread has told all of
 * that. Another one, which has read something before, tells the same counts.
 */
static void run_order_told(void)
{
	unsigned int come = 1 + sched_choose(2);
	ring = recovery_given(2, 0, come - 1);
	most_sent = come + 2;
	most_received = come;
	unsigned int late = spawn_observer(), first = spawn_observer();
	for (unsigned int i = 1; i < come; i++)
		recovery_one(false);
	recovery_run(late, sched_choose(12));
	recovery_stop_after_claim(true);
	recovery_one(true);
	recovery_one(false);
	sched_run_alone(first, 1000);
	sched_run_alone(late, 1000);
	sched_resume_all();
	recovery_end();
}

/* ------------------------------------------------------------- spare cells -- */

/* What tail has skipped and what it may skip without a scan fits in the spare
 * cells: scan.c. */
static void check_spare(void)
{
	uint64_t head = recovery_word(&ring->head), tail = recovery_word(&ring->tail) & POSITION;
	int64_t allowed =
		(int64_t)(recovery_word(&ring->unsent_max) - recovery_word(&ring->unsent));
	int64_t skipped = (int64_t)recovery_skipped(ring, head, tail);
	sched_require(skipped + (allowed > 0 ? allowed : 0) <= (int64_t)ring->spare,
		"%ld positions are skipped, and %ld may be", (long)skipped, (long)allowed);
}

/* The next sender that skips has to count. */
static void forget_scans(void)
{
	sched_store((uint64_t *)(void *)&ring->unsent_max, 0, __ATOMIC_RELAXED);
}

/*
 * A sender counts what is skipped. Meanwhile tail skips a position. The counts
 * from before that skip are allowed, and so are those from after it.
 */
static void run_order_scan(void)
{
	ring = recovery_given(2, 0, 4);
	forget_scans();
	unsigned int counts = hold(recovery_spawn(true));
	recovery_stop_after_claim(false);
	recovery_one(false);
	unsigned int skips = recovery_spawn(true);
	recovery_run_until_changed(skips, &ring->quarantined);
	forget_scans();
	recovery_run(counts, sched_choose(30));
	recovery_run_until_changed(skips, &ring->skipped);
	recovery_run(skips, sched_choose(40));
	sched_run_alone(counts, 1000);
	sched_run_alone(skips, 1000);
	check_spare();
	recovery_end();
}

/* ---------------------------------------------------------------- recovery -- */

/* A position is skipped by a thread that knows all, or by two that know little:
 * one challenges, and the other decides. */
static void skip_position(unsigned int challenges, unsigned int decides)
{
	if (sched_choose(2) == 0) {
		recovery_one(false);
		return;
	}
	recovery_run_until_changed(challenges, &ring->challenged);
	sched_run_alone(decides, 1000);
}

/*
 * A sender has stored its state, and reads that it is challenged. It goes on
 * a lap later, when another sender's position was skipped in the same cell. It
 * must not take that for its own. Without membarrier no other thread's fence
 * tells it.
 */
static void run_order_late_owner(void)
{
	fence_asymmetric = sched_choose(4) == 0;
	ring = recovery_given(2, 0, 0);
	struct ring_cell *cell = cell_at(ring, ring->start);
	unsigned int challenges = hold(recovery_spawn(false)),
		     decides = hold(recovery_spawn(false));
	unsigned int late = recovery_stop_after_claim(true);
	recovery_one(true);
	unsigned int recovers = recovery_spawn(false);
	recovery_run_until_changed(recovers, &ring->challenged);
	recovery_run_until_changed(late, &cell->state);
	recovery_run(late, sched_choose(6));
	sched_run_alone(recovers, 1000);
	recovery_one(false);
	for (int i = 0; i < 2; i++) {
		recovery_one(true);
		recovery_one(false);
	}
	recovery_stop_after_claim(true);
	recovery_one(true);
	skip_position(challenges, decides);
	sched_run_alone(late, 1000);
	recovery_one(false);
	recovery_end();
}

/* ------------------------------------------------------------------ queues -- */

/* Statistics that count no queue come after all that the last release did. */
static uint64_t dropped;

static void drop(struct magring_message *message, void *context)
{
	(void)message;
	sched_write(context, sizeof(dropped));
}

static struct magring_pool *pool;

static void make_pool(struct magring_queue **ret_queue)
{
	const struct magring_pool_options of_pool = { .size = sizeof(of_pool),
		.memory_limit = 4096,
		.max_payload = 64 };
	const struct magring_queue_options of_queue = { .size = sizeof(of_queue),
		.capacity = 2,
		.drop = drop,
		.drop_context = &dropped };
	struct magring_message message;
	int rc = magring_pool_create(&pool, &of_pool);
	sched_require(rc == 0, "pool_create: %d", rc);
	rc = magring_queue_create(ret_queue, pool, &of_queue);
	sched_require(rc == 0, "queue_create: %d", rc);
	rc = magring_message_copy(NULL, &message, NULL, 0, &rc, sizeof(rc), 0);
	sched_require(rc == 0, "a message is not made: %d", rc);
	rc = magring_send(*ret_queue, &message, 0);
	sched_require(rc == 0, "send: %d", rc);
}

static void release(void *queue)
{
	int rc = magring_queue_release(queue);
	sched_require(rc == 0, "release: %d", rc);
}

static void watch(void *unused)
{
	(void)unused;
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(pool, &stats);
	sched_require(rc == 0, "get_stats: %d", rc);
	if (stats.queues == 0)
		sched_read(&dropped, sizeof(dropped));
}

static void run_order_last_queue(void)
{
	struct magring_queue *queue;
	make_pool(&queue);
	unsigned int releases = sched_spawn("releases", release, queue);
	sched_spawn("watches", watch, NULL);
	if (sched_choose(2) == 1)
		sched_run_alone(releases, sched_choose(200));
	sched_resume_all();
	sched_wait();
	int rc = magring_pool_destroy(pool);
	sched_require(rc == 0, "pool_destroy: %d", rc);
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(order_looks, "looks at a queue that is never full, or never empty")
PROGRAM(order_skip_counts, "counts beside an end that skips")
PROGRAM(order_end, "counts beside the end of a queue with one sender")
PROGRAM(order_told, "counts that another thread has told")
PROGRAM(order_scan, "tail skips while a sender counts what it has skipped")
PROGRAM(order_late_owner, "an owner is late, and its cell's next one was skipped")
PROGRAM(order_last_queue, "statistics beside the release of the last queue")

const struct sched_program *const order_programs[] = { &program_order_looks,
	&program_order_skip_counts, &program_order_end, &program_order_told, &program_order_scan,
	&program_order_late_owner, &program_order_last_queue, NULL };
