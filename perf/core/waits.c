/* SPDX-License-Identifier: MIT */
/*
 * The ways to wait that a queue is tried with.
 *
 * A thread that prepares to sleep counts itself, takes a ticket, and looks once more. The other
 * side moves a message and then looks whether a thread is counted. With a full fence
 * between the two steps on both sides, either the thread finds the message, or the other side
 * finds the thread and changes the ticket, and the kernel lets nobody sleep on an old one.
 */
#include "core/waits.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const struct wait waits[] = {
	{ "own", WAIT_OWN, 256 },
	{ "yield", WAIT_YIELD, 0 },
	{ "4 pauses", WAIT_YIELD, 4 },
	{ "8 pauses", WAIT_YIELD, 8 },
	{ "16 pauses", WAIT_YIELD, 16 },
	{ "64 pauses", WAIT_YIELD, 64 },
	{ "256 pauses", WAIT_YIELD, 256 },
	{ "exponential", WAIT_EXPONENTIAL, 0 },
	{ "sleep", WAIT_SLEEP, 0 },
	{ "16, sleep", WAIT_SLEEP, 16 },
	{ "64, sleep", WAIT_SLEEP, 64 },
	{ "256, sleep", WAIT_SLEEP, 256 },
	{ NULL, WAIT_OWN, 0 },
};

static char fixed_name[32] = "256 pauses";
static struct wait fixed = { fixed_name, WAIT_YIELD, 256 };
const struct wait *worker_wait = &fixed;

void waits_set_pauses(unsigned int pauses)
{
	snprintf(fixed_name, sizeof(fixed_name), "%u pauses", pauses);
	fixed.pauses = pauses;
}

uint32_t sleepers_prepare(struct sleepers *sleepers)
{
	atomic_fetch_add_explicit(&sleepers->waiting, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	/* Acquire: a thread that sees a new ticket also sees what was moved before. */
	return atomic_load_explicit(&sleepers->ticket, memory_order_acquire);
}

void sleepers_sleep(struct sleepers *sleepers, uint32_t ticket)
{
	syscall(SYS_futex, &sleepers->ticket, FUTEX_WAIT_PRIVATE, ticket, NULL, NULL, 0);
}

void sleepers_leave(struct sleepers *sleepers)
{
	atomic_fetch_sub_explicit(&sleepers->waiting, 1, memory_order_relaxed);
}

void sleepers_wake(struct sleepers *sleepers, unsigned int count)
{
	atomic_fetch_add_explicit(&sleepers->ticket, 1, memory_order_release);
	syscall(SYS_futex, &sleepers->ticket, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : count,
		NULL, NULL, 0);
}
