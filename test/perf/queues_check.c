/* SPDX-License-Identifier: MIT */
/*
 * Whether the adapters are right: what is measured must be the whole of a queue's work.
 *
 *	alone     one thread fills the queue, finds it full, empties it, finds it empty, thrice
 *	together  two senders and two receivers, or as few as it allows, hand over 20,000 messages
 *	          each (or fewer: some queues all but stand still while a thread of theirs is
 *	          preempted), one by one and in batches; every message comes once and as it was,
 *	          and in the order of its sender where one receives
 *	waiting   the same with the calls that wait
 *
 * A line for each queue, or for those that have the argument in their names. Ends with 1 if
 * one is wrong or stands still. With queues_broken.c instead of the real ones it must.
 */
#include "core/perf.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CAPACITY = 64, EACH = 20000, THREADS = 2, BATCH_MAX = 64 };

/* Seconds: that a queue may take, and that senders go on once they have sent anything. */
enum { PATIENCE = 60, AT_MOST = 2 };

/* A message says who sent it and which of its messages it is; the other words are made from that. */
static void make(struct message *message, uint64_t sender, uint64_t sequence)
{
	message->words[0] = sender;
	message->words[1] = sequence;
	message->first = ~sequence;
	for (unsigned int i = 2; i < 6; i++)
		message->words[i] = (sequence + 1) * 0x9e3779b97f4a7c15 * (2 * i + 1) + sender;
}

static bool is_intact(const struct message *message)
{
	struct message wanted;

	make(&wanted, message->words[0], message->words[1]);
	return memcmp(message->words, wanted.words, sizeof(wanted.words)) == 0 &&
		(message->first == wanted.first || message->first == 0);
}

/* ------------------------------------------------------------------- together -- */

struct check {
	const struct queue *queue;
	void *made;
	size_t batch;
	bool waiting;
	unsigned int senders;
	unsigned int receivers;
	pthread_barrier_t start;
	atomic_bool all_sent;
	size_t sent[THREADS];
	atomic_uchar came[THREADS][EACH]; /* how often */
	_Atomic(const char *) wrong;
};

struct part {
	struct check *check;
	unsigned int index;
};

static void *send_all(void *argument)
{
	struct part *part = argument;
	struct check *check = part->check;
	const struct queue *queue = check->queue;
	void *side = queue->attach(check->made, true);
	struct message messages[BATCH_MAX];
	struct timespec now;
	time_t end;
	size_t sent = 0;

	pthread_barrier_wait(&check->start);
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + AT_MOST;
	while (sent < EACH && (check->waiting || sent == 0 || now.tv_sec < end)) {
		size_t count = EACH - sent < check->batch ? EACH - sent : check->batch;
		size_t went = 1;

		for (size_t i = 0; i < count; i++)
			make(&messages[i], part->index, sent + i);
		if (check->waiting)
			queue->send_waiting(side, messages);
		else
			went = queue->send(side, messages, count);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (went == 0)
			sched_yield();
		if (went > count) {
			check->wrong = "sent more than it was given";
			break;
		}
		sent += went;
	}
	check->sent[part->index] = sent;
	queue->detach(side);
	return NULL;
}

static void receive_one(struct check *check, const struct message *message, uint64_t *next)
{
	uint64_t sender = message->words[0];
	uint64_t sequence = message->words[1];

	if (sender >= check->senders || sequence >= EACH || !is_intact(message))
		check->wrong = "a message is not as it was sent";
	else if (atomic_fetch_add(&check->came[sender][sequence], 1) > 0)
		check->wrong = "a message came twice";
	else if (check->receivers == 1 && sequence != next[sender])
		check->wrong = "a sender's messages are not in order";
	else
		next[sender] = sequence + 1;
}

static void *receive_all(void *argument)
{
	struct part *part = argument;
	struct check *check = part->check;
	const struct queue *queue = check->queue;
	void *side = queue->attach(check->made, false);
	struct message messages[BATCH_MAX];
	uint64_t next[THREADS] = { 0 };
	/* Who waits must know how many will come to it. */
	size_t own = (size_t)check->senders * EACH / check->receivers;

	pthread_barrier_wait(&check->start);
	while (!check->waiting || own-- > 0) {
		bool all_sent = atomic_load(&check->all_sent);
		size_t count = 1;

		memset(messages, 0xff, sizeof(messages));
		if (check->waiting)
			queue->receive_waiting(side, messages);
		else
			count = queue->receive(side, messages, check->batch);
		if (count == 0 && all_sent)
			break;
		if (count == 0)
			sched_yield();
		if (count > check->batch) {
			check->wrong = "received more than there is room for";
			break;
		}
		for (size_t i = 0; i < count; i++)
			receive_one(check, &messages[i], next);
	}
	queue->detach(side);
	return NULL;
}

static const char *together(const struct queue *queue, unsigned int senders, unsigned int receivers,
	size_t batch, bool waiting)
{
	struct check *check = calloc(1, sizeof(*check));
	pthread_t threads[2 * THREADS];
	struct part parts[2 * THREADS];
	const char *wrong;
	struct message message;
	void *side;

	if (check == NULL)
		err(2, "queues_check");
	check->queue = queue;
	check->made = queue->create(CAPACITY, senders, receivers);
	check->batch = batch;
	check->waiting = waiting;
	check->senders = senders;
	check->receivers = receivers;
	if (check->made == NULL)
		err(2, "%s", queue->name);
	pthread_barrier_init(&check->start, NULL, senders + receivers);
	for (unsigned int i = 0; i < senders + receivers; i++) {
		parts[i] = (struct part){ check, i < senders ? i : i - senders };
		if (pthread_create(&threads[i], NULL, i < senders ? send_all : receive_all,
			    &parts[i]) != 0)
			errx(2, "no threads");
	}
	for (unsigned int i = 0; i < senders; i++)
		pthread_join(threads[i], NULL);
	check->all_sent = true;
	for (unsigned int i = senders; i < senders + receivers; i++)
		pthread_join(threads[i], NULL);
	side = queue->attach(check->made, false);
	if (queue->receive(side, &message, 1) != 0)
		check->wrong = "more came than was sent";
	queue->detach(side);
	for (unsigned int i = 0; i < senders; i++)
		for (unsigned int j = 0; j < EACH; j++)
			if (check->wrong == NULL && check->came[i][j] != (j < check->sent[i]))
				check->wrong = "a message was lost";
	pthread_barrier_destroy(&check->start);
	queue->destroy(check->made);
	wrong = check->wrong;
	free(check);
	return wrong;
}

/* ---------------------------------------------------------------------- alone -- */

static const char *alone(const struct queue *queue)
{
	void *made = queue->create(CAPACITY, 1, 1);
	struct message message;
	const char *wrong = NULL;
	uint64_t first = 0;
	uint64_t last = 0;
	void *sender;
	void *receiver;

	if (made == NULL)
		err(2, "%s", queue->name);
	sender = queue->attach(made, true);
	receiver = queue->attach(made, false);
	for (unsigned int round = 0; round < 3 && wrong == NULL; round++) {
		if (queue->receive(receiver, &message, 1) != 0)
			wrong = "is not empty when it should be";
		do
			make(&message, 0, last);
		while (queue->send(sender, &message, 1) == 1 && ++last - first <= 4 * CAPACITY);
		/* Some lose one place. */
		if (last - first < CAPACITY - 1)
			wrong = "is full too early";
		else if (last - first > (queue->flags & QUEUE_SPARE ? 2 : 1) * CAPACITY)
			wrong = "is never full";
		for (; first < last && wrong == NULL; first++)
			if (queue->receive(receiver, &message, 1) != 1 || !is_intact(&message) ||
				message.words[1] != first)
				wrong = "does not give back what fills it";
	}
	queue->detach(receiver);
	queue->detach(sender);
	queue->destroy(made);
	return wrong;
}

/* ------------------------------------------------------------------------ all -- */

static bool check_queue(const struct queue *queue)
{
	unsigned int senders = queue->flags & QUEUE_SINGLE_SENDER ? 1 : THREADS;
	unsigned int receivers = queue->flags & QUEUE_SINGLE_RECEIVER ? 1 : THREADS;
	size_t batch = queue->batch_max < BATCH_MAX ? queue->batch_max : BATCH_MAX;
	const char *wrong;

	printf("%-24s ", queue->name);
	fflush(stdout);
	alarm(PATIENCE);
	wrong = alone(queue);
	for (size_t size = 1; size <= batch && wrong == NULL; size = size == 1 ? 7 : size * 3)
		wrong = together(queue, senders, receivers, size, false);
	if (wrong == NULL && batch > 1)
		wrong = together(queue, senders, receivers, batch, false);
	if (wrong == NULL)
		wrong = together(queue, senders, 1, 1, false);
	if (wrong == NULL && queue->receive_waiting != NULL)
		wrong = together(queue, senders, receivers, 1, true);
	puts(wrong == NULL ? "right" : wrong);
	return wrong == NULL;
}

static void stand_still(int signal)
{
	static const char line[] = "stands still\n";

	(void)signal;
	_exit(write(STDOUT_FILENO, line, sizeof(line) - 1) < 0 ? 2 : 1);
}

int main(int argc, char **argv)
{
	unsigned int checked = 0;
	unsigned int wrong = 0;

	signal(SIGALRM, stand_still);
	for (size_t i = 0; queues[i] != NULL; i++) {
		if (queues[i]->flags & (QUEUE_LINKED_TO_NOTHING | QUEUE_PROGRAM) ||
			queues[i]->create == NULL ||
			(argc > 1 && strstr(queues[i]->name, argv[1]) == NULL))
			continue;
		checked++;
		wrong += !check_queue(queues[i]);
	}
	printf("%u of %u queues are right\n", checked - wrong, checked);
	return wrong > 0 || checked == 0;
}
