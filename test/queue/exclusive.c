/* SPDX-License-Identifier: MIT */
/*
 * A debug build notices when a second thread uses a side that one declared to have to itself.
 *
 *	exclusive CASE
 *
 * makes one thread wait in a send (recv) and another one call the same; it ends by abort(), with
 * a line that names the queue. CASE: send, send_batch, recv, recv_batch; send_try and others: the
 * other one polls. The same with "no-" before it uses the other side, and "one-" a thread after
 * the other: nothing happens.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <magring.h>

static struct magring_pool *pool;
static struct magring_queue *queue;

static struct magring_message given_message(void)
{
	struct magring_message message;
	if (magring_message_copy(pool, &message, "id", 2, NULL, 0, 0) != 0)
		exit(2);
	return message;
}

static int call(const char *which, int64_t timeout_ns)
{
	struct magring_message message = { 0 };
	if (strncmp(which, "send", 4) == 0)
		message = given_message();
	if (timeout_ns == 0 && strstr(which, "_try") != NULL)
		return strcmp(which, "send_try") == 0 ? magring_try_send(queue, &message)
			: strcmp(which, "send_batch_try") == 0
			? magring_try_send_batch(queue, &message, 1)
			: strcmp(which, "recv_try") == 0
			? magring_try_recv(queue, &message)
			: magring_try_recv_batch(queue, &message, 1);
	return strcmp(which, "send") == 0 || strcmp(which, "send_try") == 0
		? magring_send(queue, &message, timeout_ns)
		: strncmp(which, "send_batch", 10) == 0
		? magring_send_batch(queue, &message, 1, timeout_ns)
		: strcmp(which, "recv") == 0 || strcmp(which, "recv_try") == 0
		? magring_recv(queue, &message, timeout_ns)
		: magring_recv_batch(queue, &message, 1, timeout_ns);
}

static void *wait_in_call(void *which)
{
	(void)call(which, -1);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";
	bool other = strncmp(which, "no-", 3) == 0, after = strncmp(which, "one-", 4) == 0;
	which += other ? 3 : after ? 4 : 0;
	bool sends = strncmp(which, "send", 4) == 0;
	const struct magring_queue_options options = {
		.size = sizeof(options),
		.capacity = 2,
		.name = "lonely",
		.flags = sends != other ? MAGRING_SINGLE_SENDER : MAGRING_SINGLE_RECEIVER,
	};
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	pthread_t thread;
	if (magring_pool_create(&pool, NULL) != 0 ||
		magring_queue_create(&queue, pool, &options) != 0)
		return 2;
	for (int i = 0; sends && i < 4; i++) /* the cells of capacity 2 */
		if (call("send", 0) != 0)
			return 2;
	if (pthread_create(&thread, NULL, wait_in_call, (void *)(uintptr_t)which) != 0)
		return 2;
	while (stats.parked == 0) /* it sleeps in its call */
		if (magring_queue_get_stats(queue, &stats) != 0)
			return 2;
	if (after) { /* cancelled, it is not in there any more */
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	int result = call(which, 0);
	printf("%d\n", result);
	return result == -EAGAIN ? 0 : 3;
}
