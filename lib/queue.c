/* SPDX-License-Identifier: MIT */
/*
 * A queue is a ring with two gates: senders wait at one until it is not full,
 * receivers at the other until it is not empty. Sending and receiving mirror each
 * other, so waiting is written once, for an `enum way`.
 *
 *	attempt             one push or pop; done in the common case
 *	spin(), then yield  the other side is likely at work on another processor
 *	enter the gate, attempt, park, leave, attempt, ...
 *
 * Whoever has changed the ring looks at both gates: at the other side's, because
 * there is now one more message (one more free cell); and at its own, to pass a
 * wake-up on if there is more to be had. The latter is needed for correctness:
 * S1 claims a cell and is suspended, S2 publishes behind it and wakes R1, which
 * finds S1's cell unfinished and sleeps again; S1 publishes and wakes R2,
 * which takes S1's message; R1 would sleep on beside S2's. See gate.c.
 *
 *	[sleep] light side: the ring is changed, then the gates are read. Heavy side
 *	in gate_enter() and gate_arm().
 */
#include "queue.h"

#include <ck_pr.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fence.h"

#define CAPACITY 4096
/* Before parking, which costs two system calls and a switch. A pause is some 10
 * to 40 ns on current processors. */
#define PAUSES 256
#define YIELDS 16
#define YIELD_LONG_NS 1000000
/* See spin(). */
#define STRIDE_MAX 64
#define PROBE 16
#define PROBE_EVERY 256

static int attempt(struct magring_queue *queue, enum way way, struct magring_message *messages,
	size_t count)
{
	return way == SENDING ? ring_push_batch(&queue->ring, messages, count) :
		ring_pop_batch(&queue->ring, messages, count);
}

static bool may_send(const void *ring)
{
	return ring_may_push(ring);
}

static bool may_receive(const void *ring)
{
	return ring_may_pop(ring);
}

static gate_ready *const may[2] = { [SENDING] = may_send, [RECEIVING] = may_receive };

static struct queue_counts *counts_of(struct magring_queue *queue)
{
	return &queue->counts[thread_self() % QUEUE_STRIPES];
}

static void count_one(_Atomic(uint64_t) *counter)
{
	/* Relaxed: a number to look at; nothing follows from it. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static __attribute__((noinline)) void wake(struct magring_queue *queue, enum way way)
{
	if (gate_wake(&queue->gate[way]))
		count_one(&counts_of(queue)->woken);
}

/* The same side's next sleeper, if there is something for it. */
static void pass_on(struct magring_queue *queue, enum way way)
{
	if (__builtin_expect(gate_wanted(&queue->gate[way]), 0) && may[way](&queue->ring))
		wake(queue, way);
}

/* The ring was changed by one who went this way. */
static inline void settle(struct magring_queue *queue, enum way way)
{
	enum way other = way == SENDING ? RECEIVING : SENDING;
	/* [sleep] light side: pairs with gate_enter() and gate_arm(). */
	fence_light();
	if (__builtin_expect(gate_wanted(&queue->gate[other]), 0))
		wake(queue, other);
	pass_on(queue, way);
}

/* --------------------------------------------------------------- waiting -- */

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 0: do not wait. INT64_MAX: without limit. */
static int64_t deadline_of(int64_t timeout_ns)
{
	if (timeout_ns == 0)
		return 0;
	if (timeout_ns < 0)
		return INT64_MAX;
	int64_t now = now_ns();
	return timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
}

struct sleeper {
	struct magring_queue *queue;
	enum way way;
};

static void cancelled(void *argument)
{
	struct sleeper *sleeper = argument;
	gate_leave(&sleeper->queue->gate[sleeper->way]);
	pass_on(sleeper->queue, sleeper->way);
}

/* Enter, look, sleep, leave, look. -EAGAIN: woken in vain, or the deadline is over. */
static int sleep_once(struct magring_queue *queue, enum way way, struct magring_message *messages,
	size_t count, int64_t deadline_ns)
{
	struct gate *gate = &queue->gate[way];
	struct sleeper sleeper = { .queue = queue, .way = way };
	uint32_t ticket = gate_enter(gate);
	int result = attempt(queue, way, messages, count);
	if (result == -EAGAIN) {
		count_one(&counts_of(queue)->parked);
		pthread_cleanup_push(cancelled, &sleeper);
		gate_park(gate, ticket, deadline_ns);
		pthread_cleanup_pop(0);
	}
	gate_leave(gate);
	return result == -EAGAIN ? attempt(queue, way, messages, count) : result;
}

/*
 * How long to look away between two attempts, in pauses. A receiver that takes
 * each message the moment it is there makes sender and receiver pass the same
 * line to and fro for every single one; one that looks away for a while then finds
 * several, at lines that travel side by side. But a thread in a dialogue gains
 * nothing by looking away. So: longer as long as more than one is there after
 * a wait, shorter when not, and now and then a long look for a change.
 */
static void adapt(unsigned int *stride, bool more)
{
	if (more && *stride < STRIDE_MAX)
		*stride *= 2;
	else if (!more && *stride > 1)
		*stride /= 2;
}

static int spin(struct magring_queue *queue, enum way way, struct magring_message *messages, size_t count)
{
	static _Thread_local unsigned int stride __attribute__((tls_model("initial-exec"))) = 1;
	static _Thread_local unsigned int waits __attribute__((tls_model("initial-exec")));
	if (++waits % PROBE_EVERY == 0 && stride < PROBE)
		stride = PROBE;
	int result = -EAGAIN;
	for (unsigned int pauses = 0; pauses < PAUSES && result == -EAGAIN;) {
		for (unsigned int i = 0; i < stride; i++, pauses++)
			ck_pr_stall();
		result = attempt(queue, way, messages, count);
	}
	if (result > 0)
		adapt(&stride, may[way](&queue->ring));
	return result;
}

/* Let others run, unless they run for long: a thread that yields is not woken. */
static int yield(struct magring_queue *queue, enum way way, struct magring_message *messages, size_t count)
{
	int result = -EAGAIN;
	int64_t before = now_ns(), after = before;
	for (int i = 0; i < YIELDS && result == -EAGAIN && after - before < YIELD_LONG_NS; i++) {
		before = after;
		sched_yield();
		result = attempt(queue, way, messages, count);
		after = now_ns();
	}
	return result;
}

/* After a first attempt in vain. Returns what the attempt that settles it does,
 * or -EAGAIN, -ETIMEDOUT. */
static __attribute__((noinline)) int wait_for(struct magring_queue *queue, enum way way,
	struct magring_message *messages, size_t count, int64_t deadline_ns)
{
	count_one(&counts_of(queue)->in_vain[way]);
	if (deadline_ns == 0) {
		gate_arm(&queue->gate[way], may[way], &queue->ring);
		return -EAGAIN;
	}
	int result = spin(queue, way, messages, count);
	if (result == -EAGAIN && deadline_ns == INT64_MAX)
		result = yield(queue, way, messages, count);
	while (result == -EAGAIN) {
		result = sleep_once(queue, way, messages, count, deadline_ns);
		if (result == -EAGAIN && deadline_ns != INT64_MAX && now_ns() >= deadline_ns)
			result = -ETIMEDOUT;
	}
	if (result < 0)
		/* Nothing was changed, but a wake-up may have come with it. */
		pass_on(queue, way);
	return result;
}

/* ------------------------------------------------------------- send, recv -- */

int magring_send(struct magring_queue *queue, struct magring_message *message, int64_t timeout_ns)
{
	if (queue == NULL || message == NULL || message->private_header == 0)
		return -EINVAL;
	int result = ring_push(&queue->ring, message);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, SENDING, message, 1, deadline_of(timeout_ns));
	if (__builtin_expect(result < 0, 0))
		return result;
	message->private_header = 0; /* it is the receiver's now */
	settle(queue, SENDING);
	return 0;
}

int magring_recv(struct magring_queue *queue, struct magring_message *ret_message, int64_t timeout_ns)
{
	if (queue == NULL || ret_message == NULL)
		return -EINVAL;
	int result = ring_pop(&queue->ring, ret_message);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVING, ret_message, 1, deadline_of(timeout_ns));
	if (__builtin_expect(result < 0, 0))
		return result;
	settle(queue, RECEIVING);
	return 0;
}

int magring_send_batch(struct magring_queue *queue, struct magring_message *messages, size_t count,
	int64_t timeout_ns)
{
	if (queue == NULL || (messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (messages[i].private_header == 0)
			return -EINVAL;
	size_t sent = 0;
	int64_t deadline_ns = -1; /* not known yet */
	int result = 0;
	while (sent < count) {
		result = ring_push_batch(&queue->ring, messages + sent, count - sent);
		if (__builtin_expect(result == -EAGAIN, 0)) {
			if (deadline_ns == -1)
				deadline_ns = deadline_of(timeout_ns);
			result = wait_for(queue, SENDING, messages + sent, count - sent, deadline_ns);
		}
		if (result < 0)
			break;
		for (int i = 0; i < result; i++)
			messages[sent++].private_header = 0;
		settle(queue, SENDING);
	}
	return sent > 0 ? (int)sent : result;
}

int magring_recv_batch(struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count, int64_t timeout_ns)
{
	if (queue == NULL || (ret_messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	if (count == 0)
		return 0;
	int result = ring_pop_batch(&queue->ring, ret_messages, count);
	if (__builtin_expect(result == -EAGAIN, 0))
		result = wait_for(queue, RECEIVING, ret_messages, count, deadline_of(timeout_ns));
	if (result > 0)
		settle(queue, RECEIVING);
	return result;
}

/* ------------------------------------------------------ create and the rest -- */

static size_t round_up_capacity(size_t wanted)
{
	size_t capacity = 2;
	while (capacity < wanted)
		capacity *= 2;
	return capacity;
}

int magring_queue_create(struct magring_queue **ret_queue, struct magring_pool *pool,
	const struct magring_queue_options *options)
{
	static _Atomic(uint64_t) serials;
	size_t capacity = CAPACITY;
	if (ret_queue == NULL || pool == NULL)
		return -EINVAL;
	if (options != NULL) {
		int rc = pool_check_size(options->size, sizeof(*options));
		if (rc != 0)
			return rc;
		if (options->capacity > MAGRING_CAPACITY_MAX)
			return -EINVAL;
		if (options->capacity != 0)
			capacity = round_up_capacity(options->capacity);
	}
	struct magring_queue *queue = aligned_alloc(_Alignof(struct magring_queue), sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	int rc = pool_name(queue->name, options != NULL ? options->name : NULL, "queue",
		atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1);
	if (rc == 0)
		rc = ring_init(&queue->ring, capacity, 0);
	if (rc != 0) {
		free(queue);
		return rc;
	}
	gate_init(&queue->gate[SENDING]);
	gate_init(&queue->gate[RECEIVING]);
	queue->pool = pool;
	count_one(&pool->queue_count);
	pthread_mutex_lock(&pool->queues_lock);
	cds_list_add_tail(&queue->link, &pool->queues);
	pthread_mutex_unlock(&pool->queues_lock);
	*ret_queue = queue;
	return 0;
}

int magring_queue_destroy(struct magring_queue *queue)
{
	struct magring_message message;
	if (queue == NULL)
		return -EINVAL;
	struct magring_pool *pool = queue->pool;
	pthread_mutex_lock(&pool->queues_lock);
	cds_list_del(&queue->link);
	pthread_mutex_unlock(&pool->queues_lock);
	while (ring_pop(&queue->ring, &message) == 1)
		magring_message_free(&message);
	gate_fini(&queue->gate[SENDING]);
	gate_fini(&queue->gate[RECEIVING]);
	ring_fini(&queue->ring);
	free(queue);
	/* [queues] release: this call is done with the pool before the count that lets
	 * it be destroyed. */
	atomic_fetch_sub_explicit(&pool->queue_count, 1, memory_order_release);
	return 0;
}

int magring_queue_close(struct magring_queue *queue)
{
	if (queue == NULL)
		return -EINVAL;
	ring_close(&queue->ring);
	gate_wake_all(&queue->gate[SENDING]);
	gate_wake_all(&queue->gate[RECEIVING]);
	return 0;
}

size_t magring_queue_capacity(const struct magring_queue *queue)
{
	return queue != NULL ? ring_capacity(&queue->ring) : 0;
}

size_t magring_queue_size(const struct magring_queue *queue)
{
	if (queue == NULL)
		return 0;
	struct ring_counts counts = ring_counts(&queue->ring);
	return counts.sent - counts.received;
}

int magring_queue_recv_fd(struct magring_queue *queue)
{
	return queue != NULL ? gate_fd(&queue->gate[RECEIVING]) : -EINVAL;
}

int magring_queue_send_fd(struct magring_queue *queue)
{
	return queue != NULL ? gate_fd(&queue->gate[SENDING]) : -EINVAL;
}

int magring_queue_stats(struct magring_queue *queue, struct magring_queue_stats *ret_stats)
{
	if (queue == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	struct ring_counts ring = ring_counts(&queue->ring);
	struct magring_queue_stats stats = {
		.size = sizeof(stats),
		.sent = ring.sent,
		.received = ring.received,
		.capacity = ring_capacity(&queue->ring),
		.closed = ring.closed,
	};
	for (int i = 0; i < QUEUE_STRIPES; i++) {
		struct queue_counts *counts = &queue->counts[i];
		stats.full += atomic_load_explicit(&counts->in_vain[SENDING], memory_order_relaxed);
		stats.empty += atomic_load_explicit(&counts->in_vain[RECEIVING], memory_order_relaxed);
		stats.parked += atomic_load_explicit(&counts->parked, memory_order_relaxed);
		stats.woken += atomic_load_explicit(&counts->woken, memory_order_relaxed);
	}
	*ret_stats = stats;
	return 0;
}
