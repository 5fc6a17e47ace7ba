/* SPDX-License-Identifier: MIT */
/*
 * What most programs have: an array under a mutex, with a condition variable for each side.
 * Nobody signals when nobody sleeps, and a batch is moved under the lock once.
 */
#include "queues/side.h"

#include <pthread.h>

enum { BATCH = 64 };

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	size_t capacity;
	size_t first;
	size_t count;
	size_t senders_asleep;
	size_t receivers_asleep;
	bool ended;
	struct message *messages;
};

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	struct ring *ring = need_lines(sizeof(*ring), "mutex ring");

	(void)senders, (void)receivers;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->not_empty, NULL);
	pthread_cond_init(&ring->not_full, NULL);
	ring->capacity = capacity;
	ring->messages = need_lines(capacity * sizeof(*ring->messages), "mutex ring");
	return ring;
}

static void destroy(void *queue)
{
	struct ring *ring = queue;

	pthread_cond_destroy(&ring->not_full);
	pthread_cond_destroy(&ring->not_empty);
	pthread_mutex_destroy(&ring->lock);
	free(ring->messages);
	free(ring);
}

/* With the lock held. */
static size_t put(struct ring *ring, const struct message *messages, size_t count)
{
	size_t room = ring->capacity - ring->count;

	if (count > room)
		count = room;
	for (size_t i = 0; i < count; i++)
		ring->messages[(ring->first + ring->count++) & (ring->capacity - 1)] = messages[i];
	return count;
}

static size_t take(struct ring *ring, struct message *ret_messages, size_t count)
{
	if (count > ring->count)
		count = ring->count;
	for (size_t i = 0; i < count; i++) {
		ret_messages[i] = ring->messages[ring->first];
		ring->first = (ring->first + 1) & (ring->capacity - 1);
	}
	ring->count -= count;
	return count;
}

static void unlock_and_wake(struct ring *ring, size_t asleep, pthread_cond_t *condition,
	size_t moved)
{
	pthread_mutex_unlock(&ring->lock);
	if (asleep > 0 && moved == 1)
		pthread_cond_signal(condition);
	else if (asleep > 0 && moved > 1)
		pthread_cond_broadcast(condition);
}

static size_t send(void *side, const struct message *messages, size_t count)
{
	struct ring *ring = side;
	size_t sent;

	pthread_mutex_lock(&ring->lock);
	sent = put(ring, messages, count);
	unlock_and_wake(ring, ring->receivers_asleep, &ring->not_empty, sent);
	return sent;
}

static size_t receive(void *side, struct message *ret_messages, size_t count)
{
	struct ring *ring = side;
	size_t received;

	pthread_mutex_lock(&ring->lock);
	received = take(ring, ret_messages, count);
	unlock_and_wake(ring, ring->senders_asleep, &ring->not_full, received);
	return received;
}

static size_t send_patiently(void *side, const struct message *messages, size_t count)
{
	struct ring *ring = side;
	size_t sent;

	pthread_mutex_lock(&ring->lock);
	while ((sent = put(ring, messages, count)) == 0) {
		ring->senders_asleep++;
		pthread_cond_wait(&ring->not_full, &ring->lock);
		ring->senders_asleep--;
	}
	unlock_and_wake(ring, ring->receivers_asleep, &ring->not_empty, sent);
	return sent;
}

/* 0 at the end alone. */
static size_t receive_patiently(void *side, struct message *ret_messages, size_t count)
{
	struct ring *ring = side;
	size_t received;

	pthread_mutex_lock(&ring->lock);
	while ((received = take(ring, ret_messages, count)) == 0 && !ring->ended) {
		ring->receivers_asleep++;
		pthread_cond_wait(&ring->not_empty, &ring->lock);
		ring->receivers_asleep--;
	}
	unlock_and_wake(ring, ring->senders_asleep, &ring->not_full, received);
	return received;
}

static void end(void *queue)
{
	struct ring *ring = queue;

	pthread_mutex_lock(&ring->lock);
	ring->ended = true;
	pthread_cond_broadcast(&ring->not_empty);
	pthread_mutex_unlock(&ring->lock);
}

static void send_waiting(void *side, const struct message *message)
{
	send_patiently(side, message, 1);
}

static void receive_waiting(void *side, struct message *ret_message)
{
	receive_patiently(side, ret_message, 1);
}

const struct queue queue_mutex = {
	.name = "mutex ring",
	.origin = "POSIX mutex and condition variables",
	.carries = "56 bytes",
	.batch_max = BATCH,
	.create = create,
	.destroy = destroy,
	.attach = attach_queue,
	.detach = detach_nothing,
	.send = send,
	.receive = receive,
	.send_patiently = send_patiently,
	.receive_patiently = receive_patiently,
	.end = end,
	.send_waiting = send_waiting,
	.receive_waiting = receive_waiting,
};
