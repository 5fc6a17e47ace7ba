/* SPDX-License-Identifier: MIT */
/*
 * References: a queue for each reply, as in magring.h. The thread that releases
 * the last reference frees the queue, which may be any. The engine fails a run
 * that uses what was freed, or frees it twice.
 */
#include "programs.h"
#include "scheduler.h"

#include <errno.h>
#include <string.h>

#include "magring.h"

struct request {
	struct magring_queue *reply_to;
	uint64_t number;
};

static struct magring_queue *requests;
static struct magring_queue *shared;

static unsigned int answered, came, dropped; /* replies */
static bool impatient;                       /* clients do not wait for ever */

static void drop(struct magring_message *message, void *context)
{
	sched_require(message != NULL && context == &dropped, "drop has other arguments");
	dropped++;
}

static struct magring_queue *make(size_t capacity)
{
	struct magring_queue *queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = capacity,
		.drop = drop,
		.drop_context = &dropped };
	int rc = magring_queue_create(&queue, NULL, &options);
	sched_require(rc == 0, "a queue is not made: %d", rc);
	return queue;
}

static void make_message(struct magring_message *message, const void *bytes, size_t count)
{
	int rc = magring_message_copy(NULL, message, NULL, 0, bytes, count, 0);
	sched_require(rc == 0, "a message is not made: %d", rc);
}

static void release(struct magring_queue *queue)
{
	int rc = magring_queue_release(queue);
	sched_require(rc == 0, "release returns %d", rc);
}

static void acquire(struct magring_queue *queue)
{
	int rc = magring_queue_acquire(queue);
	sched_require(rc == 0, "acquire returns %d", rc);
}

/* --------------------------------------------------------- request, reply -- */

static void serve_one(void)
{
	struct magring_message message;
	struct request request;
	uint64_t answer;
	int rc = magring_recv(requests, &message, -1);
	sched_require(rc == 0, "no request: %d", rc);
	memcpy(&request, magring_message_payload(&message, NULL), sizeof(request));
	magring_message_free(&message);
	answer = 2 * request.number;
	make_message(&message, &answer, sizeof(answer));
	rc = magring_send(request.reply_to, &message, 0);
	sched_require(rc == 0, "a reply is not sent: %d", rc);
	answered++;
	release(request.reply_to);
}

static void server(void *times)
{
	for (uintptr_t i = 0; i < (uintptr_t)times; i++)
		serve_one();
}

static void ask(uint64_t number)
{
	struct magring_message message;
	struct magring_queue *replies = make(2);
	struct request request = { replies, number };
	uint64_t answer;
	acquire(replies);
	make_message(&message, &request, sizeof(request));
	int rc = magring_send(requests, &message, -1);
	sched_require(rc == 0, "a request is not sent: %d", rc);
	rc = magring_recv(replies, &message, impatient ? 2000 : -1);
	release(replies);
	if (rc == -ETIMEDOUT && impatient)
		return;
	sched_require(rc == 0, "no reply: %d", rc);
	memcpy(&answer, magring_message_payload(&message, NULL), sizeof(answer));
	sched_require(answer == 2 * number, "%lu is the answer to %lu", (unsigned long)answer,
		(unsigned long)number);
	came++;
	magring_message_free(&message);
}

static void client(void *number)
{
	ask((uintptr_t)number);
}

static void check_all_ended(void)
{
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i) && !sched_has_stopped(i),
			"thread %u has not ended", i);
}

static void run_replies(void)
{
	unsigned int clients = 1 + sched_choose(2);
	impatient = sched_choose(2) == 1;
	requests = make(2);
	for (uintptr_t i = 1; i <= clients; i++)
		sched_spawn("client", client, (void *)i);
	if (clients == 2 && sched_choose(2) == 1) {
		sched_spawn("server", server, (void *)1);
		sched_spawn("server", server, (void *)1);
	} else {
		sched_spawn("server", server, (void *)(uintptr_t)clients);
	}
	sched_wait();
	check_all_ended();
	sched_require(answered == clients, "%u of %u are answered", answered, clients);
	sched_require(came + dropped == answered, "%u replies: %u came, %u dropped", answered, came,
		dropped);
	release(requests);
}

/* ------------------------------------------------ a queue that all release -- */

/* The references are there before: one for each thread. */
static void use_and_release(void *sends)
{
	struct magring_message message;
	uint64_t value = sched_self();
	if (sends != NULL) {
		make_message(&message, &value, sizeof(value));
		if (magring_send(shared, &message, 0) == 0)
			answered++;
	} else if (magring_recv(shared, &message, 0) == 0) {
		came++;
	}
	if (sched_choose(2) == 1) {
		acquire(shared);
		release(shared);
	}
	release(shared);
}

static void close_and_release(void *unused)
{
	(void)unused;
	int rc = magring_queue_close(shared);
	sched_require(rc == 0, "close returns %d", rc);
	release(shared);
}

static void run_last_reference(void)
{
	unsigned int threads = 2 + sched_choose(3);
	shared = make(2);
	for (unsigned int i = 0; i < threads; i++) {
		acquire(shared);
		unsigned int kind = sched_choose(5);
		if (kind == 4)
			sched_spawn("closer", close_and_release, NULL);
		else
			sched_spawn("user", use_and_release, kind < 3 ? &answered : NULL);
	}
	release(shared);
	sched_wait();
	check_all_ended();
	sched_require(answered == came + dropped, "%u sent, %u received, %u dropped", answered,
		came, dropped);
}

/* What a thread did with the queue's drop_context before its release is visible
 * to drop. */
static uint64_t notes[SCHED_THREADS];

static void read_notes(struct magring_message *message, void *unused)
{
	(void)message, (void)unused;
	sched_read(notes, sizeof(notes));
	dropped++;
}

static void note_and_release(void *unused)
{
	(void)unused;
	notes[sched_self()] = 1;
	sched_write(&notes[sched_self()], sizeof(notes[0]));
	release(shared);
}

static void run_last_reference_orders(void)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.drop = read_notes };
	struct magring_message message;
	int rc = magring_queue_create(&shared, NULL, &options);
	sched_require(rc == 0, "a queue is not made: %d", rc);
	make_message(&message, &options.size, sizeof(options.size));
	rc = magring_send(shared, &message, 0);
	sched_require(rc == 0, "send returns %d", rc);
	for (int i = 0; i < 3; i++) {
		acquire(shared);
		sched_spawn("user", note_and_release, NULL);
	}
	release(shared);
	sched_wait();
	check_all_ended();
	sched_require(dropped == 1, "%u messages are dropped, not 1", dropped);
}

static const struct sched_program program_replies = { "replies", "a queue for each reply",
	run_replies, SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
static const struct sched_program program_last_reference = { "last_reference",
	"threads use a queue and release it", run_last_reference, SCHED_MAY_STOP };
static const struct sched_program program_last_reference_orders = { "last_reference_orders",
	"what came before a release is visible to drop", run_last_reference_orders, 0 };

const struct sched_program *const reference_programs[] = { &program_replies,
	&program_last_reference, &program_last_reference_orders, NULL };
