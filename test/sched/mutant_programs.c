/* SPDX-License-Identifier: MIT */
/*
 * Programs that exist for one mutant or a few: see test/mutants.py.
 */
#include "engine.h"
#include "programs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/fence.h"
#include "queue/queue.h"
#include "queue_checks.h"

/* ------------------------------------------------------------ told answers -- */

/*
 * Two threads that both send and receive, and no call waits. Between two calls
 * a thread may tell the other what it knows, or listen. So an answer must agree
 * with calls of the other that are over.
 *
 * Either no send finds the queue full, or it is full at first and each thread
 * receives before it sends. For a queue is full by cells that are claimed, and
 * empty of messages that have come: the two do not agree while a send goes on.
 */
static struct clock told;
static unsigned int told_exclusive;
static unsigned int told_sends; /* that are left */

static void tell(void)
{
	memory_drain(me);
	memory_release_edge(&told);
}

static void listen(void)
{
	memory_acquire_edge(&told);
}

static void call_at_once(bool send)
{
	bool batch = sched_choose(3) == 1 && (!send || told_sends > 1);
	if (send && batch)
		told_sends -= 2, history_send_batch(2, 0);
	else if (send && told_sends > 0)
		told_sends--, history_send(0);
	else if (batch)
		history_recv_batch(2, 0);
	else if (told_exclusive == 0 || sched_self() == 2)
		history_recv(0);
}

/* On an exclusive side is one thread alone, and on the other, too. */
static void talk(void *unused)
{
	(void)unused;
	for (unsigned int calls = 1 + sched_choose(5); calls > 0 && history_has_room(6); calls--) {
		if (sched_choose(2) == 1)
			listen();
		call_at_once(told_exclusive != 0 ? sched_self() == 1 : sched_choose(2) == 1);
		if (sched_choose(2) == 1)
			tell();
	}
}

static void exchange(void *unused)
{
	(void)unused;
	for (unsigned int turns = 1 + sched_choose(3); turns > 0 && history_has_room(6); turns--) {
		if (sched_choose(2) == 1)
			listen();
		history_recv(0);
		history_send(0);
		if (sched_choose(2) == 1)
			tell();
	}
}

/* Two cells for one message and one skipped position: enough for two threads. */
static void make_tight(struct magring_queue *queue)
{
	unsigned int flags = queue->ring.flags;
	ring_fini(&queue->ring);
	int rc = ring_init(&queue->ring, 2, 1, 0, flags);
	sched_require(rc == 0, "a ring is not made: %d", rc);
}

static struct magring_queue *told_queue(void)
{
	static const unsigned int sides[] = { 0, 0, MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER,
		MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER };
	told_exclusive = sides[sched_choose(5)];
	struct magring_queue *queue =
		checks_queue((size_t)2 << sched_choose(2), told_exclusive, true);
	if (sched_choose(2) == 1)
		make_tight(queue);
	told_sends = (unsigned int)ring_cells(&queue->ring);
	history_begin(queue);
	return queue;
}

static void run_told(void)
{
	struct magring_queue *queue = told_queue();
	bool full = told_exclusive == 0 && sched_choose(2) == 1;
	for (unsigned int i = 0; full && i < ring_cells(&queue->ring); i++)
		history_send(0);
	for (int i = 0; i < 2; i++)
		sched_spawn("talker", full ? exchange : talk, NULL);
	sched_wait();
	sched_resume_all();
	sched_wait();
	history_judge();
	checks_recovery(&queue->ring);
	history_close();
	checks_end(queue);
}

/* ------------------------------------------------------ without membarrier -- */

/* Another program, with full fences on both sides. */
static void run_fenced(const char *name)
{
	fence_asymmetric = false;
	for (const struct sched_program **program = sched_programs; *program != NULL; program++)
		if (strcmp((*program)->name, name) == 0) {
			(*program)->run();
			return;
		}
	sched_fail("no program %s", name);
}

#define FENCED(name, flags) \
	static void run_fenced_##name(void) \
	{ \
		run_fenced(#name); \
	} \
	static const struct sched_program program_fenced_##name = { "fenced_" #name, \
		"the same without membarrier", run_fenced_##name, flags };

FENCED(waits, SCHED_MAY_INTERRUPT)
FENCED(messages_or_deadline, SCHED_MAY_INTERRUPT)
FENCED(told, SCHED_MAY_STOP)
FENCED(stopped, 0)
FENCED(memory_pairs, SCHED_MAY_STOP | SCHED_MAY_DIE)
FENCED(memory_wave, SCHED_MAY_STOP)
FENCED(memory_timeouts, SCHED_MAY_STOP)

static const struct sched_program program_told = { "told",
	"two threads on both sides tell one another of their calls", run_told, SCHED_MAY_STOP };

/* ------------------------------------------------------------- a pool goes -- */

static struct magring_pool *pool;
static unsigned int users_left;

static void make_pool(unsigned int users)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 4096,
		.max_payload = 64 };
	int rc = magring_pool_create(&pool, &options);
	sched_require(rc == 0, "pool_create: %d", rc);
	users_left = users;
}

static void user_is_done(void)
{
	tell();
	users_left--;
}

/* Thread 0 knows what users have told. */
static void wait_for_users(void)
{
	while (users_left > 0)
		engine_yield();
	listen();
}

/* Its cache goes back to the pool when it ends, if that is there still. */
static void use_pool(void *unused)
{
	(void)unused;
	struct magring_message message;
	int rc = magring_message_alloc(pool, &message, NULL, 0, 64, 0);
	sched_require(rc == 0, "an allocation: %d", rc);
	magring_message_free(&message);
	user_is_done();
}

static void run_pool_goes(void)
{
	make_pool(2);
	for (int i = 0; i < 2; i++)
		sched_spawn("user", use_pool, NULL);
	wait_for_users();
	sched_pass(sched_choose(60));
	int rc = magring_pool_destroy(pool);
	sched_require(rc == 0, "pool_destroy: %d", rc);
	sched_wait();
}

/* It tells that its queue is made, and not that it is gone. */
static void use_queue(void *unused)
{
	(void)unused;
	struct magring_queue *queue;
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	int rc = magring_queue_create(&queue, pool, &options);
	sched_require(rc == 0, "queue_create: %d", rc);
	user_is_done();
	magring_queue_release(queue);
}

static void run_pool_of_queues(void)
{
	make_pool(2);
	for (int i = 0; i < 2; i++)
		sched_spawn("user", use_queue, NULL);
	wait_for_users();
	int rc;
	while ((rc = magring_pool_destroy(pool)) == -EBUSY)
		engine_yield();
	sched_require(rc == 0, "pool_destroy: %d", rc);
	sched_wait();
}

static const struct sched_program program_pool_goes = { "pool_goes",
	"a pool is destroyed beside threads that end", run_pool_goes, SCHED_MAY_STOP };
static const struct sched_program program_pool_of_queues = { "pool_of_queues",
	"a pool is destroyed as its last queue goes", run_pool_of_queues, SCHED_MAY_STOP };
FENCED(pool_goes, SCHED_MAY_STOP)

const struct sched_program *const mutant_programs[] = { &program_told, &program_fenced_waits,
	&program_fenced_messages_or_deadline, &program_fenced_told, &program_fenced_stopped,
	&program_fenced_memory_pairs, &program_fenced_memory_wave, &program_fenced_memory_timeouts,
	&program_pool_goes, &program_pool_of_queues, &program_fenced_pool_goes, NULL };
