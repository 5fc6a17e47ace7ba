/* SPDX-License-Identifier: MIT */
/*
 * membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) makes every running thread of the
 * process pass a full memory barrier before it returns (a thread that is not
 * running passed one when it was switched out). Each compiler barrier of
 * fence_light() therefore acts as a full one relative to it: Corbet, "The
 * membarrier() system call"; Desnoyers et al., "User-Level Implementations of
 * Read-Copy Update", 2012.
 *
 * A process must register first. An old kernel answers ENOSYS, a seccomp filter
 * EPERM or whatever it likes: anything but success means that light fences have
 * to be full ones. This is decided once, before any thread can have used the
 * library: a process that changed its mind would leave light fences without a
 * counterpart.
 */
#include "base/fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

bool fence_asymmetric;

static bool membarrier_works(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Before other constructors, which may start threads. */
static __attribute__((constructor(101))) void fence_init(void)
{
	fence_asymmetric = membarrier_works();
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
	/* A filter installed after start forbids it. Nothing else orders the other
	 * threads' accesses, and going on would lose wake-ups and slabs. */
	static const char message[] = "magring: membarrier worked at start and is refused now\n";
	(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	abort();
}
