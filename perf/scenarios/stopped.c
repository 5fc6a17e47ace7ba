/* SPDX-License-Identifier: MIT */
/*
 * Senders and receivers at work, and one of them at a time stands still in the middle.
 *
 * A signal stops a thread at whatever instruction it has come to, as the end of a time slice
 * or a breakpoint would; its handler waits to be let go. Threads call send or receive again and
 * again, at once when they find the queue full or empty, so most instructions are inside
 * of a call. What is inside of one and holds the others up (a lock is taken, a cell is
 * claimed) differs from queue to queue: the thread and the moment are random, and there are
 * many stops. A stop is over when it is clear that the others are not held up (they
 * still receive after ENOUGH), or after LONG: a queue that holds them up does it as long as
 * the thread is stopped, be it for hours.
 *
 *	kept_share     messages a second during a stop, in ratio to those before: the mean of all
 *	               stops. Above 1 where threads wait for CPUs or for each other, as there is
 *	               one thread less
 *	stalled_share  of all stops, those in the second half of which not a single message
 *	               was received
 *	longest_gap_ms the longest time in a stop in which none was received: between the first and
 *	               the last look that saw the same count
 *	longest_gap_before_ms  the same while nobody was stopped: what the machine does to all
 *
 * The stopped thread goes on after its time, whatever the others do: so a lock that it holds
 * costs time, but ends nothing.
 */
#include "scenarios/common.h"

#include <err.h>
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENOUGH 0.003  /* s */
#define LONG 0.020    /* s */
#define BETWEEN 0.001 /* s */
#define LOOK 0.0002   /* s */
enum { STOPS_MIN = 4, TRIES = 256 };

static _Atomic uint32_t held;    /* a futex: 1, stay in the handler */
static _Atomic uint32_t stopped; /* threads in the handler */

static void stand_still(int number)
{
	int error = errno;

	(void)number;
	/* Release: nothing that the thread did is needed; but it did it before. */
	atomic_fetch_add_explicit(&stopped, 1, memory_order_release);
	while (atomic_load_explicit(&held, memory_order_acquire) != 0)
		syscall(SYS_futex, &held, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	atomic_fetch_sub_explicit(&stopped, 1, memory_order_release);
	errno = error;
}

/* Again at once, for a while; then others may have the CPU. */
static void try_again(unsigned int *tries)
{
	if (++*tries % TRIES == 0)
		sched_yield();
}

static void send(struct worker *worker)
{
	const struct queue *queue = worker->queue;
	unsigned int tries = 0;

	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		struct message message;

		message_make(&message, worker->index, sequence);
		while (queue->send(worker->side, &message, 1) == 0)
			try_again(&tries);
		tally_sent(&worker->tally, &message);
	}
}

static void receive(struct worker *worker)
{
	const struct queue *queue = worker->queue;
	unsigned int tries = 0;

	for (;;) {
		bool last = worker_stops(worker);
		struct message message;
		size_t some = queue->receive(worker->side, &message, 1);

		if (some > 0) {
			tally_received(&worker->tally, &message);
			worker_show(worker, worker->tally.count);
		}
		if (worker_leaves(worker, last, some))
			break;
		if (some == 0)
			try_again(&tries);
	}
}

/* Some time in which the main thread looks how far they are. */
struct watch {
	uint64_t messages;
	double seconds;
	double longest_gap; /* s */
	bool stalled;       /* nothing moved in the second half */
};

static double since(uint64_t start)
{
	return (double)(common_now_ns() - start) * 1e-9;
}

/* For `least` seconds, and on until something moved in their last third, or for `most`. */
static struct watch watch(const struct crew *crew, double least, double most)
{
	uint64_t start = common_now_ns();
	uint64_t first = crew_count(crew, false);
	uint64_t count = first;
	uint64_t moved = start; /* when the count was first seen to be that */
	struct watch watch = { 0 };

	do {
		uint64_t next;
		double gap;

		pause_for(LOOK);
		/* The clock before the count, and again after it: so the gap is not too long. */
		gap = since(moved);
		watch.seconds = since(start);
		next = crew_count(crew, false);
		if (next == count && gap > watch.longest_gap)
			watch.longest_gap = gap;
		if (next != count)
			moved = common_now_ns();
		count = next;
	} while (watch.seconds < least || (watch.seconds < most && since(moved) > least / 3));
	watch.messages = count - first;
	watch.stalled = since(moved) > watch.seconds / 2;
	return watch;
}

static struct watch stop_one(struct crew *crew, uint64_t random)
{
	const struct worker *victim = &crew->workers[random % crew->count];
	struct watch during;

	atomic_store_explicit(&held, 1, memory_order_release);
	errno = pthread_kill(victim->thread, SIGRTMIN);
	if (errno != 0)
		err(2, "cannot stop a thread");
	while (atomic_load_explicit(&stopped, memory_order_acquire) == 0)
		pause_for(LOOK / 4);
	during = watch(crew, ENOUGH, LONG);
	atomic_store_explicit(&held, 0, memory_order_release);
	syscall(SYS_futex, &held, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (atomic_load_explicit(&stopped, memory_order_acquire) != 0)
		pause_for(LOOK / 4);
	return during;
}

struct stops {
	unsigned int count;
	unsigned int stalled;
	uint64_t messages;
	double rates;       /* sum */
	double longest_gap; /* s */
};

static struct stops stop_many(struct crew *crew, double seconds)
{
	static uint64_t random = 0x2545f4914f6cdd1d;
	uint64_t start = common_now_ns();
	struct stops stops = { 0 };

	for (; stops.count < STOPS_MIN || since(start) < seconds; stops.count++) {
		struct watch during;

		random = random * 6364136223846793005 + 1442695040888963407;
		during = stop_one(crew, random >> 33);
		stops.stalled += during.stalled;
		stops.messages += during.messages;
		stops.rates += (double)during.messages / during.seconds;
		if (during.longest_gap > stops.longest_gap)
			stops.longest_gap = during.longest_gap;
		/* Not always at the same place of a time slice. */
		pause_for(BETWEEN * (1 + (double)(random >> 54) / 1024));
	}
	return stops;
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	const struct sigaction action = { .sa_handler = stand_still, .sa_flags = SA_RESTART };
	struct sigaction old;
	struct stops stops;
	struct watch before;
	struct crew crew;
	double rate;
	bool right;

	if (sigaction(SIGRTMIN, &action, &old) != 0)
		err(2, "sigaction");
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, NULL);
	crew_start(&crew);
	pause_for(seconds / 5);
	before = watch(&crew, seconds / 4, seconds / 4);
	rate = (double)before.messages / before.seconds;
	window_open();
	stops = stop_many(&crew, seconds * 3 / 4);
	window_close(stops.messages);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "stopped", setting);
	crew_fini(&crew);
	if (sigaction(SIGRTMIN, &old, NULL) != 0)
		err(2, "sigaction");
	ret_values[0] = before.messages == 0 ? (double)NAN : stops.rates / stops.count / rate;
	ret_values[1] = (double)stops.stalled / stops.count;
	ret_values[2] = stops.longest_gap * 1e3;
	ret_values[3] = before.longest_gap * 1e3;
	ret_values[4] = rate;
	return right;
}

static const struct setting settings[] = {
	{ "2x2", 2, 2, 256, 1, 0, 0, 0, 0 },
	{ "4x4", 4, 4, 256, 1, 0, 0, 0, 0 },
};

const struct scenario scenario_stopped = {
	.name = "stopped",
	.what = "what the others get done while one thread stands still in the middle of a call",
	.values = {
		{"kept_share", "of the rate", true},
		{"stalled_share", "of the stops", false},
		{"longest_gap_ms", "ms", false},
		{"longest_gap_before_ms", "ms", false},
		{"messages_per_second_before", "1/s", true},
	},
	.value_count = 5,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
