/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: a fork beside a thread that holds a lock of the library.
 * The child has no such thread, and must not wait for it.
 */
#include "memory_slabs.h"
#include "pool_directed.h"

static struct magring_queue *queue;

static struct magring_queue *create_queue(void)
{
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	struct magring_queue *made;
	int rc = magring_queue_create(&made, NULL, &options);
	sched_require(rc == 0, "queue_create: %d", rc);
	return made;
}

static void release(struct magring_queue *made)
{
	int rc = magring_queue_release(made);
	sched_require(rc == 0, "queue_release: %d", rc);
}

/* Queues without a pool share a list. */
static void make_queue(void *unused)
{
	(void)unused;
	release(create_queue());
}

static void fork_with_queues(void *unused)
{
	(void)unused;
	sched_become_child();
	release(queue);
	release(create_queue());
}

static void run_child(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	queue = create_queue();
	unsigned int busy = slabs_spawn("busy", make_queue, NULL);
	slabs_spawn("fork", fork_with_queues, NULL);
	sched_run_alone(busy, sched_choose(200));
	sched_wait();
}

const struct sched_program pool_child = { "pool_child",
	"a fork beside a thread that makes a queue without a pool", run_child, 0 };
