/* SPDX-License-Identifier: MIT */
/*
 * The CPUs that this process may use (taskset and containers restrict them), in
 * rising order, and threads pinned to them: the first thread to the first, and
 * round robin from there, so that 1x1 means two CPUs wherever there are two.
 */
#include "core/cpus.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static cpu_set_t allowed;

static void load(void)
{
	if (CPU_COUNT(&allowed) == 0 && sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		err(2, "sched_getaffinity");
}

unsigned int cpus_allowed(void)
{
	load();
	return (unsigned int)CPU_COUNT(&allowed);
}

int cpus_number(unsigned int index)
{
	unsigned int left = index % cpus_allowed();
	int cpu = 0;

	for (;; cpu++)
		if (CPU_ISSET(cpu, &allowed) && left-- == 0)
			return cpu;
}

void cpus_pin(unsigned int index)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpus_number(index), &one);
	errno = pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	if (errno != 0)
		err(2, "cannot pin a thread to CPU %d", cpus_number(index));
}

void cpus_keep_to(unsigned int count)
{
	unsigned int all = cpus_allowed();
	cpu_set_t some;

	CPU_ZERO(&some);
	for (unsigned int i = 0; i < (count == 0 || count > all ? all : count); i++)
		CPU_SET(cpus_number(i), &some);
	errno = pthread_setaffinity_np(pthread_self(), sizeof(some), &some);
	if (errno != 0)
		err(2, "cannot keep a thread to %u CPUs", count);
}

static double read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double cpus_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cpus_used(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

double cpus_used_by_children(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
		err(2, "getrusage");
	return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/* Of the allowed CPUs, in ticks. */
struct ticks {
	unsigned long long all;
	unsigned long long stolen;
};

static struct ticks read_ticks(void)
{
	FILE *file = fopen("/proc/stat", "re");
	struct ticks ticks = { 0 };
	char line[512];

	if (file == NULL)
		return ticks;
	load();
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long long user, nice, system, irq, softirq, steal;
		int cpu;

		if (sscanf(line, "cpu%d %llu %llu %llu %*u %*u %llu %llu %llu", &cpu, &user, &nice,
			    &system, &irq, &softirq, &steal) == 7 &&
			CPU_ISSET(cpu, &allowed)) {
			ticks.all += user + nice + system + irq + softirq + steal;
			ticks.stolen += steal;
		}
	}
	fclose(file);
	return ticks;
}

double cpus_used_by_all(void)
{
	return (double)read_ticks().all / (double)sysconf(_SC_CLK_TCK);
}

double cpus_stolen(void)
{
	return (double)read_ticks().stolen / (double)sysconf(_SC_CLK_TCK);
}

static double used_by_ours(void)
{
	return cpus_used() + cpus_used_by_children();
}

struct cpus_others cpus_others_start(void)
{
	return (struct cpus_others){ cpus_now(), cpus_used_by_all(), used_by_ours() };
}

double cpus_others_stop(const struct cpus_others *since)
{
	double all = cpus_used_by_all() - since->all;
	double ours = used_by_ours() - since->ours;

	return all > ours ? (all - ours) / (cpus_now() - since->start) : 0;
}
