/* SPDX-License-Identifier: MIT */
/* What a user of the installed library might write. */
#include <magring.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
	size_t size;

	if (magring_pool_create(&pool, NULL) != 0 || magring_queue_create(&queue, pool, NULL) != 0)
		return 1;
	if (magring_message_copy(pool, &message, "id", 2, "a payload", 9, 0) != 0 ||
		magring_send(queue, &message, -1) != 0 || magring_recv(queue, &message, -1) != 0)
		return 1;
	const char *payload = magring_message_payload(&message, &size);
	printf("%.*s\n", (int)size, payload);
	magring_message_free(&message);
	return magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0;
}
