/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait, beside processes that are busy: what four scenarios have
 * in common.
 *
 *	busy dialogue  questions and answers, each of which is waited for
 *	busy requests  messages at fixed times to a receiver that waits
 *	busy deadline  the same to a receiver under SCHED_DEADLINE
 *	busy stream    as many messages as go
 *
 * A wait by looks, or by yields, may do well on CPUs that have nothing else to
 * do. Beside a process that takes all it gets, it may do badly. So settings
 * have 0, 1 and 2 of those.
 *
 * Threads and busy processes share the first CPUs that this process may use.
 * None is pinned to one of them: the kernel decides, as for the queues' users.
 *
 * All use the queues' own calls that wait without a limit. The window is TIMES
 * as long as that of other scenarios: the kernel deals in slices of
 * milliseconds. The processor's counters are off, as they would count the busy
 * processes too.
 *
 * Busy processes are killed and reaped before anything is checked. They die
 * with this process, should that end in another way.
 */
#include "scenarios/busy.h"

#include "scenarios/common.h"
#include "core/cpus.h"
#include "core/latency.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 2 };

static _Noreturn void spin(pid_t parent)
{
	/* The second look is for a parent that ended before the first call. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(2);
	for (;;)
		__asm__ volatile("");
}

void busy_start(struct busy *busy, const struct setting *setting)
{
	pid_t parent = getpid();

	*busy = (struct busy){ 0 };
	while (busy->count < setting->busy) {
		pid_t process = fork();

		if (process < 0) {
			busy_end(busy);
			err(2, "%s: no busy process", setting->name);
		}
		if (process == 0) {
			busy_place(setting);
			spin(parent);
		}
		busy->processes[busy->count++] = process;
	}
}

void busy_end(struct busy *busy)
{
	while (busy->count > 0) {
		pid_t process = busy->processes[--busy->count];
		int status;

		if (kill(process, SIGKILL) != 0)
			err(2, "a busy process");
		while (waitpid(process, &status, 0) != process)
			if (errno != EINTR)
				err(2, "a busy process");
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			errx(2, "a busy process ended by itself");
	}
}

void busy_place(const struct setting *setting)
{
	cpus_keep_to(setting->processors);
}

bool busy_applies(const struct queue *queue, const struct setting *setting)
{
	return setting->processors <= cpus_allowed() && common_sleeps(queue, setting);
}

static double receivers_cpu_ns(const struct crew *crew)
{
	double sum = 0;

	for (unsigned int i = 0; i < crew->count; i++) {
		struct timespec used;
		clockid_t clock;

		if (crew->workers[i].sends)
			continue;
		errno = pthread_getcpuclockid(crew->workers[i].thread, &clock);
		if (errno != 0 || clock_gettime(clock, &used) != 0)
			err(2, "a thread's CPU time");
		sum += 1e9 * (double)used.tv_sec + (double)used.tv_nsec;
	}
	return sum;
}

static struct busy_window look(const struct crew *crew)
{
	return (struct busy_window){
		.seconds = cpus_now(),
		.sent = crew_count(crew, true),
		.received = crew_count(crew, false),
		.cpu_ns = 1e9 * cpus_used(),
		.receivers_cpu_ns = receivers_cpu_ns(crew),
	};
}

void busy_watch(struct crew *crew, const struct setting *setting, double seconds,
	struct busy_window *ret_window)
{
	struct busy_window start;
	struct busy_window end;
	struct busy busy;

	busy_start(&busy, setting);
	crew_start(crew);
	pause_for(TIMES * seconds / 5);
	latency_count(true);
	start = look(crew);
	pause_for(TIMES * seconds);
	end = look(crew);
	latency_count(false);
	busy_end(&busy);
	crew_stop_senders(crew);
	crew_stop_receivers(crew);
	*ret_window = (struct busy_window){
		.seconds = end.seconds - start.seconds,
		.sent = end.sent - start.sent,
		.received = end.received - start.received,
		.cpu_ns = end.cpu_ns - start.cpu_ns,
		.receivers_cpu_ns = end.receivers_cpu_ns - start.receivers_cpu_ns,
	};
}

double busy_per_message(const struct busy_window *window, double what)
{
	return window->received > 0 ? what / (double)window->received : (double)NAN;
}
