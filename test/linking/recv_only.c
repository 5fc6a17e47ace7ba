/* SPDX-License-Identifier: MIT */
/* A program that takes messages out of a queue that others fill, and never allocates. */
#include <errno.h>
#include <magring.h>

struct magring_queue *queue;

int main(void)
{
	struct magring_message message;
	if (magring_recv(queue, &message, 0) == 0)
		magring_message_free(&message);
	else if (queue == NULL && magring_recv(queue, &message, 0) == -EINVAL)
		return 0;
	return 1;
}
