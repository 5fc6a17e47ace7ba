/* SPDX-License-Identifier: MIT */
/* A message through a queue, with a payload inside the message and one in a slab. */
#include <magring.h>
#include <string.h>

static int pass(struct magring_queue *queue, struct magring_message *message, const char *wanted,
	size_t size)
{
	size_t got = 0;
	if (magring_send(queue, message, -1) != 0 || magring_recv(queue, message, -1) != 0)
		return 0;
	const char *payload = magring_message_payload(message, &got);
	int same = got == size && memcmp(payload, wanted, size) == 0;
	magring_message_free(message);
	return same;
}

int main(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
	static char large[1000] = "large";
	if (magring_pool_create(&pool, NULL) != 0 || magring_queue_create(&queue, pool, NULL) != 0)
		return 1;
	if (magring_message_copy(pool, &message, "greeting", 8, "hello, world", 13, 0) != 0 ||
		!pass(queue, &message, "hello, world", 13))
		return 2;
	if (magring_message_alloc(pool, &message, "order-17", 8, sizeof(large), -1) != 0)
		return 3;
	memcpy(magring_message_payload(&message, NULL), large, sizeof(large));
	if (!pass(queue, &message, large, sizeof(large)))
		return 4;
	return magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0;
}
