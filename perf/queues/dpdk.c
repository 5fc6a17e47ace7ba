/* SPDX-License-Identifier: MIT */
/*
 * The environment is made by a thread of its own: rte_eal_init() makes the thread that calls
 * it the main one of DPDK's, and keeps it on one CPU. It ends then; nothing needs it again.
 */
#include "queues/dpdk.h"

#include <err.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <sched.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static void *make_ready(void *nothing)
{
	char here[32];
	char *arguments[] = { "arena", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"-m", "512", "--lcores", here, "--log-level=*:error", NULL };

	(void)nothing;
	snprintf(here, sizeof(here), "0@%d", sched_getcpu());
	ready = rte_eal_init(sizeof(arguments) / sizeof(*arguments) - 1, arguments) >= 0;
	return NULL;
}

static void make_ready_beside(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, make_ready, NULL) != 0)
		err(2, "dpdk");
	pthread_join(thread, NULL);
}

bool dpdk_ready(void)
{
	pthread_once(&once, make_ready_beside);
	return ready;
}

bool dpdk_thread_enter(void)
{
	return rte_thread_register() == 0;
}

void dpdk_thread_leave(void)
{
	rte_thread_unregister();
}
