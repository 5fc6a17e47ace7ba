/* SPDX-License-Identifier: MIT */
/*
 * A queue in an event loop. Worker threads send; the loop's thread waits in
 * epoll for the queue's descriptor beside whatever else it serves, and then
 * drains the queue until -EAGAIN, which arms the descriptor again.
 */
#include <errno.h>
#include <magring.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WORKERS 4
#define RESULTS 1000

static struct magring_pool *pool;
static struct magring_queue *results;

static void *work(void *name)
{
	struct magring_message message;
	for (int i = 0; i < RESULTS; i++) {
		/* A payload of 1,000 bytes, written where it will be read. */
		if (magring_message_alloc(pool, &message, name, strlen(name), 1000, 0) != 0)
			return NULL;
		memset(magring_message_payload(&message, NULL), i, 1000);
		if (magring_send(results, &message, -1) != 0) {
			magring_message_free(&message);
			return NULL;
		}
	}
	return name;
}

/* Returns how many were there, or -EPIPE when there will be no more. */
static int drain(void)
{
	struct magring_message messages[16];
	int n, sum = 0;
	while ((n = magring_recv_batch(results, messages, 16, 0)) > 0) {
		for (int i = 0; i < n; i++)
			magring_message_free(&messages[i]);
		sum += n;
	}
	return n == -EAGAIN ? sum : n == -EPIPE && sum > 0 ? sum : n;
}

static void *close_when_done(void *threads)
{
	for (int i = 0; i < WORKERS; i++)
		pthread_join(((pthread_t *)threads)[i], NULL);
	magring_queue_close(results);
	return NULL;
}

int main(void)
{
	static char names[WORKERS][2] = { "a", "b", "c", "d" };
	struct epoll_event event = { .events = EPOLLIN };
	pthread_t threads[WORKERS], closer;
	if (magring_pool_create(&pool, NULL) != 0 ||
		magring_queue_create(&results, pool, NULL) != 0)
		return 1;
	int loop = epoll_create1(EPOLL_CLOEXEC);
	int fd = magring_queue_recv_fd(results);
	if (loop < 0 || fd < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
		return 1;
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&threads[i], NULL, work, names[i]) != 0)
			return 1;
	if (pthread_create(&closer, NULL, close_when_done, threads) != 0)
		return 1;

	int received = 0, n = 0;
	while (n >= 0 && epoll_wait(loop, &event, 1, -1) == 1) {
		n = drain();
		if (n > 0)
			received += n;
	}
	pthread_join(closer, NULL);
	close(loop);
	printf("%d results\n", received);
	return received != WORKERS * RESULTS || magring_queue_release(results) != 0 ||
		magring_pool_destroy(pool) != 0;
}
