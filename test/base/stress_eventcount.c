/* SPDX-License-Identifier: MIT */
/*
 * Lost wake-ups. Four games in turn, each for receivers that wait for
 * messages and for senders that wait for room; one that never ends is ended
 * by the watchdog.
 *
 *	one by one   several threads wait without limit; what they wait for comes a
 *	             little at a time, at the moment when one of them is about to
 *	             sleep; in the end the queue is closed, at such a moment or later
 *	closed       the queue is closed when one has almost fallen asleep
 *	swallowed    of two sleepers the first is woken and cancelled, or runs out of
 *	             time, at the same moment: the second must get what there is
 *	pollers      poll() on the queue's descriptors, several threads on each
 */
#include "stress.h"

#include <poll.h>
#include <sched.h>

#include "queue/queue.h"

#define WAITERS 5
#define AIM_MAX_NS 200000
#define POLLERS 2
#define POLLED 200 /* messages of a polling sender, in a round */

static struct {
	struct magring_pool *pool;
	struct magring_queue *queue;
	_Atomic(uint64_t) done; /* by the threads that wait */
	uint64_t swallowed;     /* cancelled or late, and the other one got it */
} game;

static void show(void)
{
	for (int side = SENDER; side <= RECEIVER; side++)
		fprintf(stderr, "  eventcount %d: word %#" PRIx64 "\n", side,
			atomic_load_explicit(&game.queue->eventcount[side].word,
				memory_order_relaxed));
	stress_print_queue(game.queue);
}

static uint64_t done(void)
{
	return atomic_load_explicit(&game.done, memory_order_relaxed);
}

static uint64_t sleepers(enum side side)
{
	return atomic_load_explicit(&game.queue->eventcount[side].word, memory_order_relaxed) /
		EVENTCOUNT_SLEEPER;
}

/* When nobody waits any more. */
static void close_down(void)
{
	for (int side = SENDER; side <= RECEIVER; side++) {
		uint64_t word = atomic_load_explicit(&game.queue->eventcount[side].word,
			memory_order_relaxed);
		CHECK(word < EVENTCOUNT_SLEEPER && word % EVENTCOUNT_FENCED < EVENTCOUNT_WAKING,
			"eventcount %d: %#" PRIx64, side, word);
	}
	magring_queue_release(game.queue);
}

static void do_one(void)
{
	atomic_fetch_add_explicit(&game.done, 1, memory_order_relaxed);
	stress_alive();
}

/* One step of a thread of this side. */
static int step(enum side side, int64_t timeout_ns)
{
	struct magring_message message;
	if (side == RECEIVER) {
		int rc = magring_recv(game.queue, &message, timeout_ns);
		if (rc == 0)
			magring_message_free(&message);
		return rc;
	}
	/* Inline: a cancelled sender leaves nothing behind. */
	int rc = magring_message_copy(game.pool, &message, "id", 2, "payload", 7, 0);
	return rc != 0 ? rc : magring_send(game.queue, &message, timeout_ns);
}

static enum side other(enum side side)
{
	return side == SENDER ? RECEIVER : SENDER;
}

/* A queue in which threads of this side have to wait. */
static void open_queue(enum side side, size_t capacity)
{
	game.queue = stress_queue(game.pool, capacity);
	atomic_store_explicit(&game.done, 0, memory_order_relaxed);
	while (side == SENDER && step(SENDER, 0) == 0)
		;
}

static void wait_for_parked(uint64_t times)
{
	while (stress_queue_stats(game.queue).parked < times)
		sched_yield();
}

static void spin(uint32_t turns)
{
	while (turns-- > 0)
		atomic_signal_fence(memory_order_seq_cst);
}

/* ------------------------------------------------------------- one by one -- */

static void *waiter(void *side)
{
	while (step(*(const enum side *)side, -1) == 0)
		do_one();
	return NULL;
}

/* Until a waiter is about to enter the eventcount, or has just entered. How long the former
 * takes is learned: longer if nobody was in there, less if somebody was. */
static void aim(enum side side, struct dice *dice)
{
	static int64_t aim_ns[2] = { 10000, 10000 };
	struct eventcount *eventcount = &game.queue->eventcount[side];
	if (dice_throw(dice, 2) == 0) {
		for (uint32_t looks = 0; !eventcount_has_waiters(eventcount); looks++)
			if (looks > 10000)
				sched_yield();
		spin(dice_throw(dice, 1U << dice_throw(dice, 16)));
		return;
	}
	uint64_t begin_ns = stress_now_ns();
	while ((int64_t)(stress_now_ns() - begin_ns) < aim_ns[side])
		;
	spin(dice_throw(dice, 200));
	if (eventcount_has_waiters(eventcount))
		aim_ns[side] -= aim_ns[side] / 64;
	else if (aim_ns[side] < AIM_MAX_NS)
		aim_ns[side] += aim_ns[side] / 64;
}

/* A position that was skipped takes the place of a message until receivers
 * have come past it: so long senders may find the queue full with fewer
 * messages than there are cells. But never with fewer than its capacity. */
static bool lacks_cells(enum side side)
{
	return side == SENDER && stress_queue_stats(game.queue).quarantined > 0 &&
		magring_queue_size(game.queue) >= magring_queue_capacity(game.queue) &&
		!ring_may_push(&game.queue->ring);
}

static void play_one_by_one(enum side side, struct dice *dice)
{
	pthread_t threads[WAITERS];
	uint32_t waiters = 1 + dice_throw(dice, 2) * dice_throw(dice, WAITERS);
	uint64_t given = 0;
	open_queue(side, (size_t)1 << dice_throw(dice, 3));
	for (uint32_t i = 0; i < waiters; i++)
		stress_start(&threads[i], waiter, &side);
	for (int turn = 0; turn < 15; turn++) {
		aim(side, dice);
		for (uint32_t i = 1 + dice_throw(dice, waiters); i > 0; i--) {
			CHECK(step(other(side), -1) == 0, "way %d", side);
			given++;
		}
		/* Nobody may sleep while there is something for him. */
		for (uint32_t looks = 0; done() < given && !lacks_cells(side); looks++)
			if (waiters > 1 || looks > 1000)
				sched_yield();
	}
	if (dice_throw(dice, 4) != 0)
		aim(side, dice);
	else
		while (sleepers(side) < waiters)
			sched_yield();
	magring_queue_close(game.queue);
	for (uint32_t i = 0; i < waiters; i++)
		stress_join(threads[i]);
	uint64_t lacking = side == SENDER ? stress_queue_stats(game.queue).quarantined : 0;
	CHECK(done() <= given && done() + lacking >= given, "%" PRIu64 " of %" PRIu64, done(),
		given);
	close_down();
}

/* Close while somebody is on the last part of his way to sleep. */
static void play_closed(enum side side, struct dice *dice)
{
	pthread_t thread;
	open_queue(side, 2);
	stress_start(&thread, waiter, &side);
	while (!eventcount_has_waiters(&game.queue->eventcount[side]))
		sched_yield();
	spin(dice_throw(dice, 1U << dice_throw(dice, 14)));
	magring_queue_close(game.queue);
	stress_join(thread);
	CHECK(done() == 0, "%" PRIu64, done());
	close_down();
	stress_alive();
}

/* -------------------------------------------------------------- swallowed -- */

struct sleepy {
	enum side side;
	int64_t timeout_ns;
	pthread_t thread;
	int result; /* CANCELLED if it was */
};
#define CANCELLED 1

static void *sleepy(void *argument)
{
	struct sleepy *self = argument;
	self->result = step(self->side, self->timeout_ns);
	if (self->result == 0)
		do_one();
	return self;
}

static void play_swallowed(enum side side, struct dice *dice)
{
	bool cancel = dice_throw(dice, 4) != 0;
	struct sleepy first = { .side = side, .timeout_ns = -1, .result = CANCELLED };
	struct sleepy second = first;
	if (!cancel)
		first.timeout_ns = 300000 + (int64_t)dice_throw(dice, 300000);
	open_queue(side, 2);
	stress_start(&first.thread, sleepy, &first);
	uint64_t due_ns = stress_now_ns() + (uint64_t)first.timeout_ns;
	if (cancel)
		wait_for_parked(1);
	stress_start(&second.thread, sleepy, &second);
	if (cancel) {
		wait_for_parked(2);
		bool early = dice_throw(dice, 4) == 0;
		if (early)
			pthread_cancel(first.thread);
		spin(dice_throw(dice, 1U << dice_throw(dice, 17)));
		CHECK(step(other(side), 0) == 0, "way %d", side);
		spin(dice_throw(dice, 1U << dice_throw(dice, 17)));
		if (!early)
			pthread_cancel(first.thread);
	} else {
		while (stress_now_ns() < due_ns)
			;
		CHECK(step(other(side), 0) == 0, "way %d", side);
	}
	/* Not what pthread_join() says: glibc calls a thread cancelled, too, that was
	 * told to be while it ended of itself. */
	stress_join(first.thread);
	bool gone = first.result == CANCELLED || first.result == -ETIMEDOUT;
	game.swallowed += gone;
	if (!gone) {
		CHECK(first.result == 0, "%s", strerror(-first.result));
		CHECK(step(other(side), 0) == 0, "way %d", side);
	}
	stress_join(second.thread);
	CHECK(second.result == 0, "%s", strerror(-second.result));
	CHECK(done() == (gone ? 1 : 2), "%" PRIu64, done());
	close_down();
	stress_alive();
}

/* ---------------------------------------------------------------- pollers -- */

static void wait_readable(int fd)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	int rc;
	do
		rc = poll(&waiting, 1, -1);
	while (rc < 0 && errno == EINTR);
	CHECK(rc == 1 && waiting.revents == POLLIN, "poll: %d, %#x", rc,
		(unsigned int)waiting.revents);
}

static void *poller(void *argument)
{
	enum side side = *(const enum side *)argument;
	int fd = side == SENDER ? magring_queue_send_fd(game.queue)
				: magring_queue_recv_fd(game.queue);
	CHECK(fd >= 0, "%s", strerror(-fd));
	for (uint32_t steps = 0; side == RECEIVER || steps < POLLED;) {
		int rc = step(side, 0);
		if (rc == -EAGAIN) {
			wait_readable(fd);
		} else if (rc == 0) {
			steps++;
			do_one();
		} else {
			CHECK(rc == -EPIPE && side == RECEIVER, "%s", strerror(-rc));
			wait_readable(fd); /* and stays so */
			break;
		}
	}
	return NULL;
}

static void play_pollers(struct dice *dice)
{
	static const enum side ways[] = { SENDER, RECEIVER };
	pthread_t threads[2][POLLERS];
	uint32_t count[2] = { 1 + dice_throw(dice, POLLERS), 1 + dice_throw(dice, POLLERS) };
	open_queue(RECEIVER, (size_t)2 << dice_throw(dice, 3));
	for (int side = SENDER; side <= RECEIVER; side++)
		for (uint32_t i = 0; i < count[side]; i++)
			stress_start(&threads[side][i], poller, (void *)(uintptr_t)&ways[side]);
	for (uint32_t i = 0; i < count[SENDER]; i++)
		stress_join(threads[SENDER][i]);
	/* All are received although nobody sends any more. */
	while (done() < 2 * (uint64_t)count[SENDER] * POLLED)
		sched_yield();
	magring_queue_close(game.queue);
	for (uint32_t i = 0; i < count[RECEIVER]; i++)
		stress_join(threads[RECEIVER][i]);
	close_down();
}

int main(int argc, char **argv)
{
	stress_show = show;
	stress_begin("stress_eventcount", argc, argv);
	struct dice dice = dice_of(0);
	uint64_t rounds = 0;
	game.pool = stress_pool(0, 0);
	for (; stress_goes_on(); rounds++) {
		play_one_by_one(RECEIVER, &dice);
		play_one_by_one(SENDER, &dice);
		for (int i = 0; i < 8; i++) {
			play_closed(RECEIVER, &dice);
			play_closed(SENDER, &dice);
		}
		for (int i = 0; i < 4; i++) {
			play_swallowed(RECEIVER, &dice);
			play_swallowed(SENDER, &dice);
		}
		play_pollers(&dice);
	}
	printf("%" PRIu64 " rounds, %" PRIu64 " of %" PRIu64 " first sleepers cancelled or late\n",
		rounds, game.swallowed, 8 * rounds);
	stress_destroy(game.pool);
	return stress_end();
}
