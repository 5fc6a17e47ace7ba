/* SPDX-License-Identifier: MIT */
/*
 * Senders and receivers at work, and one of them at a time stands still in the middle.
 *
 * A signal stops a thread at whatever instruction it has come to, as the end of a time slice
 * or a breakpoint would; its handler waits for STOP. Threads call send or receive again and
 * again, at once when they find the queue full or empty, so most instructions are inside
 * of an operation. What is inside of one and holds the others up (a lock is taken, a cell
 * claimed) differs from queue to queue, so the thread and the moment are random, and:
 *
 *	kept_share           messages a second while one stands still, in ratio to the part that the
 *	                     other threads had of the rate before; above 1 where threads
 *	                     wait for CPUs, because there is one thread less
 *	stalled_share        of all stops, those in the second half of which not a single message
 *	                     was received
 *	longest_gap_ms       the longest time in which none was received, while one stood still:
 *	                     between the first and the last look that saw the same count
 *	longest_gap_before_ms  the same while nobody was stopped: what the machine does to all
 *
 * The stopped thread goes on after its time, whatever the others do: so a lock that it holds
 * costs time, but ends nothing.
 */
#include "common.h"

#include <err.h>
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STOP 0.020    /* s */
#define BETWEEN 0.005 /* s */
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
		struct arena_message message;

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
		struct arena_message message;

		if (queue->receive(worker->side, &message, 1) == 0) {
			if (last)
				break;
			try_again(&tries);
			continue;
		}
		tally_received(&worker->tally, &message);
		worker_show(worker, worker->tally.count);
	}
}

/* Some time in which the main thread looks how far they are. */
struct watch {
	uint64_t messages;
	double seconds;
	double longest_gap;
	bool stalled; /* nothing moved in the second half of the last time */
};

static void watch(const struct crew *crew, double seconds, struct watch *watch)
{
	uint64_t start = common_now_ns();
	uint64_t last = start; /* when the count was first seen to be that */
	uint64_t now = start;
	uint64_t first_count = crew_count(crew, false);
	uint64_t count = first_count;

	while ((double)(now - start) < seconds * 1e9) {
		uint64_t next;

		pause_for(LOOK);
		/* The clock before the count, and after it: the gap is not longer than that. */
		now = common_now_ns();
		next = crew_count(crew, false);
		if (next == count && (double)(now - last) > watch->longest_gap)
			watch->longest_gap = (double)(now - last);
		if (next != count)
			last = common_now_ns();
		count = next;
	}
	watch->stalled = (double)(last - start) < seconds * 1e9 / 2;
	watch->messages += count - first_count;
	watch->seconds += (double)(now - start) * 1e-9;
}

static void stop_one(struct crew *crew, uint64_t random, struct watch *while_stopped)
{
	const struct worker *victim = &crew->workers[random % crew->count];

	atomic_store_explicit(&held, 1, memory_order_release);
	errno = pthread_kill(victim->thread, SIGRTMIN);
	if (errno != 0)
		err(2, "cannot stop a thread");
	while (atomic_load_explicit(&stopped, memory_order_acquire) == 0)
		pause_for(LOOK / 4);
	watch(crew, STOP, while_stopped);
	atomic_store_explicit(&held, 0, memory_order_release);
	syscall(SYS_futex, &held, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (atomic_load_explicit(&stopped, memory_order_acquire) != 0)
		pause_for(LOOK / 4);
}

static bool measure(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_values)
{
	static uint64_t random = 0x2545f4914f6cdd1d;
	const struct sigaction action = {.sa_handler = stand_still, .sa_flags = SA_RESTART};
	unsigned int stops = (unsigned int)(seconds * 0.75 / (STOP + BETWEEN));
	struct watch before = {0};
	struct watch during = {0};
	unsigned int stalled = 0;
	struct sigaction old;
	struct crew crew;
	double share;
	bool right;

	if (stops < STOPS_MIN)
		stops = STOPS_MIN;
	if (sigaction(SIGRTMIN, &action, &old) != 0)
		err(2, "sigaction");
	crew_init(&crew);
	crew_add_all(&crew, queue, setting, send, receive, NULL);
	crew_start(&crew);
	share = (crew.count - 1.0) / crew.count;
	pause_for(seconds / 5);
	watch(&crew, seconds / 4 < STOP ? STOP : seconds / 4, &before);
	window_open();
	for (unsigned int i = 0; i < stops; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		stop_one(&crew, random >> 33, &during);
		stalled += during.stalled;
		/* Not always at the same place of a time slice. */
		pause_for(BETWEEN * (1 + (double)(random >> 54) / 1024));
	}
	window_close(during.messages);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "stopped", setting);
	crew_fini(&crew);
	if (sigaction(SIGRTMIN, &old, NULL) != 0)
		err(2, "sigaction");
	ret_values[0] = before.messages == 0 ? (double)NAN
		: (double)during.messages / during.seconds /
			((double)before.messages / before.seconds * share);
	ret_values[1] = (double)stalled / stops;
	ret_values[2] = during.longest_gap * 1e-6;
	ret_values[3] = before.longest_gap * 1e-6;
	ret_values[4] = (double)before.messages / before.seconds;
	return right;
}

static const struct setting settings[] = {
	{"2x2", 2, 2, 1024, 1, 0, 0},
	{"4x4", 4, 4, 1024, 1, 0, 0},
};

const struct scenario scenario_stopped = {
	.name = "stopped",
	.what = "what the others get done while one thread stands still in the middle of a call",
	.values = {
		{"kept_share", "of their rate", true},
		{"stalled_share", "of the stops", false},
		{"longest_gap_ms", "ms", false},
		{"longest_gap_before_ms", "ms", false},
		{"messages_per_second", "1/s", true},
	},
	.value_count = 5,
	.settings = settings,
	.setting_count = sizeof(settings) / sizeof(settings[0]),
	.applies = common_moves,
	.measure = measure,
};
