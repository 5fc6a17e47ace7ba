/* SPDX-License-Identifier: MIT */
/*
 * Futexes, membarrier, time and stacks, as the library asks the system for them
 * in a run. Outside of one, when constructors run, most of it does nothing and
 * succeeds. Memory of the system is in heap.c, mutexes in locks.c, eventfds in
 * descriptors.c, the ends of threads and processes in cancel.c.
 *
 * A membarrier is a full fence in every other thread, in each at a moment of
 * its own between begin and end of the call. A checkpoint stops all threads in
 * one moment, and loses the registration. A thread that is woken knows no
 * more than before: nothing but a lock, the lock of a descriptor, and the end
 * of a thread orders memory.
 */
#include "kernel.h"
#include "shim.h"
#include "tuned.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAUSE_NS 1000

int64_t tuned_turn_ns = INT64_MAX, tuned_turn_lapse_ns = INT64_MAX;

void kernel_enter(void)
{
	point();
	memory_drain(me);
}

/* ----------------------------------------------------- futex, membarrier -- */

static int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * 1000000000 + time->tv_nsec;
}

static long futex_wait(const uint32_t *futex, uint32_t expected, const struct timespec *deadline,
	uint32_t kinds)
{
	kernel_enter();
	kernel_check_cancelled();
	trace("futex wait", (uintptr_t)futex, expected);
	if (*futex != expected) {
		errno = EAGAIN;
		return -1;
	}
	me->futex = futex;
	me->futex_kinds = kinds;
	me->deadline_ns = deadline != NULL ? ns_of(deadline) : INT64_MAX;
	if (me->deadline_ns <= engine->time_ns) {
		me->futex = NULL;
		me->deadline_ns = INT64_MAX;
		errno = ETIMEDOUT;
		return -1;
	}
	engine_block(ASLEEP);
	trace("woken", (uintptr_t)futex, (uint64_t)me->answer);
	kernel_check_cancelled();
	errno = me->answer;
	return me->answer == 0 ? 0 : -1;
}

static long futex_wake(const uint32_t *futex, int most, uint32_t kinds)
{
	struct thread *sleepers[THREADS];
	unsigned int n = 0;
	long woken = 0;
	kernel_enter();
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].futex == futex && engine->threads[i].futex_kinds & kinds)
			sleepers[n++] = &engine->threads[i];
	trace("futex wake", (uintptr_t)futex, n);
	while (n > 0 && woken < most) {
		unsigned int chosen = strategy_decide(CHOICE, n);
		engine_wake(sleepers[chosen], 0);
		sleepers[chosen] = sleepers[--n];
		woken++;
	}
	return woken;
}

static bool unregistered; /* for membarrier, by a checkpoint */

void sched_checkpoint(void)
{
	point();
	trace("checkpoint", 0, 0);
	for (unsigned int i = 0; i < engine->count; i++)
		memory_fence_of(&engine->threads[i]);
	unregistered = true;
}

/* Registering is no fence in any other thread. */
static long membarrier(int command)
{
	kernel_enter();
	trace("membarrier", (uintptr_t)command, unregistered);
	if (command == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) {
		unregistered = false;
		return 0;
	}
	if (unregistered) {
		errno = EPERM;
		return -1;
	}
	memory_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < engine->count; i++) {
		if (&engine->threads[i] == me)
			continue;
		/* What an ended thread has done is ordered as well. */
		if (engine->threads[i].state != ENDED)
			point();
		memory_fence_of(&engine->threads[i]);
	}
	memory_fence(__ATOMIC_SEQ_CST);
	return 0;
}

long shim_syscall(long number, ...)
{
	va_list arguments;
	long a[6];
	if (!is_running())
		return 0;
	va_start(arguments, number);
	int wanted = number == SYS_futex ? 6 : number == SYS_write || number == SYS_read ? 3 : 1;
	for (int i = 0; i < wanted; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	switch (number) {
	case SYS_futex:
		if ((int)a[1] == FUTEX_WAKE_PRIVATE)
			return futex_wake((const uint32_t *)a[0], (int)a[2],
				FUTEX_BITSET_MATCH_ANY);
		if ((int)a[1] == FUTEX_WAKE_BITSET_PRIVATE)
			return futex_wake((const uint32_t *)a[0], (int)a[2], (uint32_t)a[5]);
		return futex_wait((const uint32_t *)a[0], (uint32_t)a[2],
			(const struct timespec *)a[3],
			(int)a[1] == FUTEX_WAIT_PRIVATE ? FUTEX_BITSET_MATCH_ANY : (uint32_t)a[5]);
	case SYS_membarrier:
		return membarrier((int)a[0]);
	case SYS_write:
		if (a[0] == STDERR_FILENO) /* a complaint */
			return write(STDERR_FILENO, (const void *)a[1], (size_t)a[2]);
		return kernel_use_fd(true, (int)a[0], (uint64_t *)a[1]);
	case SYS_read:
		return kernel_use_fd(false, (int)a[0], (uint64_t *)a[1]);
	case SYS_sched_getscheduler:
		return SCHED_OTHER;
	default:
		sched_fail("system call %ld", number);
	}
}

/* ------------------------------------------------------------------- time -- */

int shim_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	static int64_t before; /* of a run: each reading is late */
	(void)clock;
	int64_t now;
	if (is_running()) {
		point();
		engine->time_ns += 50;
		now = engine->time_ns;
	} else {
		now = before += 10000000;
	}
	*ret_time = (struct timespec){ .tv_sec = now / 1000000000, .tv_nsec = now % 1000000000 };
	return 0;
}

void shim_pause(void);
void shim_pause(void)
{
	if (!is_running())
		return;
	engine->time_ns += PAUSE_NS;
	trace("pause", 0, 0);
	engine_yield();
}

int shim_sched_yield(void)
{
	if (is_running())
		memory_drain(me);
	shim_pause();
	return 0;
}

int shim_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	if (!is_running())
		return 0;
	engine->time_ns += ns_of(time);
	memory_drain(me);
	engine_yield();
	return 0;
}

/* The same machine in every run: pages of 4 KiB, caches of 1 MiB. */
long shim_sysconf(int name)
{
	return name == _SC_PAGESIZE ? 4096 : 1048576;
}

/* ------------------------------------------------------------------ stacks -- */

int shim_backtrace(void **ret_frames, int size)
{
#ifdef backtrace
#undef backtrace
	if (!is_running() || me->frames == NULL)
		return backtrace(ret_frames, size);
#endif
	int count = 0;
	for (; count < size && (unsigned int)count < me->frame_count; count++)
		ret_frames[count] = me->frames[count];
	return count;
}

/* The first one loads a library, which no run may do. */
static __attribute__((constructor)) void load_backtrace(void)
{
	void *frame;
	(void)shim_backtrace(&frame, 1);
}
