/* SPDX-License-Identifier: MIT */
/*
 * DPDK's environment (EAL), for what needs it: rte_mempool does, rte_ring does not. Neither
 * huge pages nor devices nor root, and nobody's CPUs are changed.
 */
#ifndef PERF_DPDK_H
#define PERF_DPDK_H

#include <stdbool.h>

/* Make it ready, once in a process; whether it is. Any thread may ask. */
bool dpdk_ready(void);

/* The calling thread counts as one of DPDK's from now until it ends (or calls the other):
 * without it rte_mempool has no cache for the thread. Whether it does. After dpdk_ready(). */
bool dpdk_thread_enter(void);
void dpdk_thread_leave(void);

#endif
