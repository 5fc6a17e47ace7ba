/* SPDX-License-Identifier: MIT */
/*
 * membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) makes every running thread of
 * the process pass a full memory barrier before it returns. A thread that is
 * not running passed one when it was switched out. So each compiler barrier of
 * fence_light() acts as a full one relative to it. Wakers live on that: see
 * eventcount.c. Sources: Corbet, "The membarrier() system call", and Desnoyers
 * et al., "User-Level Implementations of Read-Copy Update", 2012.
 *
 * A process must register first. An old kernel answers ENOSYS and a seccomp
 * filter EPERM or any other error. Anything but success means that light fences
 * have to be full ones.
 *
 * The decision
 *
 * The first create of a pool or queue decides, unless its arguments are wrong,
 * and so does magring_write_metrics(). Or magring_disable_membarrier() does
 * before them. Both answers share one pthread_once(), `decided`. The first that
 * comes goes on, and all others wait for it.
 *
 * Registering at load decides nothing. In a program that is linked statically,
 * constructors of the program may come before it, or run beside it in threads.
 * It has a pthread_once() of its own, which the decision against membarrier
 * uses up. So it is over by then, or does not happen.
 *
 * No fence comes before the decision. Those of pools and queues follow their
 * creation, and those of the table of pools the fence_init() that
 * thread_section_begin() calls. So fence_asymmetric is constant for whatever
 * reads it. A process that changed its mind would leave light fences behind
 * that were compiler barriers, without a counterpart.
 *
 * A registration that is lost
 *
 * A process that was restored from a checkpoint may find its registration gone:
 * membarrier answers EPERM, and makes no thread pass a barrier. fence_heavy()
 * then registers and calls it again, as does the first call of all. Light
 * fences in between need nothing more. They do not depend on the registration,
 * and only the membarrier() that succeeds counts as a heavy fence. It reaches
 * all threads like any other. What they stored before the checkpoint had left
 * their store buffers when they were stopped for it.
 */
#include "base/fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "magring.h"
#include "tuning.h"

bool fence_asymmetric;

static pthread_once_t decided = PTHREAD_ONCE_INIT;
/* In the child of a fork `decided` begins anew, and a decision stays. */
static _Atomic(bool) is_decided;
static pthread_once_t registered = PTHREAD_ONCE_INIT; /* at load */

/*
 * ENOMEM lasts for a moment, inside the kernel, or for ever: a filter may
 * answer it as any other. A barrier after the decision has no other way than to
 * try again, so only the others are limited. (Inlined, as the next but one, so
 * that the machine code of fence_heavy() shows the call.)
 */
static inline __attribute__((always_inline)) bool call_membarrier(int command, bool limited)
{
	unsigned int tries = 0;
	long result;
	do
		result = syscall(SYS_membarrier, command, 0, 0);
	while (result != 0 && errno == ENOMEM && (!limited || ++tries < MEMBARRIER_TRIES));
	return result == 0;
}

static bool register_process(void)
{
	return call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, true);
}

static inline __attribute__((always_inline)) bool pass_barriers(bool limited)
{
	if (call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited))
		return true;
	/* EPERM: this process is not registered, or it is a filter's answer. */
	return errno == EPERM && register_process() &&
		call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited);
}

static bool is_forbidden(void)
{
	const char *wanted = secure_getenv("MAGRING_MEMBARRIER");
	return wanted != NULL && strcmp(wanted, "0") == 0;
}

static void decide_for(bool wanted)
{
	/* Relaxed, both: only one thread decides. */
	if (atomic_load_explicit(&is_decided, memory_order_relaxed))
		return;
	fence_asymmetric = wanted && !is_forbidden() && pass_barriers(true);
	/* A fork finds the decision before it finds that there is one. */
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&is_decided, true, memory_order_relaxed);
}

static void decide(void)
{
	decide_for(true);
}

static void register_unless_forbidden(void)
{
	/* Relaxed: a decision that is made meanwhile registers as well. */
	if (!atomic_load_explicit(&is_decided, memory_order_relaxed) && !is_forbidden())
		(void)register_process();
}

static void register_never(void) {}

static void decide_against(void)
{
	pthread_once(&registered, register_never);
	decide_for(false);
}

void fence_init(void)
{
	pthread_once(&decided, decide);
}

void fence_forget_deciding(void)
{
	static const pthread_once_t undone = PTHREAD_ONCE_INIT;
	decided = undone;
	registered = undone;
}

int magring_disable_membarrier(void)
{
	pthread_once(&decided, decide_against);
	return fence_asymmetric ? -EBUSY : 0;
}

/*
 * A process that has one thread registers in no time, and others in some
 * milliseconds. (Priority 101 is the first that programs may use, as other
 * constructors may start threads. One of the program's may come even earlier:
 * see init.h. gcc ignores the priority on a function that was declared without
 * it.)
 */
static __attribute__((constructor(101))) void register_at_load(void)
{
	pthread_once(&registered, register_unless_forbidden);
}

void fence_heavy(void)
{
	if (!fence_asymmetric) {
		fence_full();
		return;
	}
	if (pass_barriers(false))
		return;
	/*
	 * A filter that was installed later forbids it. Nothing else orders the
	 * accesses of other threads. To go on would lose wake-ups and slabs. It
	 * is too late for light fences to become full ones, as those that are
	 * over have no counterpart.
	 */
	static const char message[] = "magring: membarrier worked at start and is refused now: "
				      "see magring_disable_membarrier()\n";
	/* Raw: write() is a cancellation point, and would end the thread. */
	(void)syscall(SYS_write, STDERR_FILENO, message, sizeof(message) - 1);
	abort();
}
