/* SPDX-License-Identifier: MIT */
/*
 * One call wakes one sleeper, whatever it has brought. The sleepers that are woken
 * wake the rest. Played step by step on a real queue (see blocking.c and
 * eventcount.c), for receivers and for senders. Also beside a thread that has
 * stopped between its claim and its store, which the test plays itself. It takes
 * each step after the counters and the kernel have said that the sleepers sleep.
 */
#include "stress.h"

#include <sched.h>
#include <sys/syscall.h>

#include "queue/queue.h"
#include "queue/ring_peek.h"

#define SLEEPERS 3
#define CELLS 32 /* so that one claim does for all sleepers */

struct sleeper {
	struct magring_queue *queue;
	struct magring_message message;
	enum side side;
	_Atomic(pid_t) tid;
	_Atomic(bool) done;
	int result;
	pthread_t thread;
};

static struct magring_pool *pool;
static struct magring_queue *queue;

static void show(void)
{
	fprintf(stderr, "  a thread sleeps on although its condition holds\n");
	for (int side = SENDER; side <= RECEIVER; side++)
		fprintf(stderr, "  eventcount %d: word %#" PRIx64 "\n", side,
			atomic_load_explicit(&queue->eventcount[side].word, memory_order_relaxed));
	stress_print_queue(queue);
}

static struct magring_message letter(const char *id)
{
	struct magring_message message;
	int rc = magring_message_copy(pool, &message, id, strlen(id), NULL, 0, 0);
	CHECK(rc == 0, "magring_message_copy: %s", strerror(-rc));
	return message;
}

/* Which letter it is: the first byte of its id. */
static char read_letter(const struct magring_message *message)
{
	const char *id = magring_message_id(message, NULL);
	return id != NULL ? *id : '-';
}

static void *sleep_in_queue(void *argument)
{
	struct sleeper *self = argument;
	atomic_store_explicit(&self->tid, (pid_t)syscall(SYS_gettid), memory_order_relaxed);
	self->result = self->side == SENDER ? magring_send(self->queue, &self->message, -1)
					    : magring_recv(self->queue, &self->message, -1);
	atomic_store_explicit(&self->done, true, memory_order_release);
	return NULL;
}

/* What the kernel says about a thread: R, S, ... */
static char state_of(pid_t tid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return '-';
	size_t size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	const char *name_end = strrchr(text, ')');
	return name_end != NULL && name_end[1] == ' ' ? name_end[2] : '-';
}

/* Until the sleepers that are not done have gone to sleep this many times in all,
 * and are asleep, with no wake-up on its way. */
static void wait_asleep(struct sleeper *sleepers, int count, enum side side, uint64_t times)
{
	while (stress_queue_stats(queue).parked < times)
		sched_yield();
	for (int i = 0; i < count; i++)
		while (!atomic_load_explicit(&sleepers[i].done, memory_order_acquire) &&
			state_of(atomic_load_explicit(&sleepers[i].tid, memory_order_relaxed)) !=
				'S')
			sched_yield();
	CHECK(stress_queue_stats(queue).parked == times, "%" PRIu64,
		stress_queue_stats(queue).parked);
	CHECK((atomic_load_explicit(&queue->eventcount[side].word, memory_order_relaxed) &
		      (EVENTCOUNT_FENCED - EVENTCOUNT_WAKING)) == 0,
		"a wake-up is on its way");
	stress_alive();
}

static void start_sleepers(struct sleeper *sleepers, int count, enum side side)
{
	for (int i = 0; i < count; i++) {
		sleepers[i] = (struct sleeper){ .queue = queue, .side = side };
		if (side == SENDER)
			sleepers[i].message = letter("s");
		stress_start(&sleepers[i].thread, sleep_in_queue, &sleepers[i]);
		wait_asleep(sleepers, i + 1, side, (uint64_t)i + 1);
	}
}

/* The number of sleepers who got what they waited for; returns when all have come back. */
static int join_sleepers(struct sleeper *sleepers, int count, int expected)
{
	int good = 0;
	for (int i = 0; i < count; i++) {
		stress_join(sleepers[i].thread);
		good += sleepers[i].result == 0;
		CHECK(sleepers[i].result == 0 || sleepers[i].result == expected, "%s",
			strerror(-sleepers[i].result));
		stress_alive();
	}
	return good;
}

static void receivers_pass_the_wake_up_on(void)
{
	struct sleeper receivers[SLEEPERS];
	struct magring_message messages[SLEEPERS];
	queue = stress_queue(pool, CELLS / 2);
	start_sleepers(receivers, SLEEPERS, RECEIVER);
	for (int i = 0; i < SLEEPERS; i++)
		messages[i] = letter("r");
	CHECK(magring_send_batch(queue, messages, SLEEPERS, 0) == SLEEPERS, "the batch");
	CHECK(join_sleepers(receivers, SLEEPERS, 0) == SLEEPERS, "one message for each");
	magring_queue_release(queue);
}

static void senders_pass_the_wake_up_on(void)
{
	struct sleeper senders[SLEEPERS];
	struct magring_message messages[CELLS];
	queue = stress_queue(pool, CELLS / 2);
	for (int i = 0; i < CELLS; i++)
		messages[i] = letter("1");
	CHECK(magring_send_batch(queue, messages, CELLS, 0) == CELLS, "the queue is full");
	start_sleepers(senders, SLEEPERS, SENDER);
	CHECK(magring_recv_batch(queue, messages, SLEEPERS, 0) == SLEEPERS, "room for each");
	CHECK(join_sleepers(senders, SLEEPERS, 0) == SLEEPERS, "all have sent");
	CHECK(magring_queue_size(queue) == CELLS, "%zu", magring_queue_size(queue));
	magring_queue_release(queue);
}

/* A receiver has gone past a stopped sender, which makes room, but other
 * receivers have taken what was behind, and stopped before they looked for
 * sleepers. So it does that itself. */
static void a_sender_is_woken_by_a_receiver_in_vain(int64_t timeout_ns)
{
	struct sleeper sender;
	struct magring_message messages[CELLS];
	queue = stress_queue(pool, CELLS / 2);
	uint64_t position = ring_peek_claim_push(&queue->ring);
	for (int i = 1; i < CELLS; i++)
		messages[i] = letter("1");
	CHECK(magring_send_batch(queue, &messages[1], CELLS - 1, 0) == CELLS - 1,
		"the queue is full");
	start_sleepers(&sender, 1, SENDER);
	for (int i = 1; i < CELLS; i++)
		CHECK(ring_pop(&queue->ring, &messages[i]) == 1, "%d", i);
	int result = magring_recv(queue, messages, timeout_ns);
	CHECK(result == (timeout_ns == 0 ? -EAGAIN : 0), "%s", strerror(-result));
	CHECK(join_sleepers(&sender, 1, 0) == 1, "it has sent");
	messages[0] = letter("1");
	CHECK(!ring_peek_finish_push(&queue->ring, position, messages), "it was skipped");
	magring_queue_release(queue);
}

/* S1 has stopped; what S2 sends behind it is received. */
static void receivers_are_woken_past_a_stopped_sender(void)
{
	struct sleeper receivers[2];
	struct magring_message first = letter("1"), second = letter("2");
	queue = stress_queue(pool, 4);
	start_sleepers(receivers, 2, RECEIVER);

	uint64_t position = ring_peek_claim_push(&queue->ring);
	CHECK(magring_send(queue, &second, 0) == 0, "S2");
	while (magring_queue_size(queue) > 0)
		sched_yield();
	CHECK(!ring_peek_finish_push(&queue->ring, position, &first), "S1 was skipped");
	CHECK(magring_send(queue, &first, 0) == 0, "S1");
	CHECK(join_sleepers(receivers, 2, 0) == 2, "R1 and R2");
	CHECK(read_letter(&receivers[0].message) + read_letter(&receivers[1].message) == '1' + '2',
		"%c and %c", read_letter(&receivers[0].message),
		read_letter(&receivers[1].message));
	magring_queue_release(queue);
}

/* R1 has stopped; the cell that R2 empties is filled. */
static void senders_are_woken_past_a_stopped_receiver(void)
{
	struct sleeper senders[2];
	struct magring_message first, second = letter("1");
	queue = stress_queue(pool, 2);
	CHECK(magring_send(queue, &second, 0) == 0, "first");
	for (const char *text = "234"; *text != '\0'; text++) {
		second = letter(text);
		CHECK(magring_send(queue, &second, 0) == 0, "%s", text);
	}
	start_sleepers(senders, 2, SENDER);

	uint64_t position = ring_peek_claim_pop(&queue->ring);
	for (char wanted = '2'; wanted <= '4'; wanted++)
		CHECK(magring_recv(queue, &second, 0) == 0 && read_letter(&second) == wanted, "R2");
	CHECK(magring_recv(queue, &second, -1) == 0 && read_letter(&second) == 's', "a sender's");
	CHECK(magring_recv(queue, &second, -1) == 0 && read_letter(&second) == 's', "the other's");
	CHECK(join_sleepers(senders, 2, 0) == 2, "S1 and S2");
	CHECK(!ring_peek_finish_pop(&queue->ring, position, &first), "R1 was skipped");
	CHECK(read_letter(&first) == '1', "%c", read_letter(&first));
	magring_queue_release(queue);
}

static void receivers_of_a_closed_queue_are_told_past_a_stopped_sender(void)
{
	struct sleeper receivers[SLEEPERS];
	struct magring_message last = letter("1");
	queue = stress_queue(pool, 4);
	start_sleepers(receivers, SLEEPERS, RECEIVER);

	uint64_t position = ring_peek_claim_push(&queue->ring);
	magring_queue_close(queue);
	CHECK(join_sleepers(receivers, SLEEPERS, -EPIPE) == 0, "nobody got a message");
	CHECK(!ring_peek_finish_push(&queue->ring, position, &last), "it was skipped");
	magring_queue_release(queue);
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("wakeup_chain_test", argc, argv);
	pool = stress_pool(0, 0);
	receivers_pass_the_wake_up_on();
	senders_pass_the_wake_up_on();
	a_sender_is_woken_by_a_receiver_in_vain(0);
	a_sender_is_woken_by_a_receiver_in_vain(-1);
	receivers_are_woken_past_a_stopped_sender();
	senders_are_woken_past_a_stopped_receiver();
	receivers_of_a_closed_queue_are_told_past_a_stopped_sender();
	stress_destroy(pool);
	return stress_end();
}
