/* SPDX-License-Identifier: MIT */
/*
 * The eventcount alone. All stand still: no thread is asleep while the condition
 * holds, the word counts nothing, and the descriptor says what it shall.
 */
#include "eventcount_acts.h"
#include "programs.h"

#include <stddef.h>

static unsigned int acts_of_each;

/* ----------------------------------------------------------------- threads -- */

static void putter(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++)
		acts_put(1 + sched_choose(2));
}

static void put_one(void *unused)
{
	(void)unused;
	acts_put(1);
}

static void put_ones(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++) {
		sched_pass(sched_choose(30));
		acts_put(1);
	}
}

static void put_two(void *unused)
{
	(void)unused;
	acts_put(2);
}

static void taker(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < acts_of_each; i++)
		acts_take(INT64_MAX);
}

static void take_one(void *unused)
{
	(void)unused;
	acts_take(INT64_MAX);
}

static void taker_until(void *unused)
{
	(void)unused;
	acts_take(sched_time() + 300);
}

static void poller(void *unused)
{
	(void)unused;
	acts_poll(false);
}

static void edge_poller(void *unused)
{
	(void)unused;
	acts_poll(true);
}

static void finisher(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(60));
	acts_finish();
}

static void canceller(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(60));
	sched_cancel(1);
}

/* --------------------------------------------------------------------- end -- */

static void end(void)
{
	sched_wait();
	acts_check_standstill();
	acts_check_descriptor();
	acts_finish();
	sched_wait();
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i), "thread %u is asleep when it is over", i);
	acts_check_word();
	acts_end();
}

/* ---------------------------------------------------------------- programs -- */

static void run_eventcount(void)
{
	static void (*const kinds[])(void *) = { putter, taker, taker_until, putter, taker, poller,
		edge_poller, finisher };
	acts_begin(true);
	acts_of_each = 1 + sched_choose(2);
	unsigned int threads = 3 + sched_choose(3);
	sched_spawn("taker", taker, NULL);
	for (unsigned int i = 1; i < threads; i++)
		sched_spawn("any", kinds[sched_choose(8)], NULL);
	if (sched_choose(4) == 1)
		sched_spawn("canceller", canceller, NULL);
	end();
}

static void run_eventcount_sleepers(void)
{
	acts_begin(true);
	acts_of_each = 1;
	for (int i = 0; i < 3; i++)
		sched_spawn("taker", take_one, NULL);
	for (int i = 0; i < 3; i++)
		sched_spawn("putter", put_one, NULL);
	end();
}

/* Again and again, so that sleepers find marks of those before. */
static void run_eventcount_again(void)
{
	acts_begin(true);
	acts_of_each = 3;
	sched_spawn("taker", taker, NULL);
	if (sched_choose(3) == 1)
		sched_spawn("taker", taker, NULL);
	for (unsigned int i = 0; i <= sched_choose(2); i++)
		sched_spawn("putter", put_ones, NULL);
	end();
}

static void checkpoint(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(60));
	sched_checkpoint();
}

/* One, as another one just after a thread has registered ends the process. */
static void run_eventcount_restored(void)
{
	acts_begin(true);
	acts_of_each = 2;
	bool before = sched_choose(2) == 1;
	if (before)
		sched_checkpoint();
	sched_spawn("taker", taker, NULL);
	sched_spawn("taker", take_one, NULL);
	if (!before)
		sched_spawn("checkpoint", checkpoint, NULL);
	sched_spawn("putter", put_ones, NULL);
	sched_spawn("poller", sched_choose(2) == 0 ? poller : edge_poller, NULL);
	end();
}

/*
 * A sleeper stops wherever it is, for good. It owes no wake-up, unless it was
 * woken. Then, at the latest, the next item wakes another.
 */
static void run_eventcount_stopped(void)
{
	acts_begin(true);
	acts_of_each = 1;
	uint32_t epoch = (uint32_t)acts_word();
	sched_spawn("taker", take_one, NULL);
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	if (sched_choose(2) == 1)
		sched_spawn("putter", put_one, NULL);
	sched_pass(sched_choose(40));
	sched_stop(1);
	sched_wait();
	if ((uint32_t)acts_word() == epoch) /* no wake-up was ever sent */
		acts_check_standstill();
	acts_put(1);
	sched_wait();
	acts_check_standstill();
	sched_resume_all();
	end();
}

/* At the first put of two sleepers one stops, wherever it is by then. */
static void run_eventcount_second(void)
{
	acts_begin(true);
	sched_spawn("taker", take_one, NULL);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_put(1);
	sched_stop(sched_is_asleep(1) ? 2 : 1);
	acts_put(1);
	sched_wait();
	acts_check_standstill();
	sched_resume_all();
	end();
}

/* Two wake-ups go to a thread that stops. A later sleeper does not miss its
 * own. */
static void run_eventcount_both(void)
{
	acts_begin(true);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_put(1);
	acts_put(1);
	sched_stop(1);
	for (int i = 0; i < 2; i++)
		acts_take(sched_time() + 300);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_put(1);
	sched_wait();
	acts_check_standstill();
	sched_resume_all();
	end();
}

/* Puts that met no sleeper have taken the marks back. Then one meets another. */
static void run_eventcount_unfenced(void)
{
	acts_begin(true);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_put(1);
	sched_wait();
	for (unsigned int i = 0; i < 2 + sched_choose(2); i++) {
		acts_put(1);
		acts_take(sched_time() + 300);
	}
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	end();
}

static void arm_once(void *unused)
{
	(void)unused;
	acts_arm();
}

/* An end would be a fence. */
static void put_and_go_on(void *unused)
{
	(void)unused;
	acts_put(1);
	sched_pass(100);
}

static unsigned int stop_as_it_arms(void)
{
	unsigned int thread = sched_spawn("poller", arm_once, NULL);
	sched_run_alone(thread, 5 + sched_choose(12));
	sched_stop(thread);
	return thread;
}

/*
 * An arming stops after its fence. Meanwhile ARMED is cleared, and the marks are
 * taken back. What is put then finds none, and a second arming stops before its
 * fence is over. The first one goes on.
 */
static void run_eventcount_rearmed(void)
{
	acts_begin(true);
	unsigned int first = stop_as_it_arms();
	for (unsigned int i = 0; i < 2 + sched_choose(3); i++) {
		acts_put(1);
		acts_take(sched_time() + 300);
	}
	unsigned int putter = sched_spawn("putter", put_and_go_on, NULL);
	sched_run_alone(putter, 30);
	sched_stop(putter);
	stop_as_it_arms();
	sched_run_alone(first, 1000);
	sched_spawn("taker", take_one, NULL);
	sched_wait();
	acts_check_standstill();
	sched_resume_all();
	end();
}

static void run_eventcount_pollers(void)
{
	acts_begin(true);
	acts_of_each = 1;
	sched_spawn("poller", poller, NULL);
	sched_spawn("poller", sched_choose(2) == 0 ? poller : edge_poller, NULL);
	sched_spawn("taker", sched_choose(2) == 0 ? take_one : taker_until, NULL);
	sched_spawn("putter", sched_choose(2) == 0 ? put_one : put_two, NULL);
	sched_spawn("putter", sched_choose(2) == 0 ? put_one : finisher, NULL);
	end();
}

static void run_eventcount_one(void)
{
	acts_begin(false);
	acts_of_each = 1;
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_one, NULL);
	end();
}

static void run_eventcount_two(void)
{
	acts_begin(false);
	acts_of_each = 1;
	sched_spawn("taker", take_one, NULL);
	sched_spawn("taker", take_one, NULL);
	sched_spawn("putter", put_two, NULL);
	end();
}

static void run_eventcount_poll(void)
{
	acts_begin(false);
	acts_of_each = 1;
	sched_spawn("poller", poller, NULL);
	sched_spawn("putter", put_one, NULL);
	end();
}

#define PROGRAM(symbol, about, flags) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, \
		flags };

PROGRAM(eventcount, "threads of any kind at an eventcount", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
PROGRAM(eventcount_sleepers, "three wake-ups for three sleepers", SCHED_MAY_STOP)
PROGRAM(eventcount_again, "the same threads sleep and wake again", SCHED_MAY_STOP)
PROGRAM(eventcount_restored, "membarrier refuses once, after a checkpoint", SCHED_MAY_STOP)
PROGRAM(eventcount_stopped, "one of two sleepers stops for good", 0)
PROGRAM(eventcount_second, "one of two sleepers stops as it is woken", 0)
PROGRAM(eventcount_both, "two wake-ups go to a sleeper that stops", 0)
PROGRAM(eventcount_unfenced, "a sleeper after puts that met none", 0)
PROGRAM(eventcount_rearmed, "one arming stops, and another begins", 0)
PROGRAM(eventcount_pollers, "descriptors and sleepers", SCHED_MAY_STOP | SCHED_MAY_INTERRUPT)
PROGRAM(eventcount_one, "small: one sleeper, one waker", SCHED_SMALL)
PROGRAM(eventcount_two, "small: two sleepers, one wake-up", SCHED_SMALL)
PROGRAM(eventcount_poll, "small: one poller, one waker", SCHED_SMALL)

const struct sched_program *const eventcount_programs[] = { &program_eventcount,
	&program_eventcount_sleepers, &program_eventcount_again, &program_eventcount_stopped,
	&program_eventcount_second, &program_eventcount_both, &program_eventcount_unfenced,
	&program_eventcount_rearmed, &program_eventcount_pollers, &program_eventcount_one,
	&program_eventcount_two, &program_eventcount_poll, &program_eventcount_restored, NULL };
