/* SPDX-License-Identifier: MIT */
/*
 * Publish and subscribe: one payload, many queues. The publisher writes a payload
 * once and sends each subscriber a message that shares it. The last subscriber
 * that frees its message gives the memory back.
 *
 * A subscriber that does not keep up is left out: its queue is full, and it finds
 * a gap in the numbers. The publisher never waits for one.
 */
#include <magring.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SUBSCRIBERS 4
#define PUBLISHED 10000
#define BYTES 2000 /* of a payload */

struct subscriber {
	pthread_t thread;
	struct magring_queue *queue;
	long received, missed, broken; /* payloads */
};

static struct subscriber subscribers[SUBSCRIBERS];

/* A payload begins with its number, and its other bytes follow from that. */
static int is_whole(const unsigned char *payload, long number)
{
	for (size_t i = sizeof(number); i < BYTES; i++)
		if (payload[i] != (unsigned char)number)
			return 0;
	return 1;
}

static void *subscribe(void *argument)
{
	struct subscriber *me = argument;
	struct magring_message message;
	long expected = 0, number;
	while (magring_recv(me->queue, &message, -1) == 0) {
		/* The payload is the others', too: it is read, and not written. */
		const unsigned char *payload = magring_message_payload(&message, NULL);
		memcpy(&number, payload, sizeof(number));
		me->received++;
		me->missed += number - expected;
		me->broken += !is_whole(payload, number);
		expected = number + 1;
		magring_message_free(&message);
	}
	me->missed += PUBLISHED - expected;
	return NULL;
}

static int publish(struct magring_pool *pool, long number)
{
	struct magring_message message, shared;
	if (magring_message_alloc(pool, &message, NULL, 0, BYTES, -1) != 0)
		return -1;
	/* Everything is written before the first share. */
	unsigned char *payload = magring_message_payload(&message, NULL);
	memset(payload, (unsigned char)number, BYTES);
	memcpy(payload, &number, sizeof(number));
	for (int i = 0; i < SUBSCRIBERS; i++) {
		if (magring_message_share(&message, &shared) != 0)
			break;
		if (magring_send(subscribers[i].queue, &shared, 0) != 0)
			magring_message_free(&shared); /* no room: this one misses it */
	}
	magring_message_free(&message);
	return 0;
}

int main(void)
{
	struct magring_pool *pool;
	int failed = 0;
	if (magring_pool_create(&pool, NULL) != 0)
		return 1;
	for (int i = 0; i < SUBSCRIBERS; i++)
		if (magring_queue_create(&subscribers[i].queue, pool, NULL) != 0 ||
			pthread_create(&subscribers[i].thread, NULL, subscribe, &subscribers[i]) !=
				0)
			return 1;
	for (long number = 0; number < PUBLISHED && !failed; number++)
		failed = publish(pool, number) != 0;
	for (int i = 0; i < SUBSCRIBERS; i++) {
		struct subscriber *other = &subscribers[i];
		magring_queue_close(other->queue);
		pthread_join(other->thread, NULL);
		printf("%ld received, %ld missed\n", other->received, other->missed);
		failed |= other->broken > 0 || other->received + other->missed != PUBLISHED;
		failed |= magring_queue_release(other->queue) != 0;
	}
	/* -EBUSY if a message were out. */
	return failed || magring_pool_destroy(pool) != 0;
}
