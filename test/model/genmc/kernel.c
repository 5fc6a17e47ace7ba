/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does for an eventcount.
 *
 * Futex: a queue, first come, first woken, under a lock as in the kernel's hash
 * buckets. A wait compares and queues under it. One with a deadline may end when
 * kernel_end_time() has been called, by a thread of its own: at any moment.
 *
 * Eventfd: counters, read as a whole.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "verifier.h"

struct mutex {
	int private_word;
};
int __VERIFIER_mutex_lock(struct mutex *mutex);
int __VERIFIER_mutex_unlock(struct mutex *mutex);

_Thread_local int shim_errno;

static struct mutex lock;
static struct {
	long thread;
	const uint32_t *futex;
} queue[THREADS + 1]; /* longest sleeper first */
static int queue_length;
static _Atomic(int) woken[THREADS + 1];
static _Atomic(int) time_is_up;

void kernel_end_time(void)
{
	atomic_store_explicit(&time_is_up, 1, memory_order_relaxed);
}

static void take_out(int place)
{
	for (queue_length--; place < queue_length; place++)
		queue[place] = queue[place + 1];
}

static long fail(int error)
{
	shim_errno = error;
	return -1;
}

static long futex_wait(uint32_t *futex, uint32_t value, bool until)
{
	long self = __VERIFIER_thread_self();
	/* The checked code uses all of the word, and GenMC wants accesses of one size. */
	_Atomic(uint64_t) *word = (_Atomic(uint64_t) *)(void *)futex;
	__VERIFIER_mutex_lock(&lock);
	bool same = (uint32_t)atomic_load_explicit(word, memory_order_relaxed) == value;
	if (same) {
		atomic_store_explicit(&woken[self], 0, memory_order_relaxed);
		queue[queue_length].thread = self;
		queue[queue_length++].futex = futex;
	}
	__VERIFIER_mutex_unlock(&lock);
	if (!same)
		return fail(EAGAIN);
	while (atomic_load_explicit(&woken[self], memory_order_acquire) == 0 &&
		!(until && atomic_load_explicit(&time_is_up, memory_order_relaxed) != 0))
		;
	if (!until)
		return 0;
	bool waits = false;
	__VERIFIER_mutex_lock(&lock);
	for (int i = 0; i < queue_length; i++)
		if (queue[i].thread == self) {
			take_out(i);
			waits = true;
		}
	__VERIFIER_mutex_unlock(&lock);
	return waits ? fail(ETIMEDOUT) : 0;
}

static long futex_wake(const uint32_t *futex, uint32_t most)
{
	long n = 0;
	__VERIFIER_mutex_lock(&lock);
	for (int i = 0; i < queue_length && n < most;)
		if (queue[i].futex == futex) {
			atomic_store_explicit(&woken[queue[i].thread], 1, memory_order_release);
			take_out(i);
			n++;
		} else {
			i++;
		}
	__VERIFIER_mutex_unlock(&lock);
	return n;
}

long shim_SYS_futex(uint32_t *futex, int operation, uint32_t value, const struct timespec *deadline,
	void *unused, uint32_t bits)
{
	(void)unused;
	(void)bits;
	if (operation == FUTEX_WAKE_PRIVATE)
		return futex_wake(futex, value);
	require(operation == FUTEX_WAIT_BITSET_PRIVATE);
	return futex_wait(futex, value, deadline != NULL);
}

/* ---------------------------------------------------------------------- eventfd -- */

static _Atomic(int) descriptors;
static _Atomic(uint64_t) counters[THREADS + 1];
static _Atomic(bool) closed[THREADS + 1];

int eventfd(unsigned int value, int flags)
{
	(void)flags;
	int fd = atomic_fetch_add_explicit(&descriptors, 1, memory_order_relaxed);
	atomic_store_explicit(&counters[fd], value, memory_order_relaxed);
	return fd;
}

int close(int fd)
{
	require(!atomic_exchange_explicit(&closed[fd], true, memory_order_relaxed));
	return 0;
}

/* acq_rel: the kernel works on a counter under its lock. */
long shim_SYS_write(int fd, const void *buffer, size_t bytes)
{
	require(fd >= 0 && bytes == sizeof(eventfd_t) && *(const eventfd_t *)buffer == 1);
	require(!atomic_load_explicit(&closed[fd], memory_order_relaxed));
	atomic_fetch_add_explicit(&counters[fd], 1, memory_order_acq_rel);
	return (long)bytes;
}

long shim_SYS_read(int fd, void *buffer, size_t bytes)
{
	require(fd >= 0 && bytes == sizeof(eventfd_t));
	uint64_t value = atomic_exchange_explicit(&counters[fd], 0, memory_order_acq_rel);
	if (value == 0)
		return fail(EAGAIN);
	*(eventfd_t *)buffer = value;
	return (long)bytes;
}

bool kernel_readable(int fd)
{
	return atomic_load_explicit(&counters[fd], memory_order_relaxed) != 0;
}
