/* SPDX-License-Identifier: MIT */
/*
 * Threads that stand still inside a push or a pop while others go on.
 *
 * A thread is stopped in one of two ways. By a trap: the message that it sends from, or
 * receives into, lies in a page that may not be touched, so it stops between its
 * claim and its store, in the handler of SIGSEGV. By a signal, at any instruction:
 * its handler waits. ThreadSanitizer holds signals back until a thread is not in the
 * middle of anything, so there are only traps under it.
 *
 * First some stories with a known end, each step of which has one right answer. Then
 * games, in which some threads stand still for a while, until others have done
 * so much, and some to the end of the game:
 *
 *	in turn   each thread sends some messages, and receives as many. So while one is
 *	          receiving, a message that was sent is waiting at any moment; and since no
 *	          more than a few a thread are in the ring, with no more skipped positions than that,
 *	          there always is room in a ring twice as large. Each call must therefore
 *	          do something, the first time: there is no stricter bound on the steps
 *	          of those who go on, and no "full" or "empty" to hide behind.
 *	apart     senders and receivers of a ring with few cells, which is full or empty
 *	          most of the time; now and then it is closed while threads stand still.
 *	asleep    the same through a queue, with threads that sleep.
 *
 * Whatever happens, each message that was sent is received once, a sender's messages
 * in their order; and when all are back, the whole ring can be used.
 */
#include "queue/stopped.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "queue/queue.h"
#include "queue/ring_peek.h"

#ifdef STOPPED_THREAD_SANITIZER
enum { SIGNALS = 0 };
#else
enum { SIGNALS = 1 };
#endif

#define THREADS_MAX 6
#define BATCH 3
#define MESSAGES 1500 /* of a thread, in a game */
#define PAGE 65536    /* or several */
#define SIGNAL SIGRTMIN
#define FOR_EVER UINT64_MAX

enum phase { AT_WORK, TO_STOP, STOPPED, OVER };

struct worker {
	uint32_t number;
	uint64_t stream; /* of dice */
	pthread_t thread;
	_Atomic(enum phase) phase;
	_Atomic(uint32_t) held; /* a futex: 1, stay stopped */
	_Atomic(bool) trapped;  /* will be stopped by its next operation; else by the signal */
	unsigned char *trap;    /* two pages, the second of which is closed and opened */
	uint64_t until;         /* it stands still until so much is done, 0: not decided yet */
	uint32_t sent;
	uint64_t received;
	/* In a story: what it does. */
	int (*act)(struct worker *worker);
	struct magring_message *messages;
	size_t count;
	int result;
};

static struct {
	struct ring *ring;
	struct magring_pool *pool;
	struct magring_queue *queue; /* for sleepers */
	uint32_t threads;
	uint32_t batch;         /* the most messages in a call */
	size_t at_once;         /* how many may stand still */
	_Atomic(uint64_t) done; /* operations */
	_Atomic(unsigned char) seen[THREADS_MAX][MESSAGES];
} game;

static struct worker workers[THREADS_MAX];
static _Thread_local struct worker *self __attribute__((tls_model("initial-exec")));
static struct {
	uint64_t games, messages, stopped, for_ever, challenged, quarantined;
	_Atomic(uint64_t) in_vain;
} totals;

static enum phase phase_of(uint32_t number)
{
	/* What a thread that is over has written is read. */
	return atomic_load_explicit(&workers[number].phase, memory_order_acquire);
}

static void show(void)
{
	static const char *const phases[] = { "at work", "to stop", "stopped", "over" };
	if (game.ring == NULL)
		return;
	struct ring_counts counts = ring_counts(game.ring);
	fprintf(stderr,
		"  cells %zu, sent %" PRIu64 " received %" PRIu64 " unresolved %" PRIu64 "\n",
		ring_cells(game.ring), counts.sent, counts.received,
		ring_peek_unresolved(game.ring));
	for (uint32_t i = 0; i < game.threads; i++)
		fprintf(stderr, "  thread %" PRIu32 ": %s, sent %" PRIu32 " received %" PRIu64 "\n",
			i, phases[phase_of(i)], workers[i].sent, workers[i].received);
	if (game.queue == NULL)
		return;
	for (int side = SENDER; side <= RECEIVER; side++)
		fprintf(stderr, "  gate %d: word %#" PRIx64 "\n", side,
			atomic_load_explicit(&game.queue->eventcount[side].word,
				memory_order_relaxed));
	stress_print_queue(game.queue);
}

/* ---------------------------------------------------------- standing still -- */

static void stand_still(void)
{
	int saved = errno;
	atomic_store_explicit(&self->phase, STOPPED, memory_order_release);
	while (atomic_load_explicit(&self->held, memory_order_relaxed) == 1)
		syscall(SYS_futex, &self->held, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	atomic_store_explicit(&self->phase, AT_WORK, memory_order_release);
	errno = saved;
}

static void on_signal(int number)
{
	(void)number;
	stand_still();
}

static void close_trap(struct worker *worker)
{
	mprotect(worker->trap + PAGE, PAGE, PROT_NONE);
}

static void open_trap(struct worker *worker)
{
	mprotect(worker->trap + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	const unsigned char *at = info->si_addr;
	(void)context;
	if (self == NULL || at < self->trap + PAGE || at >= self->trap + (ptrdiff_t)2 * PAGE) {
		signal(number, SIG_DFL); /* a fault like any other */
		return;
	}
	stand_still();
	open_trap(self);
}

static void handle_signals(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction stop = { .sa_handler = on_signal };
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGNAL);
	pthread_sigmask(SIG_BLOCK, &mask, NULL); /* but for workers */
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGNAL, &stop, NULL);
}

static void let_go(struct worker *worker)
{
	atomic_store_explicit(&worker->held, 0, memory_order_relaxed);
	syscall(SYS_futex, &worker->held, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Messages of which the one with this index cannot be touched when the trap is closed,
 * but perhaps for its first word. */
static struct magring_message *in_trap(struct worker *worker, size_t index, bool first_word)
{
	return (void *)(worker->trap + PAGE - index * sizeof(struct magring_message) -
		(first_word ? sizeof(uint64_t) : 0));
}

static struct worker *new_worker(uint32_t number)
{
	struct worker *worker = &workers[number];
	unsigned char *trap = worker->trap;
	if (trap == NULL)
		trap = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (trap == MAP_FAILED)
		abort();
	*worker = (struct worker){ .number = number, .trap = trap };
	return worker;
}

/* Signals reach a thread only where it holds nothing that others need but a ring's cell. */
static void come_in(struct worker *worker)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGNAL);
	self = worker;
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

static void go_out(struct worker *worker)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGNAL);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	atomic_store_explicit(&worker->phase, OVER, memory_order_release);
}

/* ----------------------------------------------------------------- stories -- */

static int64_t push(uint64_t number)
{
	struct magring_message message;
	stopped_fill(&message, number);
	bool may = ring_may_push(game.ring);
	int n = ring_push(game.ring, &message);
	CHECK((n != -EAGAIN) == may, "push: %d, may_push: %d", n, may);
	stress_alive();
	return n;
}

/* The message's number. */
static int64_t pop(void)
{
	struct magring_message message;
	bool may = ring_may_pop(game.ring);
	int n = ring_pop(game.ring, &message);
	CHECK((n != -EAGAIN) == may, "pop: %d, may_pop: %d", n, may);
	stress_alive();
	return n == 1 ? (int64_t)stopped_number(&message) : n;
}

/* Both are numbers. */
#define EXPECT(is, wanted) \
	do { \
		int64_t is_value = (int64_t)(is), wanted_value = (int64_t)(wanted); \
		CHECK(is_value == wanted_value, "%s is %" PRId64 ", not %" PRId64, #is, is_value, \
			wanted_value); \
	} while (0)

/* A single message always fits, and a claim may be of all cells. */
static void open_ring(size_t cells)
{
	static struct ring ring;
	game.ring = &ring;
	if (ring_init(&ring, cells, cells - 1, 0, 0) != 0)
		abort();
	ring.claim_max = cells;
}

static bool closed(void)
{
	return atomic_load_explicit(&game.ring->tail, memory_order_relaxed) >> 63;
}

/* Nobody is in it any more: what is in is received, and all of it can be used. */
static void close_ring(void)
{
	struct ring_counts counts = ring_counts(game.ring);
	EXPECT(ring_peek_unresolved(game.ring), 0);
	CHECK(counts.quarantined <= counts.challenged, "%" PRIu64 " of %" PRIu64,
		counts.quarantined, counts.challenged);
	while (pop() >= 0)
		;
	if (!closed()) {
		size_t cells = ring_cells(game.ring);
		for (size_t i = 1; i <= cells; i++)
			EXPECT(push(i), 1);
		EXPECT(push(1), -EAGAIN);
		for (size_t i = 1; i <= cells; i++)
			EXPECT(pop(), i);
		EXPECT(pop(), -EAGAIN);
	}
	struct ring_counts after = ring_counts(game.ring);
	EXPECT(after.sent, after.received);
	EXPECT(after.challenged, counts.challenged);
	totals.challenged += after.challenged;
	totals.quarantined += after.quarantined;
	ring_fini(game.ring);
	game.ring = NULL;
}

static void *act(void *argument)
{
	struct worker *worker = argument;
	come_in(worker);
	worker->result = worker->act(worker);
	go_out(worker);
	return NULL;
}

static int act_push(struct worker *worker)
{
	return worker->count == 1 ? ring_push(game.ring, worker->messages)
				  : ring_push_batch(game.ring, worker->messages, worker->count);
}

static int act_pop(struct worker *worker)
{
	return worker->count == 1 ? ring_pop(game.ring, worker->messages)
				  : ring_pop_batch(game.ring, worker->messages, worker->count);
}

/* A thread that pushes or pops so many messages, and stops at the one with this index. Those
 * that it pushes have this number and the following ones. */
static struct worker *stop_in(uint32_t thread, int (*what)(struct worker *worker), size_t count,
	size_t index, uint64_t number)
{
	struct worker *worker = new_worker(thread);
	uint64_t ends = game.ring->tail + game.ring->head;
	worker->act = what;
	worker->count = count;
	worker->messages = in_trap(worker, index, false);
	for (size_t i = 0; what == act_push && i < count; i++)
		stopped_fill(&worker->messages[i], number + i);
	close_trap(worker);
	worker->held = 1;
	stress_start(&worker->thread, act, worker);
	while (phase_of(thread) != STOPPED)
		sched_yield();
	CHECK(game.ring->tail + game.ring->head >= ends + count, "%zu are not claimed", count);
	stress_alive();
	return worker;
}

/* What it returned. */
static int come_back(struct worker *worker)
{
	let_go(worker);
	stress_join(worker->thread);
	stress_alive();
	return worker->result;
}

static void a_stopped_receiver_costs_one_cell_of_a_full_ring(void)
{
	open_ring(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(push(i), 1);
	struct worker *receiver = stop_in(0, act_pop, 1, 0, 0);
	EXPECT(push(5), -EAGAIN);
	for (uint64_t i = 2; i <= 4; i++)
		EXPECT(pop(), i);
	for (uint64_t i = 5; i <= 7; i++)
		EXPECT(push(i), 1);
	for (uint64_t i = 8; i <= 30; i++) {
		EXPECT(push(i), -EAGAIN);
		EXPECT(pop(), i - 3);
		EXPECT(push(i), 1);
	}
	EXPECT(ring_counts(game.ring).quarantined, 1);
	EXPECT(come_back(receiver), 1);
	EXPECT(stopped_number(receiver->messages), 1);
	for (uint64_t i = 28; i <= 30; i++)
		EXPECT(pop(), i);
	EXPECT(pop(), -EAGAIN);
	close_ring();
}

/* Where the cells of the stopped one were, positions are left that carry no message. Nobody
 * need receive to get rid of them. */
static void senders_go_over_what_receivers_leave(void)
{
	open_ring(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(push(i), 1);
	struct worker *receiver = stop_in(0, act_pop, 1, 0, 0);
	for (uint64_t i = 2; i <= 4; i++)
		EXPECT(pop(), i);
	for (uint64_t i = 5; i <= 7; i++)
		EXPECT(push(i), 1);
	EXPECT(push(8), -EAGAIN);
	EXPECT(come_back(receiver), 1);
	for (uint64_t i = 5; i <= 7; i++)
		EXPECT(pop(), i);
	for (uint64_t i = 8; i <= 11; i++)
		EXPECT(push(i), 1);
	EXPECT(push(12), -EAGAIN);
	for (uint64_t i = 8; i <= 11; i++)
		EXPECT(pop(), i);
	close_ring();
}

static void a_message_behind_a_stopped_sender_is_received(void)
{
	open_ring(4);
	struct worker *sender = stop_in(0, act_push, 1, 0, 100);
	EXPECT(pop(), -EAGAIN);
	EXPECT(ring_counts(game.ring).challenged, 0); /* nobody was in need */
	for (uint64_t i = 1; i <= 20; i++) {
		EXPECT(push(i), 1);
		EXPECT(pop(), i);
		EXPECT(pop(), -EAGAIN);
	}
	EXPECT(ring_counts(game.ring).quarantined, 1);
	EXPECT(push(21), 1);
	EXPECT(come_back(sender), 1);
	EXPECT(pop(), 21);
	EXPECT(pop(), 100);
	close_ring();
}

/* Both ways, each with two; they come back in another order. */
static void four_stopped_threads_cost_four_cells(void)
{
	open_ring(16);
	for (uint64_t i = 1; i <= 16; i++)
		EXPECT(push(i), 1);
	struct worker *receivers[2] = { stop_in(0, act_pop, 1, 0, 0),
		stop_in(1, act_pop, 1, 0, 0) };
	for (uint64_t i = 3; i <= 16; i++)
		EXPECT(pop(), i);
	for (uint64_t i = 17; i <= 20; i++)
		EXPECT(push(i), 1);
	struct worker *senders[2] = { stop_in(2, act_push, 1, 0, 100),
		stop_in(3, act_push, 1, 0, 101) };
	for (uint64_t i = 21; i <= 28; i++)
		EXPECT(push(i), 1);
	EXPECT(push(29), -EAGAIN);
	for (uint64_t i = 29; i <= 100; i++) {
		EXPECT(pop(), i - 12);
		EXPECT(push(i), 1);
	}
	EXPECT(ring_counts(game.ring).quarantined, 4);
	EXPECT(come_back(receivers[1]), 1);
	EXPECT(stopped_number(receivers[1]->messages), 2);
	for (uint64_t i = 89; i <= 100; i++)
		EXPECT(pop(), i);
	EXPECT(come_back(senders[1]), 1);
	EXPECT(come_back(senders[0]), 1);
	EXPECT(pop(), 101);
	EXPECT(pop(), 100);
	EXPECT(pop(), -EAGAIN);
	EXPECT(come_back(receivers[0]), 1);
	EXPECT(stopped_number(receivers[0]->messages), 1);
	close_ring();
}

/* Of two stopped threads on two cells one comes back: that is enough. */
static void one_usable_cell_is_enough(void)
{
	open_ring(2);
	EXPECT(push(1), 1);
	EXPECT(push(2), 1);
	EXPECT(pop(), 1);
	struct worker *receiver = stop_in(0, act_pop, 1, 0, 0);
	EXPECT(push(3), 1);
	EXPECT(pop(), 3);
	EXPECT(push(4), 1);
	EXPECT(pop(), 4);
	struct worker *sender = stop_in(1, act_push, 1, 0, 100);
	EXPECT(push(5), -EAGAIN);
	EXPECT(pop(), -EAGAIN);
	EXPECT(come_back(receiver), 1);
	EXPECT(stopped_number(receiver->messages), 2);
	for (uint64_t i = 6; i <= 20; i++) {
		EXPECT(push(i), 1);
		EXPECT(pop(), i);
	}
	EXPECT(come_back(sender), 1);
	EXPECT(pop(), 100);
	close_ring();
}

/* What it has not filled when it is skipped, it sends on in order. */
static void a_stopped_batch_keeps_its_order(void)
{
	for (size_t index = 0; index < BATCH; index++) {
		open_ring(8);
		EXPECT(push(1), 1);
		struct worker *sender = stop_in(0, act_push, BATCH, index, 100);
		EXPECT(push(2), 1);
		EXPECT(pop(), 1);
		for (size_t i = 0; i < index; i++)
			EXPECT(pop(), 100 + i);
		EXPECT(pop(), 2);
		EXPECT(pop(), -EAGAIN);
		int sent = come_back(sender);
		CHECK(sent >= 1 && sent <= BATCH && sent >= (int)index, "%d", sent);
		for (size_t i = index; (int)i < sent; i++)
			EXPECT(pop(), 100 + i);
		EXPECT(pop(), -EAGAIN);
		close_ring();

		open_ring(8);
		for (uint64_t i = 1; i <= 8; i++)
			EXPECT(push(i), 1);
		struct worker *receiver = stop_in(0, act_pop, BATCH, index, 0);
		for (uint64_t i = 4; i <= 30; i++) {
			EXPECT(pop(), i);
			EXPECT(push(i + 5), 1);
		}
		EXPECT(come_back(receiver), BATCH);
		for (size_t i = 0; i < BATCH; i++)
			EXPECT(stopped_number(&receiver->messages[i]), 1 + i);
		close_ring();
	}
}

static void a_closed_ring_ends_beside_a_stopped_sender(void)
{
	for (size_t index = 0; index < BATCH; index++) {
		open_ring(8);
		EXPECT(push(1), 1);
		struct worker *one = stop_in(0, act_push, 1, 0, 50);
		struct worker *sender = stop_in(1, act_push, BATCH, index, 100);
		EXPECT(push(2), 1);
		ring_close(game.ring);
		EXPECT(push(3), -EPIPE);
		EXPECT(pop(), 1);
		for (size_t i = 0; i < index; i++)
			EXPECT(pop(), 100 + i);
		EXPECT(pop(), 2);
		EXPECT(pop(), -EPIPE);
		/* They keep what was not received. */
		EXPECT(come_back(sender), index > 0 ? (int)index : -EPIPE);
		EXPECT(come_back(one), -EPIPE);
		EXPECT(stopped_number(one->messages), 50);
		EXPECT(pop(), -EPIPE);
		close_ring();
	}
	/* Back before the end was told, one has sent. */
	open_ring(8);
	struct worker *sender = stop_in(0, act_push, 1, 0, 50);
	ring_close(game.ring);
	EXPECT(come_back(sender), 1);
	EXPECT(pop(), 50);
	EXPECT(pop(), -EPIPE);
	close_ring();
}

static void a_closed_ring_ends_beside_a_stopped_receiver(void)
{
	open_ring(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(push(i), 1);
	struct worker *receiver = stop_in(0, act_pop, 1, 0, 0);
	ring_close(game.ring);
	for (uint64_t i = 2; i <= 4; i++)
		EXPECT(pop(), i);
	EXPECT(pop(), -EPIPE);
	EXPECT(come_back(receiver), 1);
	EXPECT(stopped_number(receiver->messages), 1);
	close_ring();
}

/* -------------------------------------------------- stories with sleepers -- */

static void make(struct magring_message *message, uint64_t number)
{
	int rc = magring_message_copy(game.pool, message, &number, sizeof(number), NULL, 0, 0);
	CHECK(rc == 0, "magring_message_copy: %s", strerror(-rc));
}

static uint64_t number_of(const struct magring_message *message)
{
	size_t size;
	uint64_t number = 0;
	const void *id = magring_message_id(message, &size);
	if (size == sizeof(number))
		memcpy(&number, id, sizeof(number));
	return number;
}

static int64_t send_number(uint64_t number)
{
	struct magring_message message;
	make(&message, number);
	stress_alive();
	return magring_send(game.queue, &message, 0);
}

static int64_t receive_number(void)
{
	struct magring_message message;
	int rc = magring_recv(game.queue, &message, 0);
	stress_alive();
	return rc == 0 ? (int64_t)number_of(&message) : rc;
}

/* The same by polls, as many as may be in vain: 256, as magring.h has it. */
static int64_t poll_number(uint64_t number)
{
	struct magring_message message;
	make(&message, number);
	int rc = -EAGAIN;
	for (int polls = 0; polls < 256 && rc == -EAGAIN; polls++)
		rc = magring_try_send(game.queue, &message);
	stress_alive();
	return rc;
}

static int64_t poll_for_number(void)
{
	struct magring_message message;
	int rc = -EAGAIN;
	for (int polls = 0; polls < 256 && rc == -EAGAIN; polls++)
		rc = magring_try_recv(game.queue, &message);
	stress_alive();
	return rc == 0 ? (int64_t)number_of(&message) : rc;
}

static int act_send(struct worker *worker)
{
	return magring_send(game.queue, worker->messages, -1);
}

static int act_receive(struct worker *worker)
{
	return magring_recv(game.queue, worker->messages, -1);
}

static void open_queue(size_t cells)
{
	game.queue = stress_queue(game.pool, cells / 2);
	game.ring = &game.queue->ring;
}

static void close_queue(void)
{
	EXPECT(ring_peek_unresolved(game.ring), 0);
	game.ring = NULL;
	magring_queue_release(game.queue);
	game.queue = NULL;
}

/* A thread in a send or receive without a limit. It stops at its message, or goes on. */
static struct worker *in_queue(uint32_t thread, int (*what)(struct worker *worker), uint64_t number,
	bool stops)
{
	struct worker *worker = new_worker(thread);
	worker->act = what;
	/* A send looks at the first word before it claims. */
	worker->messages = in_trap(worker, 0, what == act_send);
	make(worker->messages, number);
	worker->held = stops;
	if (stops)
		close_trap(worker);
	stress_start(&worker->thread, act, worker);
	return worker;
}

static struct worker *stopped_in_queue(uint32_t thread, int (*what)(struct worker *worker),
	uint64_t number)
{
	struct worker *worker = in_queue(thread, what, number, true);
	while (phase_of(thread) != STOPPED)
		sched_yield();
	return worker;
}

/* Asleep, or about to be. */
static struct worker *sleeper_in_queue(uint32_t thread, int (*what)(struct worker *worker),
	uint64_t number)
{
	uint64_t parked = stress_queue_stats(game.queue).parked;
	struct worker *worker = in_queue(thread, what, number, false);
	while (stress_queue_stats(game.queue).parked == parked)
		sched_yield();
	return worker;
}

/* Nobody wakes it here: it must have been woken, or this never ends. */
static int woken(struct worker *worker)
{
	stress_join(worker->thread);
	stress_alive();
	return worker->result;
}

static void a_receiver_is_woken_for_what_is_behind_a_stopped_sender(void)
{
	open_queue(4);
	struct worker *one = sleeper_in_queue(0, act_receive, 0);
	struct worker *other = sleeper_in_queue(1, act_receive, 0);
	struct worker *sender = stopped_in_queue(2, act_send, 100);
	EXPECT(send_number(1), 0);
	EXPECT(send_number(2), 0);
	EXPECT(woken(one), 0);
	EXPECT(woken(other), 0);
	EXPECT(number_of(one->messages) + number_of(other->messages), 3);
	/* And again, for the message that was skipped. */
	one = sleeper_in_queue(0, act_receive, 0);
	EXPECT(come_back(sender), 0);
	EXPECT(woken(one), 0);
	EXPECT(number_of(one->messages), 100);
	close_queue();
}

static void a_sender_is_woken_for_what_is_behind_a_stopped_receiver(void)
{
	open_queue(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(send_number(i), 0);
	struct worker *one = sleeper_in_queue(0, act_send, 5);
	struct worker *other = sleeper_in_queue(1, act_send, 5);
	struct worker *receiver = stopped_in_queue(2, act_receive, 0);
	EXPECT(receive_number(), 2);
	EXPECT(receive_number(), 3);
	EXPECT(woken(one), 0);
	EXPECT(woken(other), 0);
	EXPECT(send_number(6), -EAGAIN);
	EXPECT(come_back(receiver), 0);
	EXPECT(number_of(receiver->messages), 1);
	EXPECT(receive_number(), 4);
	EXPECT(receive_number(), 5);
	EXPECT(receive_number(), 5);
	EXPECT(receive_number(), -EAGAIN);
	close_queue();
}

static void a_thread_that_polls_passes_over_a_stopped_sender(void)
{
	open_queue(4);
	struct worker *sender = stopped_in_queue(0, act_send, 100);
	for (uint64_t i = 1; i <= 20; i++) {
		EXPECT(poll_number(i), 0);
		EXPECT(poll_for_number(), i);
		EXPECT(poll_for_number(), -EAGAIN);
	}
	EXPECT(stress_queue_stats(game.queue).quarantined, 1);
	EXPECT(come_back(sender), 0);
	EXPECT(poll_for_number(), 100);
	close_queue();
}

static void a_thread_that_polls_passes_over_a_stopped_receiver(void)
{
	open_queue(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(send_number(i), 0);
	struct worker *receiver = stopped_in_queue(0, act_receive, 0);
	EXPECT(poll_number(5), -EAGAIN);
	EXPECT(poll_for_number(), 2);
	EXPECT(poll_number(5), 0);
	EXPECT(poll_number(6), -EAGAIN);
	EXPECT(come_back(receiver), 0);
	EXPECT(number_of(receiver->messages), 1);
	for (uint64_t i = 3; i <= 5; i++)
		EXPECT(poll_for_number(), i);
	magring_queue_close(game.queue);
	EXPECT(poll_for_number(), -EPIPE);
	close_queue();
}

/* The cell comes back with the thread, and nobody else does anything. */
static void a_sender_is_woken_when_the_receiver_comes_back(void)
{
	open_queue(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(send_number(i), 0);
	struct worker *receiver = stopped_in_queue(0, act_receive, 0);
	for (uint64_t i = 2; i <= 4; i++)
		EXPECT(receive_number(), i);
	for (uint64_t i = 5; i <= 7; i++)
		EXPECT(send_number(i), 0);
	struct worker *sender = sleeper_in_queue(1, act_send, 8);
	EXPECT(come_back(receiver), 0);
	EXPECT(woken(sender), 0);
	for (uint64_t i = 5; i <= 8; i++)
		EXPECT(receive_number(), i);
	close_queue();
}

/* It takes the wake-ups with it that came for it, and no more. */
static void a_sleeper_that_stands_still_keeps_nobody_asleep(void)
{
	open_queue(4);
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(send_number(i), 0);
	struct worker *one = sleeper_in_queue(0, act_send, 9);
	one->held = 1;
	pthread_kill(one->thread, SIGNAL);
	while (phase_of(0) != STOPPED)
		sched_yield();
	for (uint64_t i = 1; i <= 4; i++)
		EXPECT(receive_number(), i);
	for (uint64_t i = 5; i <= 8; i++)
		EXPECT(send_number(i), 0);
	struct worker *other = sleeper_in_queue(1, act_send, 9);
	for (uint64_t i = 5; i <= 8; i++)
		EXPECT(receive_number(), i);
	EXPECT(woken(other), 0);
	EXPECT(receive_number(), 9);
	EXPECT(come_back(one), 0);
	EXPECT(receive_number(), 9);
	close_queue();
}

static void all_are_told_that_a_queue_is_closed_beside_a_stopped_sender(void)
{
	open_queue(4);
	struct worker *sleepers[3], *sender = NULL;
	for (uint32_t i = 0; i < 3; i++)
		sleepers[i] = sleeper_in_queue(i, act_receive, 0);
	sender = stopped_in_queue(3, act_send, 100);
	EXPECT(send_number(1), 0);
	magring_queue_close(game.queue);
	int received = 0;
	for (uint32_t i = 0; i < 3; i++) {
		int rc = woken(sleepers[i]);
		CHECK(rc == 0 || rc == -EPIPE, "%d", rc);
		received += rc == 0;
	}
	EXPECT(received, 1);
	EXPECT(come_back(sender), -EPIPE);
	EXPECT(number_of(sender->messages), 100);
	close_queue();
}

/* ------------------------------------------------------------------- games -- */

static void yield(void)
{
	atomic_fetch_add_explicit(&totals.in_vain, 1, memory_order_relaxed);
	sched_yield();
}

/* Where a worker's messages are in its next operation. */
static struct magring_message *place(struct worker *worker, struct dice *dice, uint32_t count,
	bool first_word, struct magring_message *own)
{
	bool stops = phase_of(worker->number) == TO_STOP &&
		atomic_load_explicit(&worker->trapped, memory_order_relaxed);
	return stops ? in_trap(worker, dice_throw(dice, count), first_word) : own;
}

/* It may have got through without touching the message. */
static void after_trap(struct worker *worker)
{
	enum phase still = TO_STOP;
	open_trap(worker);
	atomic_compare_exchange_strong_explicit(&worker->phase, &still, AT_WORK,
		memory_order_relaxed, memory_order_relaxed);
}

static void did(int n)
{
	if (n < 0)
		return;
	atomic_fetch_add_explicit(&game.done, 1, memory_order_relaxed);
	stress_alive();
}

static int give(struct worker *worker, struct dice *dice, uint32_t count)
{
	struct magring_message own[BATCH], *messages = place(worker, dice, count, false, own);
	for (uint32_t i = 0; i < count; i++)
		stopped_fill(&messages[i],
			(uint64_t)(worker->number + 1) << 32 | (worker->sent + i));
	if (messages != own)
		close_trap(worker);
	int n = count == 1 && dice_throw(dice, 2) == 0
		? ring_push(game.ring, messages)
		: ring_push_batch(game.ring, messages, count);
	if (messages != own)
		after_trap(worker);
	CHECK(n == -EAGAIN || n == -EPIPE || (n >= 1 && n <= (int)count), "push: %d", n);
	if (n > 0)
		worker->sent += (uint32_t)n;
	did(n);
	return n;
}

static void account(struct worker *worker, uint64_t number, uint32_t next[THREADS_MAX])
{
	uint32_t sender = (uint32_t)(number >> 32) - 1, sequence = (uint32_t)number;
	bool known = sender < game.threads && sequence < MESSAGES;
	CHECK(known, "an unknown message, %#" PRIx64, number);
	if (!known)
		return;
	CHECK(sequence >= next[sender], "%" PRIu32 ":%" PRIu32 " after %" PRIu32, sender, sequence,
		next[sender] - 1);
	next[sender] = sequence + 1;
	unsigned char before =
		atomic_fetch_add_explicit(&game.seen[sender][sequence], 1, memory_order_relaxed);
	CHECK(before == 0, "%" PRIu32 ":%" PRIu32 " twice", sender, sequence);
	worker->received++;
}

static int take(struct worker *worker, struct dice *dice, uint32_t count,
	uint32_t next[THREADS_MAX])
{
	struct magring_message own[BATCH], *messages = place(worker, dice, count, false, own);
	if (messages != own)
		close_trap(worker);
	int n = count == 1 && dice_throw(dice, 2) == 0 ? ring_pop(game.ring, messages)
						       : ring_pop_batch(game.ring, messages, count);
	if (messages != own)
		after_trap(worker);
	CHECK(n == -EAGAIN || n == -EPIPE || (n >= 1 && n <= (int)count), "pop: %d", n);
	for (int i = 0; i < n; i++)
		account(worker, stopped_number(&messages[i]), next);
	did(n);
	return n;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void *in_turn(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	uint32_t next[THREADS_MAX] = { 0 };
	come_in(worker);
	while (worker->sent < MESSAGES) {
		uint32_t count = 1 + dice_throw(&dice, least(game.batch, MESSAGES - worker->sent));
		for (int n, left = (int)count; left > 0; left -= n)
			if ((n = give(worker, &dice, (uint32_t)left)) < 0) {
				CHECK(n > 0, "push: %s", strerror(-n));
				goto out;
			}
		for (int n, left = (int)count; left > 0; left -= n)
			if ((n = take(worker, &dice, (uint32_t)left, next)) < 0) {
				CHECK(n > 0, "pop: %s", strerror(-n));
				goto out;
			}
	}
out:
	go_out(worker);
	return NULL;
}

static void *sender(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	int n = 0;
	come_in(worker);
	while (worker->sent < MESSAGES && n != -EPIPE) {
		n = give(worker, &dice,
			1 + dice_throw(&dice, least(game.batch, MESSAGES - worker->sent)));
		if (n == -EAGAIN)
			yield();
	}
	go_out(worker);
	return NULL;
}

static void *receiver(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	uint32_t next[THREADS_MAX] = { 0 };
	int n = 0;
	come_in(worker);
	while (n != -EPIPE) {
		n = take(worker, &dice, 1 + dice_throw(&dice, game.batch), next);
		if (n == -EAGAIN)
			yield();
	}
	go_out(worker);
	return NULL;
}

static void *sleepy_sender(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	int rc = 0;
	come_in(worker);
	while (worker->sent < MESSAGES && rc != -EPIPE) {
		struct magring_message own, *message = place(worker, &dice, 1, true, &own);
		make(message, (uint64_t)(worker->number + 1) << 32 | worker->sent);
		if (message != &own)
			close_trap(worker);
		rc = magring_send(game.queue, message, dice_timeout(&dice));
		if (message != &own)
			after_trap(worker);
		CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT || rc == -EPIPE, "send: %d", rc);
		worker->sent += rc == 0;
		did(rc);
	}
	go_out(worker);
	return NULL;
}

static void *sleepy_receiver(void *argument)
{
	struct worker *worker = argument;
	struct dice dice = dice_of(worker->stream);
	uint32_t next[THREADS_MAX] = { 0 };
	int rc = 0;
	come_in(worker);
	while (rc != -EPIPE) {
		struct magring_message own, *message = place(worker, &dice, 1, false, &own);
		if (message != &own)
			close_trap(worker);
		rc = magring_recv(game.queue, message, dice_timeout(&dice));
		if (message != &own)
			after_trap(worker);
		CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT || rc == -EPIPE, "recv: %d", rc);
		if (rc == 0)
			account(worker, number_of(message), next);
		did(rc);
	}
	go_out(worker);
	return NULL;
}

static void ask_to_stop(struct worker *worker, struct dice *dice)
{
	enum phase at_work = AT_WORK;
	bool trapped = !SIGNALS || dice_throw(dice, 4) == 0;
	atomic_store_explicit(&worker->held, 1, memory_order_relaxed);
	atomic_store_explicit(&worker->trapped, trapped, memory_order_relaxed);
	worker->until = 0;
	if (atomic_compare_exchange_strong_explicit(&worker->phase, &at_work, TO_STOP,
		    memory_order_relaxed, memory_order_relaxed) &&
		!trapped)
		pthread_kill(worker->thread, SIGNAL);
}

/* A worker that stands still; whether it shall any longer. */
static bool stays(struct worker *worker, struct dice *dice, bool alone)
{
	uint64_t done = atomic_load_explicit(&game.done, memory_order_relaxed);
	if (worker->until == 0) {
		bool for_ever = dice_throw(dice, 8) == 0;
		worker->until = for_ever ? FOR_EVER
					 : done + 1 + dice_throw(dice, 1U << dice_throw(dice, 10));
		totals.stopped++;
		totals.for_ever += for_ever;
	}
	if (worker->until == FOR_EVER || (worker->until > done && !alone))
		return true;
	let_go(worker);
	while (phase_of(worker->number) == STOPPED)
		sched_yield();
	return false;
}

/*
 * Stop threads and let them go, until all of those that have something to do have
 * done it, but for those that are stopped for ever. The first two threads never are.
 * In a game apart every other one is a receiver: it goes on until the end.
 */
static void stop_some(struct dice *dice, bool apart)
{
	bool alone = false;
	for (;;) {
		uint32_t busy = 0, still = 0;
		for (uint32_t i = 0; i < game.threads; i++) {
			enum phase phase = phase_of(i);
			bool stands = phase == STOPPED && stays(&workers[i], dice, alone);
			still += stands || phase == TO_STOP;
			busy += !stands && phase != OVER && !(apart && i % 2 == 1);
		}
		if (busy == 0 && alone)
			return;
		alone = busy == 0; /* nobody does any more what the others wait for */
		uint32_t chosen = 2 + dice_throw(dice, game.threads - 2);
		if (!alone && still < game.at_once && phase_of(chosen) == AT_WORK)
			ask_to_stop(&workers[chosen], dice);
		if (dice_throw(dice, 16) == 0)
			sched_yield();
		for (uint32_t i = dice_throw(dice, 1U << dice_throw(dice, 12)); i > 0; i--)
			atomic_signal_fence(memory_order_seq_cst);
	}
}

static void let_all_go(void)
{
	for (uint32_t i = 0; i < game.threads; i++)
		let_go(&workers[i]);
}

/* Each message that was sent was received once. */
static void check_messages(void)
{
	uint64_t sent = 0, received = 0;
	for (uint32_t i = 0; i < game.threads; i++) {
		sent += workers[i].sent;
		received += workers[i].received;
		for (uint32_t j = 0; j < MESSAGES; j++)
			CHECK(game.seen[i][j] == (j < workers[i].sent),
				"%" PRIu32 ":%" PRIu32 " of %" PRIu32 " %d times", i, j,
				workers[i].sent, game.seen[i][j]);
	}
	struct ring_counts counts = ring_counts(game.ring);
	EXPECT(received, sent);
	EXPECT(counts.sent - counts.returned, sent);
	EXPECT(counts.received - counts.returned, received);
	totals.messages += received;
	totals.games++;
}

static void begin_game(struct dice *dice, uint32_t threads, uint32_t batch, size_t at_once,
	void *(*even)(void *), void *(*odd)(void *))
{
	game.threads = threads;
	game.batch = batch;
	game.at_once = at_once;
	game.done = 0;
	memset(game.seen, 0, sizeof(game.seen));
	for (uint32_t i = 0; i < threads; i++) {
		struct worker *worker = new_worker(i);
		worker->stream = (uint64_t)dice_throw(dice, UINT32_MAX) << 8 | i;
	}
	for (uint32_t i = 0; i < threads; i++)
		stress_start(&workers[i].thread, i % 2 == 0 ? even : odd, &workers[i]);
}

static void play_in_turn(struct dice *dice)
{
	uint32_t threads = 3 + dice_throw(dice, THREADS_MAX - 2);
	uint32_t batch = 1 + dice_throw(dice, BATCH);
	size_t capacity = 4;
	while (capacity < (size_t)4 * threads * batch + 4)
		capacity *= 2;
	open_ring(capacity);
	begin_game(dice, threads, batch, 1 + dice_throw(dice, threads - 2), in_turn, in_turn);
	stop_some(dice, false);
	let_all_go();
	for (uint32_t i = 0; i < threads; i++)
		stress_join(workers[i].thread);
	check_messages();
	close_ring();
}

/* Those who do not stand still come to the end. */
static void wait_for_those_who_go_on(void)
{
	for (uint32_t i = 0; i < game.threads; i++)
		while (phase_of(i) != STOPPED && phase_of(i) != OVER)
			sched_yield();
}

static void end_apart(struct dice *dice, void (*end)(void))
{
	stop_some(dice, true);
	if (dice_throw(dice, 2) == 0) {
		end();
		wait_for_those_who_go_on();
	}
	let_all_go();
	for (uint32_t i = 0; i < game.threads; i += 2)
		stress_join(workers[i].thread);
	end();
	for (uint32_t i = 1; i < game.threads; i += 2)
		stress_join(workers[i].thread);
	check_messages();
}

static void end_ring(void)
{
	ring_close(game.ring);
}

static void play_apart(struct dice *dice)
{
	uint32_t threads = 3 + dice_throw(dice, THREADS_MAX - 2);
	uint32_t batch = 1 + dice_throw(dice, 2);
	size_t capacity = (size_t)4 << dice_throw(dice, 3);
	size_t at_once = (capacity - 2) / 2 / batch;
	open_ring(capacity);
	begin_game(dice, threads, batch, at_once < threads - 2 ? at_once : threads - 2, sender,
		receiver);
	end_apart(dice, end_ring);
	close_ring();
}

static void end_queue(void)
{
	magring_queue_close(game.queue);
}

/* At a gate one stopped thread is reckoned with. */
static void play_asleep(struct dice *dice)
{
	open_queue((size_t)4 << dice_throw(dice, 2));
	begin_game(dice, 3 + dice_throw(dice, THREADS_MAX - 2), 1, 1, sleepy_sender,
		sleepy_receiver);
	end_apart(dice, end_queue);
	close_queue();
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stopped", argc, argv);
	handle_signals();
	game.pool = stress_pool(0, 0);

	a_stopped_receiver_costs_one_cell_of_a_full_ring();
	senders_go_over_what_receivers_leave();
	a_message_behind_a_stopped_sender_is_received();
	four_stopped_threads_cost_four_cells();
	one_usable_cell_is_enough();
	a_stopped_batch_keeps_its_order();
	a_closed_ring_ends_beside_a_stopped_sender();
	a_closed_ring_ends_beside_a_stopped_receiver();
	a_receiver_is_woken_for_what_is_behind_a_stopped_sender();
	a_sender_is_woken_for_what_is_behind_a_stopped_receiver();
	a_sender_is_woken_when_the_receiver_comes_back();
	a_thread_that_polls_passes_over_a_stopped_sender();
	a_thread_that_polls_passes_over_a_stopped_receiver();
	all_are_told_that_a_queue_is_closed_beside_a_stopped_sender();
	if (SIGNALS)
		a_sleeper_that_stands_still_keeps_nobody_asleep();

	struct dice dice = dice_of(0);
	while (stress_goes_on()) {
		play_in_turn(&dice);
		play_apart(&dice);
		play_asleep(&dice);
	}
	printf("%" PRIu64 " games, %" PRIu64 " messages, %" PRIu64 " times stopped, %" PRIu64
	       " for ever; %" PRIu64 " challenged, %" PRIu64 " quarantined; %" PRIu64
	       " times full or empty\n",
		totals.games, totals.messages, totals.stopped, totals.for_ever, totals.challenged,
		totals.quarantined, atomic_load_explicit(&totals.in_vain, memory_order_relaxed));
	CHECK(totals.quarantined > 0, "nobody was in the way");
	stress_destroy(game.pool);
	return stress_end();
}
