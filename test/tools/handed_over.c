/* SPDX-License-Identifier: MIT */
/*
 * Right programs, compiled with ThreadSanitizer or not, as C or C++:
 * handed_over WAY. Threads hand over what the header says that they may, each
 * WAY in another manner. No tool may complain.
 */
#include <magring.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), abort()))
#define COUNT 500

static struct magring_pool *pool;
static struct magring_queue *queue;
static const char *way;
static char long_id[100];

static int is(const char *name)
{
	return strcmp(way, name) == 0;
}

/* A payload of this size, every byte of which is written. */
static void make(struct magring_message *message, const void *id, size_t id_size, size_t size)
{
	int rc = magring_message_alloc(pool, message, id, id_size, size, -1);
	REQUIRE(rc == 0);
	memset(magring_message_payload(message, NULL), 'x', size);
}

/* The payload is a pointer to an object of the program's own. */
static void make_pointer(struct magring_message *message, size_t size)
{
	int *object = (int *)malloc(sizeof(*object));
	REQUIRE(object != NULL);
	*object = 7;
	make(message, NULL, 0, size);
	memcpy(magring_message_payload(message, NULL), &object, sizeof(object));
}

static void make_copy(struct magring_message *message)
{
	char bytes[300];
	memset(bytes, 'x', sizeof(bytes));
	int rc = magring_message_copy(pool, message, "copy", 4, bytes, sizeof(bytes), -1);
	REQUIRE(rc == 0);
}

static void make_any(struct magring_message *message, int number)
{
	if (is("inside"))
		make_pointer(message, sizeof(int *));
	else if (is("pointer"))
		make_pointer(message, 200);
	else if (is("copy"))
		make_copy(message);
	else if (is("long id"))
		make(message, long_id, sizeof(long_id), 300);
	else if (is("trim")) /* sizes come and go */
		make(message, "a", 1, (size_t)(number % 2 == 0 ? 500 : 3000));
	else
		make(message, "a", 1, 500);
}

/* Read and write all of it, and end it. */
static void take(struct magring_message *message)
{
	size_t size;
	char *payload = (char *)magring_message_payload(message, &size);
	if (is("inside") || is("pointer")) {
		int *object;
		memcpy(&object, payload, sizeof(object));
		REQUIRE(++*object == 8);
		free(object);
	} else {
		for (size_t i = 0; i < size; i++)
			REQUIRE(payload[i] == 'x' && (is("shared") || payload[i]++ == 'x'));
	}
	magring_message_free(message);
}

static void send_batches(void)
{
	struct magring_message messages[10];
	for (int i = 0; i < COUNT; i += 10) {
		for (int k = 0; k < 10; k++)
			make_any(&messages[k], k);
		REQUIRE(magring_send_batch(queue, messages, 10, -1) == 10);
	}
}

/* Two receivers may read the payload at once. */
static void send_another(struct magring_message *message)
{
	struct magring_message other;
	REQUIRE(magring_message_share(message, &other) == 0);
	int rc = magring_send(queue, &other, -1);
	REQUIRE(rc == 0);
}

static void *send_all(void *unused)
{
	/* The functions themselves are handed on, too. */
	int (*send)(struct magring_queue *, struct magring_message *, int64_t) = magring_send;
	if (is("batch"))
		send_batches();
	for (int i = 0; !is("batch") && i < COUNT; i++) {
		struct magring_message message;
		make_any(&message, i);
		if (is("shared"))
			send_another(&message);
		int rc = is("address") ? send(queue, &message, -1)
				       : magring_send(queue, &message, -1);
		REQUIRE(rc == 0);
		if (is("trim") && i % 50 == 0)
			(void)magring_pool_trim(pool, 0, NULL);
	}
	return unused;
}

/* The threads ask for the descriptor at the same time. */
static void wait_readable(void)
{
	struct epoll_event event;
	int fd = magring_queue_recv_fd(queue), set = epoll_create1(0);
	memset(&event, 0, sizeof(event));
	event.events = EPOLLIN;
	REQUIRE(fd >= 0 && set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
	REQUIRE(epoll_wait(set, &event, 1, -1) == 1);
	REQUIRE(close(set) == 0);
}

static void *receive_all(void *unused)
{
	struct magring_message messages[10];
	int count = 0;
	if (is("descriptor"))
		wait_readable();
	do {
		for (int i = 0; i < count; i++)
			take(&messages[i]);
		if (is("batch")) {
			count = magring_recv_batch(queue, messages, 10, -1);
		} else if (is("descriptor")) {
			count = magring_recv(queue, messages, 0);
			if (count == -EAGAIN)
				wait_readable();
			count = count == 0 ? 1 : count == -EAGAIN ? 0 : count;
		} else {
			count = magring_recv(queue, messages, -1) == 0 ? 1 : -1;
		}
	} while (count >= 0);
	return unused;
}

/* What other threads did before their releases is visible to drop. */
static int released[2];

static void drop(struct magring_message *message, void *context)
{
	REQUIRE(context == released && released[0] + released[1] == 2);
	take(message);
}

static void *send_and_release(void *mine)
{
	struct magring_message message;
	for (int i = 0; i < 5; i++) {
		make_any(&message, i);
		REQUIRE(magring_send(queue, &message, 0) == 0);
	}
	*(int *)mine = 1;
	REQUIRE(magring_queue_release(queue) == 0);
	return NULL;
}

static void create(unsigned int flags)
{
	struct magring_queue_options options;
	struct magring_pool_options pool_options;
	memset(&options, 0, sizeof(options));
	memset(&pool_options, 0, sizeof(pool_options));
	pool_options.size = sizeof(pool_options);
	pool_options.memory_limit = 256 * 1024; /* slabs are used again soon */
	pool_options.sample_bytes = is("sampled") || is("metrics");
	options.size = sizeof(options);
	options.capacity = 64;
	options.flags = flags;
	options.drop = drop;
	options.drop_context = released;
	REQUIRE(magring_pool_create(&pool, &pool_options) == 0);
	REQUIRE(magring_queue_create(&queue, pool, &options) == 0);
}

/* Metrics of pools and queues that another thread creates. */
static void *write_metrics(void *unused)
{
	FILE *null = fopen("/dev/null", "w");
	REQUIRE(null != NULL);
	for (int i = 0; i < 20; i++) {
		REQUIRE(magring_write_metrics(null, 0) == 0);
		REQUIRE(magring_pool_write_metrics(pool, null) == 0);
		REQUIRE(magring_pool_write_profile(pool, null) == 0);
		REQUIRE(magring_pool_write_leaks(pool, null) == 0);
	}
	REQUIRE(fclose(null) == 0);
	return unused;
}

static void *create_some(void *unused)
{
	for (int i = 0; i < 20; i++) {
		struct magring_pool *other;
		struct magring_queue *own;
		struct magring_message message;
		REQUIRE(magring_pool_create(&other, NULL) == 0);
		REQUIRE(magring_queue_create(&own, i % 2 == 0 ? pool : other, NULL) == 0);
		make_any(&message, i);
		take(&message);
		REQUIRE(magring_queue_release(own) == 0);
		REQUIRE(magring_pool_destroy(other) == 0);
	}
	return unused;
}

static void run(void *(*first)(void *), void *(*second)(void *), int pairs)
{
	pthread_t thread[4];
	for (int i = 0; i < pairs; i++) {
		REQUIRE(pthread_create(&thread[i], NULL, first, &released[0]) == 0);
		REQUIRE(pthread_create(&thread[pairs + i], NULL, second, &released[1]) == 0);
	}
	for (int i = 0; i < pairs; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	if (first == send_all)
		magring_queue_close(queue);
	for (int i = 0; i < pairs; i++)
		REQUIRE(pthread_join(thread[pairs + i], NULL) == 0);
}

int main(int argc, char **argv)
{
	int exclusive;
	REQUIRE(argc == 2);
	way = argv[1];
	memset(long_id, 'i', sizeof(long_id));
	exclusive = is("exclusive");
	create(exclusive ? MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER : 0);
	if (is("drop")) {
		REQUIRE(magring_queue_acquire(queue) == 0);
		run(send_and_release, send_and_release, 1);
	} else if (is("metrics")) {
		run(create_some, write_metrics, 2);
		REQUIRE(magring_queue_release(queue) == 0);
	} else {
		run(send_all, receive_all, exclusive ? 1 : 2);
		REQUIRE(magring_queue_release(queue) == 0);
	}
	REQUIRE(magring_pool_destroy(pool) == 0);
	return 0;
}
