/* SPDX-License-Identifier: MIT */
/*
 * Requests, with a queue for each reply. The client creates the queue, and hands one
 * reference to it to the server within the request. Each side gives its own
 * reference back when it is done. The last one frees the queue, whichever that is.
 *
 * The server ends before all requests are served, and tells the clients of the rest.
 */
#include <magring.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CLIENTS 4
#define ASKED 1000  /* by each client */
#define SERVED 3000 /* then the server ends */

struct request {
	struct magring_queue *reply_to; /* with a reference to it */
	long number;
};

static struct magring_queue *requests;

static struct request request_in(struct magring_message *message)
{
	struct request request;
	memcpy(&request, magring_message_payload(message, NULL), sizeof(request));
	return request;
}

/* A request that is not served: its client receives -EPIPE. */
static void refuse(struct magring_message *message)
{
	struct request request = request_in(message);
	magring_queue_close(request.reply_to);
	magring_queue_release(request.reply_to);
	magring_message_free(message);
}

/* 16 bytes are inside the message, so neither it nor a queue needs a pool. */
static int ask(struct magring_queue *replies, long *number)
{
	struct request request = { .reply_to = replies, .number = *number };
	struct magring_message message;
	if (magring_message_copy(NULL, &message, NULL, 0, &request, sizeof(request), 0) != 0)
		return -1;
	if (magring_queue_acquire(replies) != 0) /* the server's reference */
		return -1;
	if (magring_send(requests, &message, -1) != 0)
		refuse(&message); /* what is not sent is still this thread's */
	int rc = magring_recv(replies, &message, -1);
	magring_queue_release(replies); /* the server may still be in its send */
	if (rc == 0)
		*number = request_in(&message).number;
	return rc;
}

static void *be_client(void *ret_answers)
{
	struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	for (long i = 0; i < ASKED; i++) {
		struct magring_queue *replies;
		long number = i;
		if (magring_queue_create(&replies, NULL, &options) != 0)
			return NULL;
		if (ask(replies, &number) == 0 && number == i * i)
			++*(int *)ret_answers;
	}
	return NULL;
}

static void *be_server(void *unused)
{
	struct magring_message message;
	for (int i = 0; i < SERVED && magring_recv(requests, &message, -1) == 0; i++) {
		struct request request = request_in(&message);
		request.number *= request.number;
		memcpy(magring_message_payload(&message, NULL), &request, sizeof(request));
		if (magring_send(request.reply_to, &message, 0) != 0)
			magring_message_free(&message);
		magring_queue_release(request.reply_to);
	}
	magring_queue_close(requests);
	while (magring_recv(requests, &message, -1) == 0)
		refuse(&message);
	return unused;
}

int main(void)
{
	pthread_t server, clients[CLIENTS];
	int answers[CLIENTS] = { 0 }, sum = 0;
	if (magring_queue_create(&requests, NULL, NULL) != 0 ||
		pthread_create(&server, NULL, be_server, NULL) != 0)
		return 1;
	for (int i = 0; i < CLIENTS; i++)
		if (pthread_create(&clients[i], NULL, be_client, &answers[i]) != 0)
			return 1;
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i], NULL);
		sum += answers[i];
	}
	pthread_join(server, NULL);
	printf("%d answers to %d requests\n", sum, CLIENTS * ASKED);
	return sum != SERVED || magring_queue_release(requests) != 0;
}
