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

static void begin(size_t capacity, uint64_t flags, unsigned int sent)
{
	recovery.queue = checks_queue(capacity, flags, sched_choose(2) == 1);
	recovery.batch = 0;
	recovery.calls = 1;
	history_begin(recovery.queue);
	ring = &recovery.queue->ring;
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
}

static int one(bool send)
{
	return send ? history_send(0) : history_recv(0);
}

static unsigned int spawn(bool send)
{
	return sched_spawn(send ? "sender" : "receiver", send ? recovery_send : recovery_recv,
		NULL);
}

/* The thread begins when it is told to go on: it knows what is so far. */
static unsigned int hold(unsigned int thread)
{
	sched_stop(thread);
	return thread;
}

/* A word of the ring, as it is in memory. */
static uint64_t now(const _Atomic(uint64_t) *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* A thread goes on for some steps, and stops. */
static void go_on(unsigned int thread, unsigned int steps)
{
	sched_run_alone(thread, steps);
	sched_stop(thread);
}

/* The same, until a word has changed. */
static void run_until_changed(unsigned int thread, const _Atomic(uint64_t) *word)
{
	uint64_t before = now(word);
	for (unsigned int i = 0; i < 4000 && now(word) == before; i++)
		sched_run_alone(thread, 1);
	sched_stop(thread);
}

static unsigned int stop_after_claim(bool send)
{
	unsigned int thread = spawn(send);
	run_until_changed(thread, end_of(ring, send ? SENDER : RECEIVER));
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
		one(!room_first);
		one(room_first);
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
	begin(2, sched_choose(2) == 1 ? MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER : 0,
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
	begin(2, sched_choose(2) == 1 ? single : 0, send ? 0 : 4);
	most_sent = send ? 2 + 1 : 4 + 1; /* one may return, and is sent again */
	most_received = send ? 1 : 2;
	unsigned int observer = spawn_observer();
	stop_after_claim(send);
	one(send);
	unsigned int skips = spawn(!send);
	run_until_changed(skips, end_of(ring, send ? RECEIVER : SENDER));
	go_on(skips, sched_choose(40));
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
	begin(2, MAGRING_SINGLE_SENDER, 4);
	most_received = 2;
	unsigned int observer = spawn_observer();
	unsigned int closes = hold(sched_spawn("closer", close_queue, NULL));
	stop_after_claim(false);
	one(false);
	unsigned int skips = spawn(true);
	run_until_changed(skips, &ring->quarantined);
	run_until_changed(closes, &ring->end);
	if (sched_choose(2) == 0) {
		run_until_changed(skips, &ring->tail);
		run_until_changed(skips, &ring->tail); /* it is put back */
		go_on(skips, sched_choose(4));
	} else {
		go_on(closes, sched_choose(12));
		run_until_changed(skips, &ring->tail);
		go_on(closes, sched_choose(12));
	}
	/* The sender may have overlooked the close so far, and has sent. */
	most_sent = ahead(now(&ring->tail), ring->start) == 6 ? 5 : 4;
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
	begin(2, 0, come - 1);
	most_sent = come + 2;
	most_received = come;
	unsigned int late = spawn_observer(), first = spawn_observer();
	for (unsigned int i = 1; i < come; i++)
		one(false);
	go_on(late, sched_choose(12));
	stop_after_claim(true);
	one(true);
	one(false);
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
	uint64_t head = now(&ring->head), tail = now(&ring->tail) & POSITION;
	int64_t allowed = (int64_t)(now(&ring->unsent_max) - now(&ring->unsent));
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
	begin(2, 0, 4);
	forget_scans();
	unsigned int counts = hold(spawn(true));
	stop_after_claim(false);
	one(false);
	unsigned int skips = spawn(true);
	run_until_changed(skips, &ring->quarantined);
	forget_scans();
	go_on(counts, sched_choose(30));
	run_until_changed(skips, &ring->skipped);
	go_on(skips, sched_choose(40));
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
		one(false);
		return;
	}
	run_until_changed(challenges, &ring->challenged);
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
	begin(2, 0, 0);
	struct ring_cell *cell = cell_at(ring, ring->start);
	unsigned int challenges = hold(spawn(false)), decides = hold(spawn(false));
	unsigned int late = stop_after_claim(true);
	one(true);
	unsigned int recovers = spawn(false);
	run_until_changed(recovers, &ring->challenged);
	run_until_changed(late, &cell->state);
	go_on(late, sched_choose(6));
	sched_run_alone(recovers, 1000);
	one(false);
	for (int i = 0; i < 2; i++) {
		one(true);
		one(false);
	}
	stop_after_claim(true);
	one(true);
	skip_position(challenges, decides);
	sched_run_alone(late, 1000);
	one(false);
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
