/* SPDX-License-Identifier: MIT */
/* The CPUs that this process may use, and threads pinned to them. */
#ifndef PERF_CPUS_H
#define PERF_CPUS_H

/* How many CPUs this process may use, as it was started. */
unsigned int cpus_allowed(void);

/* The number of the index-th of them, counted round and round. */
int cpus_number(unsigned int index);

/* Keep the calling thread on the index-th of them, counted round and round. */
void cpus_pin(unsigned int index);

/* Keep the calling thread on the first so many of them, or on all if count is
 * 0 or more than there are. */
void cpus_keep_to(unsigned int count);

/* Seconds on the clock that every figure is taken with. */
double cpus_now(void);

/* Seconds that this process has spent on CPUs, all threads together. */
double cpus_used(void);

/* Seconds that anybody has spent on the allowed CPUs, the hypervisor included, in
 * steps of 10 ms; 0 where the system does not tell. */
double cpus_used_by_all(void);

/* Seconds that the hypervisor gave to others while something wanted to run on the
 * allowed CPUs, in the same steps. */
double cpus_stolen(void);

/* Seconds that processes spent on CPUs which this one has waited for. */
double cpus_used_by_children(void);

/* CPUs that others keep busy, as a stopwatch. Others are neither this process
 * nor those that it waited for. */
struct cpus_others {
	double start;
	double all;
	double ours;
};

struct cpus_others cpus_others_start(void);
double cpus_others_stop(const struct cpus_others *since);

#endif
