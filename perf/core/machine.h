/* SPDX-License-Identifier: MIT */
/* Where and with what this was measured. */
#ifndef PERF_MACHINE_H
#define PERF_MACHINE_H

struct machine {
	char date[32]; /* now, UTC */
	char cpu[128]; /* model */
	char kernel[128];
	char system[128]; /* distribution */
	char libc[32];
	char compiler[128];
	char governor[32];  /* empty: not readable, as in most virtual machines */
	char hypervisor[8]; /* "yes", "no" or empty: unknown */
	unsigned int cpus;  /* online */
	unsigned int allowed;
	double memory_mb;
};

void machine_read(struct machine *machine);

#endif
