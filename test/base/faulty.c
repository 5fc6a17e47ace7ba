/* SPDX-License-Identifier: MIT */
/* Programs with one fault each, for sanitizer_test.py: faulty FAULT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <magring.h>

#define SIZE 1000

static void require(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", strerror(-rc));
	exit(2);
}

int main(int argc, char **argv)
{
	const char *fault = argc > 1 ? argv[1] : "";
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message, received;
	require(magring_pool_create(&pool, NULL));
	require(magring_queue_create(&queue, pool, NULL));
	require(magring_message_alloc(pool, &message, "id", 2, SIZE, 0));
	volatile char *payload = magring_message_payload(&message, NULL);
	memset((char *)payload, 'x', SIZE);
	if (strcmp(fault, "overflow") == 0)
		payload[SIZE] = 'y';
	require(magring_send(queue, &message, 0));
	if (strcmp(fault, "use-after-send") == 0)
		payload[SIZE / 2] = 'y';
	require(magring_recv(queue, &received, 0));
	payload[SIZE - 1] = 'y'; /* it is this thread's again */
	magring_message_free(&received);
	if (strcmp(fault, "use-after-free") == 0)
		payload[0] = 'y';
	if (strcmp(fault, "read-after-free") == 0)
		return payload[SIZE - 1] == 'z';
	require(magring_message_alloc(pool, &message, NULL, 0, SIZE, 0));
	payload = magring_message_payload(&message, NULL);
	payload[SIZE - 1] = 'z';
	require(magring_message_share(&message, &received));
	require(magring_send(queue, &received, 0));
	require(payload[SIZE - 1] != 'z'); /* it is not the queue's alone */
	magring_message_free(&message);
	require(magring_recv(queue, &received, 0));
	require(payload[SIZE - 1] != 'z');
	magring_message_free(&received);
	if (strcmp(fault, "read-after-last-free") == 0)
		return payload[SIZE - 1] == 'z';
	require(magring_queue_release(queue));
	require(magring_pool_destroy(pool));
	return 0;
}
