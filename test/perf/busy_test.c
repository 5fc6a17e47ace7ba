/* SPDX-License-Identifier: MIT */
/*
 * The busy processes of a scenario: they spin where they should, and none is left behind.
 */
#include "scenarios/busy.h"

#include "core/cpus.h"
#include "core/latency.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK 0.001  /* s */
#define SPENT 0.005 /* s */
enum { LOOKS = 10000, BEFORE = 1000000000 };

static const struct setting two_on_one = {
	.name = "two on one",
	.senders = 1,
	.receivers = 1,
	.capacity = 64,
	.batch = 1,
	.processors = 1,
	.busy = 2,
};

static double spent(pid_t process)
{
	struct timespec time;
	clockid_t clock;

	cr_assert(zero(int, clock_getcpuclockid(process, &clock)));
	cr_assert(zero(int, clock_gettime(clock, &time)));
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool has_children(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

Test(busy, processes_spin_on_the_cpus_of_the_setting, .timeout = 60)
{
	struct busy busy;

	busy_start(&busy, &two_on_one);
	cr_assert(eq(uint, busy.count, 2));
	cr_assert(ne(int, busy.processes[0], busy.processes[1]));
	for (unsigned int i = 0; i < busy.count; i++) {
		cpu_set_t cpus;

		while (spent(busy.processes[i]) < SPENT)
			pause_for(LOOK);
		cr_assert(zero(int, sched_getaffinity(busy.processes[i], sizeof(cpus), &cpus)));
		cr_expect(eq(int, CPU_COUNT(&cpus), 1));
		cr_expect(ne(int, CPU_ISSET(cpus_number(0), &cpus), 0));
	}
	busy_end(&busy);
}

Test(busy, processes_are_killed_and_reaped, .timeout = 60)
{
	double before = cpus_used_by_children();
	pid_t processes[BUSY_MAX];
	struct busy busy;

	busy_start(&busy, &two_on_one);
	for (unsigned int i = 0; i < BUSY_MAX; i++) {
		processes[i] = busy.processes[i];
		while (spent(processes[i]) < SPENT)
			pause_for(LOOK);
	}
	busy_end(&busy);
	cr_expect(zero(uint, busy.count));
	cr_expect(not(has_children()));
	for (unsigned int i = 0; i < BUSY_MAX; i++)
		cr_expect(eq(int, kill(processes[i], 0), -1));
	cr_expect(ge(dbl, cpus_used_by_children() - before, 2 * SPENT));
}

Test(busy, none_is_none)
{
	struct setting setting = two_on_one;
	struct busy busy;

	setting.busy = 0;
	busy_start(&busy, &setting);
	cr_expect(zero(uint, busy.count));
	cr_expect(not(has_children()));
	busy_end(&busy);
}

/* By itself and soon; one that goes on is not left behind for that. */
static bool was_killed(pid_t process)
{
	int status = 0;

	for (unsigned int looks = 0; looks < LOOKS; looks++) {
		if (waitpid(process, &status, WNOHANG) == process)
			return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		pause_for(LOOK);
	}
	kill(process, SIGKILL);
	waitpid(process, &status, 0);
	return false;
}

/* This process becomes the parent of what its child leaves behind. */
Test(busy, processes_die_with_their_parent, .timeout = 60)
{
	pid_t processes[BUSY_MAX];
	int ends[2];
	pid_t parent;
	int status;

	cr_assert(zero(int, prctl(PR_SET_CHILD_SUBREAPER, 1)));
	cr_assert(zero(int, pipe(ends)));
	parent = fork();
	cr_assert(ge(int, parent, 0));
	if (parent == 0) {
		struct busy busy;

		busy_start(&busy, &two_on_one);
		while (spent(busy.processes[0]) < SPENT || spent(busy.processes[1]) < SPENT)
			pause_for(LOOK);
		_exit(write(ends[1], busy.processes, sizeof(busy.processes)) < 0);
	}
	cr_assert(eq(long, read(ends[0], processes, sizeof(processes)), sizeof(processes)));
	cr_assert(eq(int, waitpid(parent, &status, 0), parent));
	for (unsigned int i = 0; i < BUSY_MAX; i++)
		cr_expect(was_killed(processes[i]));
}

Test(busy, threads_may_run_on_all_cpus_of_the_setting)
{
	struct setting setting = two_on_one;
	unsigned int all = cpus_allowed();
	cpu_set_t cpus;

	busy_place(&setting);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	cr_expect(eq(int, CPU_COUNT(&cpus), 1));
	setting.processors = 0;
	busy_place(&setting);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	cr_expect(eq(int, CPU_COUNT(&cpus), (int)all));
}

/* ------------------------------------------------------------- the window -- */

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	(void)capacity, (void)senders, (void)receivers;
	return NULL;
}

static void receive_waiting(void *side, struct message *ret_message)
{
	(void)side, (void)ret_message;
}

static const struct queue sleeping = {
	.name = "sleeping",
	.batch_max = 1,
	.create = create,
	.receive_waiting = receive_waiting,
};

Test(busy, takes_queues_that_sleep_on_cpus_that_are_there)
{
	struct queue awake = sleeping;
	struct setting setting = two_on_one;

	cr_expect(busy_applies(&sleeping, &setting));
	awake.receive_waiting = NULL;
	cr_expect(not(busy_applies(&awake, &setting)));
	setting.processors = cpus_allowed() + 1;
	cr_expect(not(busy_applies(&sleeping, &setting)));
}

/* What went on before the window is much, as is what the sender spends on it. */
static void count(struct worker *worker)
{
	atomic_bool *counting = worker->own;
	uint64_t done = BEFORE;

	while (!worker_stops(worker)) {
		if (latency_stamp() != 0)
			atomic_store(counting, true);
		worker_show(worker, ++done);
		if (!worker->sends)
			pause_for(LOOK);
	}
}

Test(busy, a_window_is_between_the_start_and_the_end_of_all, .timeout = 60)
{
	const double seconds = 0.02;
	struct busy_window window;
	atomic_bool counting = false;
	struct crew crew;

	crew_init(&crew);
	crew_add(&crew, &sleeping, &two_on_one, NULL, true, count, &counting);
	crew_add(&crew, &sleeping, &two_on_one, NULL, false, count, &counting);
	busy_watch(&crew, &two_on_one, seconds, &window);
	cr_expect(not(has_children()));
	cr_expect(ge(dbl, window.seconds, seconds));
	cr_expect(gt(u64, window.sent, 0));
	cr_expect(gt(u64, window.received, 0));
	cr_expect(lt(u64, window.sent, BEFORE));
	cr_expect(lt(u64, window.received, BEFORE));
	cr_expect(gt(dbl, window.receivers_cpu_ns, 0));
	cr_expect(gt(dbl, window.cpu_ns, 2 * window.receivers_cpu_ns));
	cr_expect(atomic_load(&counting));
	cr_expect(zero(u64, latency_stamp()));
	crew_fini(&crew);
}

Test(busy, what_a_message_costs)
{
	struct busy_window window = { .received = 4 };

	cr_expect(eq(dbl, busy_per_message(&window, 6), 1.5));
	window.received = 0;
	cr_expect(ne(dbl, busy_per_message(&window, 6), busy_per_message(&window, 6)));
}
