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
 * does not yield for a multiple of what is missing, and begins again with an
 * empty account. The multiple begins at YIELD_REPAY_MIN, doubles each time up
 * to YIELD_REPAY_MAX, and begins anew when the credit is full. So a thread that
 * yields beside busy processes loses one part in YIELD_REPAY_MAX of its time. A
 * thread of a stream, which has lost its processor once, soon yields again.
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

#include "base/clock.h"
#include "base/thread_local.h"
#include "tuning.h"

enum { POLICY_DEADLINE = 6 }; /* SCHED_DEADLINE, which not each libc has */

static THREAD_LOCAL struct {
	int64_t closed_until_ns;
	int64_t policy_until_ns; /* then it is asked for again */
	int64_t balance_ns;
	int repay; /* the last multiple, or 0 */
	bool real_time;
} account;

/* Raw, as musl's sched_getscheduler() only fails. */
static bool has_real_time_policy(void)
{
	long policy = syscall(SYS_sched_getscheduler, 0);
	if (policy < 0)
		return false; /* a filter forbids it */
	policy &= ~SCHED_RESET_ON_FORK;
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == POLICY_DEADLINE;
}

bool yield_real_time(void)
{
	return account.real_time;
}

bool yield_allowed(int64_t now_ns, int64_t deadline_ns)
{
	if (now_ns == CLOCK_REFUSED)
		return false; /* there is no account, and no time to ask for the policy */
	if (now_ns >= account.policy_until_ns) {
		account.real_time = has_real_time_policy();
		account.policy_until_ns = now_ns + POLICY_NS;
	}
	return !account.real_time && now_ns >= account.closed_until_ns &&
		deadline_ns - now_ns > YIELD_BEFORE_NS;
}

void yield_charge(int64_t now_ns, int64_t took_ns, int64_t saved_ns)
{
	/* What took longer was no yield: the process was stopped. */
	took_ns = took_ns < YIELD_LOSS_MAX_NS ? took_ns : YIELD_LOSS_MAX_NS;
	account.balance_ns += saved_ns - took_ns;
	if (account.balance_ns >= YIELD_CREDIT_NS) {
		account.balance_ns = YIELD_CREDIT_NS;
		account.repay = 0;
	} else if (account.balance_ns < 0) {
		account.repay = account.repay > 0 ? 2 * account.repay : YIELD_REPAY_MIN;
		if (account.repay > YIELD_REPAY_MAX)
			account.repay = YIELD_REPAY_MAX;
		account.closed_until_ns = now_ns - account.balance_ns * account.repay;
		account.balance_ns = 0;
	}
}
