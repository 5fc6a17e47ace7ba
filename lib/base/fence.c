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
 * This is decided once, before any thread uses the library. A process that
 * changed its mind would leave light fences without a counterpart.
 */
#include "base/fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

bool fence_asymmetric;

static void try_membarrier(void)
{
	fence_asymmetric =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void fence_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, try_membarrier);
}

/*
 * Of the first priority that programs may use, as other constructors may start
 * threads. One of the program's may come even earlier: see init.h. (gcc ignores
 * the priority on a function that was declared without it.)
 */
static __attribute__((constructor(101))) void fence_at_load(void)
{
	fence_init();
}

void fence_heavy(void)
{
	if (!fence_asymmetric) {
		fence_full();
		return;
	}
	long result;
	do
		result = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	while (result != 0 && errno == ENOMEM); /* for a moment, inside the kernel */
	if (result == 0)
		return;
	/*
	 * A filter that was installed later forbids it. Nothing else orders the
	 * accesses of other threads. To go on would lose wake-ups and slabs.
	 */
	static const char message[] = "magring: membarrier worked at start and is refused now\n";
	(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	abort();
}
