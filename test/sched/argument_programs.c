/* SPDX-License-Identifier: MIT */
/*
 * Program: calls with senseless arguments, beside traffic on the same queue.
 * Each is refused as include/magring.h says, and changes nothing: messages come
 * in order, and none more.
 */
#include "tuned.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "engine.h"
#include "programs.h"
#include "queue/queue.h"
#include "queue_checks.h"

#define MESSAGES 4

static struct magring_queue *queue;

static void refused(const char *what, int is, int wanted)
{
	sched_require(is == wanted, "%s: %d, not %d", what, is, wanted);
}

static void refuse_creation(void)
{
	struct magring_queue *made = NULL;
	struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	refused("no place", magring_queue_create(NULL, NULL, &options), -EINVAL);
	options.size++;
	refused("a large structure", magring_queue_create(&made, NULL, &options), -E2BIG);
	options.size = sizeof(options) - 1;
	refused("a small structure", magring_queue_create(&made, NULL, &options), -EINVAL);
	options.size = sizeof(options);
	options.capacity = (size_t)MAGRING_CAPACITY_MAX + 1;
	refused("a large capacity", magring_queue_create(&made, NULL, &options), -EINVAL);
	options.capacity = 2;
	options.flags = 4;
	refused("an unknown flag", magring_queue_create(&made, NULL, &options), -EINVAL);
	sched_require(made == NULL, "a queue that is refused is there");
}

static void refuse_calls(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) + 1 };
	refused("statistics, large", magring_queue_get_stats(queue, &stats), -E2BIG);
	stats.size = sizeof(stats) - 1;
	refused("statistics, small", magring_queue_get_stats(queue, &stats), -EINVAL);
	refused("statistics, nowhere", magring_queue_get_stats(queue, NULL), -EINVAL);
	refused("statistics of none", magring_queue_get_stats(NULL, &stats), -EINVAL);
	refused("acquire of none", magring_queue_acquire(NULL), -EINVAL);
	refused("release of none", magring_queue_release(NULL), -EINVAL);
	refused("close of none", magring_queue_close(NULL), -EINVAL);
	refused("descriptor of none", magring_queue_recv_fd(NULL), -EINVAL);
	refused("descriptor of none", magring_queue_send_fd(NULL), -EINVAL);
	refused("flush of none", magring_pool_flush_thread(NULL), -EINVAL);
	sched_require(magring_queue_size(NULL) == 0 && magring_queue_capacity(NULL) == 0,
		"no queue has a size");
}

static void refuse_messages(void)
{
	struct magring_message messages[2] = { { 0 }, { 0 } };
	int rc = magring_message_alloc(NULL, &messages[0], NULL, 0, 8, 0);
	sched_require(rc == 0, "a message is not made: %d", rc);
	refused("send to none", magring_send(NULL, &messages[0], 0), -EINVAL);
	refused("send of none", magring_send(queue, NULL, 0), -EINVAL);
	refused("send of an empty one", magring_send(queue, &messages[1], 0), -EINVAL);
	refused("receive from none", magring_recv(NULL, &messages[1], 0), -EINVAL);
	refused("receive to nowhere", magring_recv(queue, NULL, 0), -EINVAL);
	refused("batch to none", magring_send_batch(NULL, messages, 1, 0), -EINVAL);
	refused("batch of none", magring_send_batch(queue, NULL, 1, 0), -EINVAL);
	refused("large batch", magring_send_batch(queue, messages, (size_t)INT_MAX + 1, 0),
		-EINVAL);
	refused("batch with an empty one", magring_send_batch(queue, messages, 2, 0), -EINVAL);
	refused("empty batch", magring_send_batch(queue, messages, 0, 0), 0);
	refused("batch from none", magring_recv_batch(NULL, messages, 1, 0), -EINVAL);
	refused("batch to nowhere", magring_recv_batch(queue, NULL, 1, 0), -EINVAL);
	refused("large batch", magring_recv_batch(queue, messages, (size_t)INT_MAX + 1, 0),
		-EINVAL);
	refused("empty batch", magring_recv_batch(queue, messages, 0, 0), 0);
	sched_require(messages[0].private_header != 0 && messages[1].private_header == 0,
		"a call that is refused has changed a message");
}

static void refuse(void *unused)
{
	(void)unused;
	refuse_creation();
	refuse_calls();
	refuse_messages();
}

static void send(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < MESSAGES; i++) {
		struct magring_message message;
		int rc = magring_message_copy(NULL, &message, NULL, 0, &i, sizeof(i), 0);
		if (rc == 0)
			rc = magring_send(queue, &message, -1);
		sched_require(rc == 0, "send: %d", rc);
	}
}

static void receive(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < MESSAGES; i++) {
		struct magring_message message;
		int rc = magring_recv(queue, &message, -1);
		sched_require(rc == 0, "receive: %d", rc);
		uint64_t is = *(uint64_t *)magring_message_payload(&message, NULL);
		sched_require(is == i, "message %lu, not %lu", is, i);
	}
}

/* As many references as a count can hold. One more would be none. */
static void check_overflow(void)
{
	uintptr_t count = (uintptr_t)&queue->references;
	memory_rmw(count, sizeof(queue->references), ADD, UINT32_MAX - 1, __ATOMIC_RELAXED);
	refused("one reference more", magring_queue_acquire(queue), -EOVERFLOW);
	memory_rmw(count, sizeof(queue->references), SUB, UINT32_MAX - 2, __ATOMIC_RELAXED);
	int rc = magring_queue_release(queue);
	sched_require(rc == 0 && magring_queue_capacity(queue) == 2, "release of one of two: %d",
		rc);
}

static void run_arguments(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	queue = checks_queue(2, 0, true);
	sched_spawn("refuse", refuse, NULL);
	sched_spawn("sender", send, NULL);
	sched_spawn("receiver", receive, NULL);
	sched_wait();
	for (unsigned int i = 1; i <= 3; i++)
		sched_require(sched_has_ended(i), "thread %u has not ended", i);
	int rc = magring_queue_get_stats(queue, &stats);
	sched_require(rc == 0 && stats.sent - stats.returned == MESSAGES &&
			magring_queue_size(queue) == 0 && stats.closed == 0,
		"%lu sent, %zu there, closed: %lu", stats.sent, magring_queue_size(queue),
		stats.closed);
	check_overflow();
	rc = magring_queue_release(queue);
	sched_require(rc == 0, "release: %d", rc);
}

static const struct sched_program arguments = { "queue_arguments",
	"calls that are refused beside traffic", run_arguments, SCHED_MAY_STOP };

const struct sched_program *const argument_programs[] = { &arguments, NULL };
