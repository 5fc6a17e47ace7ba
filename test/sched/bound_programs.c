/* SPDX-License-Identifier: MIT */
/*
 * How many steps a call takes that does not wait, while all other threads have
 * stopped, each wherever it is.
 *
 * With N cells and claims of at most k, a call meets three kinds of steps:
 *
 *	cells     it comes to each cell a few times: to scan, to challenge, to
 *	          decide, to count, and once more to claim
 *	fences    one for each k cells that it skips, of 3 steps and one for each
 *	          thread
 *	the rest  the way in and out, CHALLENGE_AFTER tries, and a wake-up
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
	return 100 + 40 * cells + 20 * skips;
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
