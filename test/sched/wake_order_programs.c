/* SPDX-License-Identifier: MIT */
/*
 * What wake-ups lean on, one thing at a time: each program has the few calls
 * that show it, and few threads. wake_programs.c and eventcount_programs.c have
 * the rest.
 */
#include "pool_slabs.h"

#include "eventcount_acts.h"
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"

#include <errno.h>
#include <stddef.h>

#include "base/eventcount.h"
#include "base/fence.h"
#include "queue/queue.h"

#define IN_VAIN 2 /* EVENTCOUNT_FENCES_IN_VAIN of shim.h */

/* -------------------------------------------------------------- eventcount -- */

static void take_one(void *unused)
{
	(void)unused;
	acts_take(INT64_MAX);
}

static void put_one(void *unused)
{
	(void)unused;
	acts_put(1);
}

static void poller(void *unused)
{
	(void)unused;
	acts_poll(false);
}

static void end_acts(void)
{
	sched_wait();
	acts_check_standstill();
	acts_check_descriptor();
	acts_finish();
	sched_wait();
	acts_check_word();
	acts_end();
}

/* A sleeper was woken, and has left its marks. */
static void leave_marks(void)
{
	acts_begin(false);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_put(1);
	sched_wait();
	sched_require(!fence_asymmetric || acts_word() & EVENTCOUNT_SEEN, "no mark is left");
}

/*
 * A waker has looked at the word. The descriptor is made and armed, and only
 * then the waker changes the word: it must know the descriptor.
 */
static void run_wake_new_descriptor(void)
{
	acts_begin(false);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	unsigned int putter = sched_spawn("putter", put_one, NULL);
	unsigned int arms = sched_spawn("poller", poller, NULL);
	sched_run_alone(arms, 4 + sched_choose(4)); /* it has found nothing */
	sched_run_alone(putter, 4 + sched_choose(2));
	sched_run_alone(arms, 4 + sched_choose(4));
	sched_resume_all();
	end_acts();
}

/* A sleeper that finds the marks of an earlier one needs a fence, too. */
static void run_wake_marked(void)
{
	leave_marks();
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	end_acts();
}

/* Wakers that meet no sleeper for long have no fence to pay for again. */
static void run_wake_marks_go(void)
{
	leave_marks();
	for (int i = 0; i < IN_VAIN; i++)
		acts_put(1);
	sched_require(!eventcount_may_have_waiters(acts_word()), "the word is %#lx after %d puts",
		(unsigned long)acts_word(), IN_VAIN);
	for (int i = 0; i < IN_VAIN; i++)
		acts_take(INT64_MAX);
	end_acts();
}

/* ------------------------------------------------------------------- queue -- */

#define TIMEOUT_NS 300

static int64_t latest_ns; /* a deadline is not before this */
static int answer;

static void receive_until(void *unused)
{
	(void)unused;
	latest_ns = sched_time() + TIMEOUT_NS;
	answer = history_recv(TIMEOUT_NS);
}

/* Time passes, and the calling thread does nothing else. */
static void let_time_pass(void)
{
	struct magring_queue *empty = checks_queue(2, 0, false);
	struct magring_message message;
	int rc = magring_recv(empty, &message, 4 * TIMEOUT_NS);
	sched_require(rc == -ETIMEDOUT, "an empty queue answers %d", rc);
	magring_queue_release(empty);
}

/* The one receiver sleeps as a message comes. It gets it, however late it runs
 * on after that. */
static void run_wake_in_time(void)
{
	struct magring_queue *queue = checks_queue(2, 0, false);
	history_begin(queue);
	checks_sleep_at_once(queue);
	unsigned int receiver = sched_spawn("receiver", receive_until, NULL);
	for (int i = 0; i < 100 && !sched_is_asleep(receiver); i++)
		sched_pass(1);
	int rc = history_send(0);
	bool in_time = latest_ns != 0 && sched_time() < latest_ns;
	let_time_pass();
	sched_wait();
	sched_require(rc == 1, "a send into an empty queue: %d", rc);
	sched_require(!in_time || answer == 1, "a receive answers %d beside a message", answer);
	history_close();
	checks_end(queue);
}

static void send_asleep(void *unused)
{
	(void)unused;
	history_send(-1);
}

static void receive_late(void *unused)
{
	(void)unused;
	history_recv(0);
}

/* Four cells, of which one may be missing. */
static struct magring_queue *make_four(void)
{
	struct magring_queue *queue = checks_queue(2, 0, false);
	unsigned int flags = queue->ring.flags;
	ring_fini(&queue->ring);
	int rc = ring_init(&queue->ring, 4, 1, 0, flags);
	sched_require(rc == 0, "a ring is not made: %d", rc);
	history_begin(queue);
	checks_sleep_at_once(queue);
	return queue;
}

static void send_and_receive(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		history_recv(0);
		history_send(0);
	}
}

/*
 * A receiver's cell is quarantined, and all others hold messages. The room for
 * one more is that cell, which the receiver returns after all, beside a sender
 * that is about to sleep.
 */
static void run_wake_returned(void)
{
	struct magring_queue *queue = make_four();
	struct ring *ring = &queue->ring;
	for (int i = 0; i < 4; i++)
		history_send(0);
	unsigned int late = sched_spawn("late", receive_late, NULL);
	recovery_run_until_changed(late, &ring->head);
	send_and_receive(3);
	sched_require(recovery_word(&ring->quarantined) == 1 && recovery_word(&ring->tail) == 8,
		"no cell is quarantined, or tail is %lu",
		(unsigned long)recovery_word(&ring->tail));
	recovery_run_until_changed(late, &cell_at(ring, 0)->state);
	sched_run_alone(late, sched_choose(5));
	sched_stop(late);
	sched_run_alone(sched_spawn("sender", send_asleep, NULL), 1000);
	sched_resume_all();
	sched_wait();
	checks_sleepers(queue);
	history_close();
	sched_wait();
	checks_end(queue);
}

/* -------------------------------------------------------------------- pool -- */

static struct magring_message held;

static void free_held(void *unused)
{
	(void)unused;
	slabs_free(&held);
}

static void take_and_free(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, -1);
	sched_require(rc == 0, "a waiting allocation: %d", rc);
	slabs_free(&message);
}

/* A thread without a cache, which has no fence on its way, frees the slab for
 * which another one goes to sleep. */
static void run_wake_by_free(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	int rc = slabs_take(&held, SLABS_SMALL, 0);
	sched_require(rc == 0, "the only slab: %d", rc);
	slabs_leave_metadata(0, 0);
	while (depot_take_empty(&slabs_pool()->depot) != NULL)
		; /* the slab goes to the overflow */
	unsigned int frees = slabs_spawn("free", free_held, NULL);
	sched_run_alone(frees, sched_choose(16));
	sched_stop(frees);
	sched_run_alone(slabs_spawn("waiter", take_and_free, NULL), 2000);
	sched_resume_all();
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(wake_new_descriptor, "a descriptor is armed for the first time beside a wake-up")
PROGRAM(wake_marked, "a sleeper finds an earlier one's marks")
PROGRAM(wake_marks_go, "puts that meet no sleeper take the marks back")
PROGRAM(wake_in_time, "a receiver was woken in time and runs late")
PROGRAM(wake_returned, "a quarantined cell is returned beside a sender that goes to sleep")
PROGRAM(wake_by_free, "a thread without a cache frees beside one that goes to sleep")

const struct sched_program *const wake_order_programs[] = { &program_wake_new_descriptor,
	&program_wake_marked, &program_wake_marks_go, &program_wake_in_time, &program_wake_returned,
	&program_wake_by_free, NULL };
