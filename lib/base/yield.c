/* SPDX-License-Identifier: MIT */
/*
 * An account of what yields take and save, for each thread, in nanoseconds.
 *
 * With more threads than processors at work on a queue, yields are far better
 * than sleeps. A sleeper is woken for the next message and takes the processor
 * from the senders that would have filled the queue. But no thread wakes one
 * that yields. Beside a busy process each yield may take a time slice, of some
 * milliseconds. Which of both it was shows only afterwards. So the caller
 * charges what a yield took, and credits what it saved.
 *
 * The balance is at most YIELD_CREDIT_NS. When it falls below zero the thread
 * does not yield for YIELD_REPAY times what is missing, and begins again with
 * an empty account. So it loses at most one part in YIELD_REPAY of its time by
 * yields, and once the credit. A late yield outweighs what thousands of quick
 * ones have saved.
 *
 * A thread with a real-time policy never yields. Under SCHED_DEADLINE it would
 * lose the rest of its period. Under SCHED_FIFO and SCHED_RR no thread of lower
 * priority runs when it yields, and it may be waiting for one. The kernel is
 * asked for the policy before a yield, but at most once in POLICY_NS.
 */
#include "base/yield.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/thread_local.h"
#include "tuning.h"

static THREAD_LOCAL struct {
	int64_t closed_until_ns;
	int64_t policy_until_ns; /* then it is asked for again */
	int64_t balance_ns;
	bool real_time;
} account;

/* Raw, as musl's sched_getscheduler() only fails. */
static bool has_real_time_policy(void)
{
	long policy = syscall(SYS_sched_getscheduler, 0);
	if (policy < 0)
		return false; /* a filter forbids it */
	policy &= ~SCHED_RESET_ON_FORK;
	return policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE;
}

bool yield_real_time(void)
{
	return account.real_time;
}

bool yield_allowed(int64_t now_ns, int64_t deadline_ns)
{
	if (now_ns < account.closed_until_ns || deadline_ns - now_ns <= YIELD_BEFORE_NS)
		return false;
	if (now_ns >= account.policy_until_ns) {
		account.real_time = has_real_time_policy();
		account.policy_until_ns = now_ns + POLICY_NS;
	}
	return !account.real_time;
}

void yield_charge(int64_t now_ns, int64_t took_ns, int64_t saved_ns)
{
	account.balance_ns += saved_ns - took_ns;
	if (account.balance_ns > YIELD_CREDIT_NS)
		account.balance_ns = YIELD_CREDIT_NS;
	if (account.balance_ns < 0) {
		account.closed_until_ns = now_ns - account.balance_ns * YIELD_REPAY;
		account.balance_ns = 0;
	}
}
