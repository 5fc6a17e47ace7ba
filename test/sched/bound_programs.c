/* SPDX-License-Identifier: MIT */
/*
 * How many steps a call takes that does not wait, while all other threads have
 * stopped, each wherever it is.
 *
 * With N cells and claims of at most k, a call meets three kinds of steps:
 *
 *	14 a cell    a look for the first ready one takes 3, a challenge 4, its
 *	             decision 5, and whether it is skipped 2
 *	21 a claim   of N / k that skip: a fence takes 9 with five other
 *	             threads, and the next try 12
 *	40           the way in and out, CHALLENGE_AFTER tries, and a wake-up
 *
 * The most that was seen is some 100 steps with 4 cells, and 120 with 8.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"

#include <stddef.h>

#include "queue/queue.h"

static struct magring_queue *queue;

static void busy_sender(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++)
		history_send_batch(1 + sched_choose(3), sched_choose(2) == 0 ? 0 : -1);
}

static void busy_receiver(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++)
		history_recv_batch(1 + sched_choose(3), sched_choose(2) == 0 ? 0 : -1);
}

static void single_sender(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		history_send(0);
}

static void single_receiver(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++)
		history_recv(0);
}

static uint64_t steps_of(bool send)
{
	uint64_t before = sched_steps();
	if (send)
		history_send(0);
	else
		history_recv(0);
	return sched_steps() - before;
}

static uint64_t bound(void)
{
	size_t cells = ring_cells(&queue->ring), skips = cells / queue->ring.claim_max;
	return 40 + 14 * cells + 21 * skips;
}

static void check_steps(void)
{
	bool send = sched_choose(2) == 1;
	for (int i = 0; i < 2; i++, send = !send) {
		uint64_t steps = steps_of(send);
		sched_require(steps <= bound(), "%s takes %lu steps, more than %lu",
			send ? "a send" : "a receive", (unsigned long)steps,
			(unsigned long)bound());
	}
}

static void run_bounded(void)
{
	static void (*const kinds[])(
		void *) = { busy_sender, busy_receiver, single_sender, single_receiver };
	queue = checks_queue((size_t)2 << sched_choose(2), 0, true);
	history_begin(queue);
	checks_sleep_at_once(queue);
	unsigned int threads = 2 + sched_choose(4);
	for (unsigned int i = 1; i <= threads; i++)
		sched_spawn("busy", kinds[sched_choose(4)], NULL);
	/* Each comes to a place of its own. The last ones meet the others. */
	for (unsigned int i = 1; i <= threads; i++) {
		sched_run_alone(i, sched_choose(3) > 0 ? 6 + sched_choose(12) : sched_choose(90));
		sched_stop(i);
	}
	check_steps();
	for (unsigned int i = 1; i <= threads && checks_stopped() > 0; i++) {
		sched_resume_all();
		sched_wait();
	}
	checks_sleepers(queue);
	history_close();
	sched_wait();
	checks_end(queue);
}

static const struct sched_program program_bounded = { "bounded",
	"steps of a call while all others have stopped", run_bounded, 0 };

const struct sched_program *const bound_programs[] = { &program_bounded, NULL };
