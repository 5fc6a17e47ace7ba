/* SPDX-License-Identifier: MIT */
/*
 * Programs: one thread goes on as the only thread of a forked child, at any
 * moment of others.
 *
 * The header promises less for pools that others used. What is judged here is
 * that no call waits for a thread that is not there, and that no slab is two
 * messages'. Slabs in the hands of the others are lost.
 */
#include "pool_slabs.h"

#include <errno.h>

static const struct slabs_options some = { .bytes = 8 * 64,
	.rounds = 2,
	.chunk = 2,
	.several = true };

static struct magring_pool *idle;
static struct magring_queue *queue, *unused_queue, *idle_queue;

static struct magring_queue *queue_of(struct magring_pool *pool)
{
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	struct magring_queue *made;
	int rc = magring_queue_create(&made, pool, &options);
	sched_require(rc == 0, "queue_create: %d", rc);
	return made;
}

static struct magring_pool *pool_of(size_t bytes)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = bytes,
		.max_payload = SLABS_SMALL };
	struct magring_pool *pool;
	int rc = magring_pool_create(&pool, &options);
	sched_require(rc == 0, "pool_create: %d", rc);
	return pool;
}

static void destroy(struct magring_pool *pool)
{
	int rc = magring_pool_destroy(pool);
	sched_require(rc == 0, "pool_destroy: %d", rc);
}

/* Sends and receives slabs, and makes and releases queues and pools. */
static void be_busy(void *unused)
{
	struct magring_message message;
	(void)unused;
	for (int i = 0; i < 3; i++) {
		if (slabs_take(&message, SLABS_SMALL, 0) == 0 &&
			magring_send(queue, &message, 0) != 0)
			slabs_free(&message);
		if (magring_recv(queue, &message, 0) == 0)
			slabs_free(&message);
		switch (sched_choose(4)) {
		case 0:
			(void)magring_queue_release(queue_of(slabs_pool()));
			break;
		case 1:
			destroy(pool_of(64));
			break;
		case 2:
			(void)magring_pool_trim(slabs_pool(), 0, NULL);
			break;
		default:
			(void)slabs_take(&message, SLABS_SMALL, 0);
		}
	}
}

/* Promised: what no other thread was using can be destroyed. */
static void leave_idle(void)
{
	int rc = magring_queue_release(idle_queue);
	sched_require(rc == 0, "queue_release: %d", rc);
	destroy(idle);
}

static void use_busy(void)
{
	struct magring_message message;
	for (int i = 0; i < 4; i++) {
		if (slabs_take(&message, SLABS_SMALL, i % 2 * 1000) == 0 &&
			magring_send(queue, &message, i % 2 * 1000) != 0)
			slabs_free(&message);
		if (magring_recv(queue, &message, i % 2 * 1000) == 0)
			slabs_free(&message);
	}
	(void)magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_check_statistics();
	int rc = magring_queue_release(unused_queue);
	sched_require(rc == 0, "queue_release: %d", rc);
	destroy(pool_of(64));
}

static void fork_and_go_on(void *unused)
{
	struct magring_message message;
	(void)unused;
	if (slabs_take(&message, SLABS_SMALL, 0) == 0)
		slabs_free(&message);
	sched_become_child();
	leave_idle();
	use_busy();
}

static void run_fork(void)
{
	slabs_create(&some);
	queue = queue_of(slabs_pool());
	unused_queue = queue_of(slabs_pool());
	idle = pool_of(64);
	idle_queue = queue_of(idle);
	slabs_spawn("busy", be_busy, NULL);
	slabs_spawn("busy", be_busy, NULL);
	slabs_spawn("fork", fork_and_go_on, NULL);
	sched_wait();
}

const struct sched_program memory_fork = { "memory_fork", "a thread goes on as a forked child",
	run_fork, SCHED_MAY_STOP };
