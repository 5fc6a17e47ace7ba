/* SPDX-License-Identifier: MIT */
/*
 * Event descriptors, and threads that poll them. The lock of a descriptor orders
 * memory.
 */
#include "kernel.h"
#include "shim.h"

#include <errno.h>

#define FDS 32
#define FIRST_FD 1000

static struct {
	bool open;
	uint64_t value;
	uint64_t edges; /* how often it was written to */
	struct clock clock;
} descriptors[FDS];
static unsigned int descriptor_count;

static void wake_pollers(int fd)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == POLLING && engine->threads[i].fd == fd)
			engine_wake(&engine->threads[i], 0);
}

long kernel_use_fd(bool write, int fd, uint64_t *value)
{
	kernel_enter();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	if (index >= descriptor_count || !descriptors[index].open)
		sched_fail("%s of descriptor %d, which is not open", write ? "a write" : "a read",
			fd);
	trace(write ? "write eventfd" : "read eventfd", (uintptr_t)fd, descriptors[index].value);
	/* The kernel has a lock for each eventfd, and one for each epoll. */
	memory_acquire_edge(&descriptors[index].clock);
	memory_release_edge(&descriptors[index].clock);
	if (write) {
		descriptors[index].value += *value;
		descriptors[index].edges++;
		wake_pollers(fd);
		return sizeof(*value);
	}
	if (descriptors[index].value == 0) {
		errno = EAGAIN;
		return -1;
	}
	*value = descriptors[index].value;
	descriptors[index].value = 0;
	return sizeof(*value);
}

int shim_eventfd(unsigned int value, int flags)
{
	(void)flags;
	kernel_enter();
	if (descriptor_count == FDS) {
		errno = EMFILE;
		return -1;
	}
	descriptors[descriptor_count].open = true;
	descriptors[descriptor_count].value = value;
	descriptors[descriptor_count].edges = value;
	return FIRST_FD + (int)descriptor_count++;
}

int shim_close(int fd)
{
	kernel_enter();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	if (index >= descriptor_count || !descriptors[index].open)
		sched_fail("close() of descriptor %d, which is not open", fd);
	descriptors[index].open = false;
	return 0;
}

bool sched_fd_is_readable(int fd)
{
	point();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	sched_require(index < descriptor_count && descriptors[index].open, "poll() of %d, not open",
		fd);
	memory_acquire_edge(&descriptors[index].clock);
	return descriptors[index].value > 0;
}

void sched_poll(int fd)
{
	while (!sched_fd_is_readable(fd)) {
		me->fd = fd;
		engine_block(POLLING);
	}
}

void sched_poll_edge(int fd, uint64_t *seen)
{
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	(void)sched_fd_is_readable(fd); /* it is open */
	while (descriptors[index].edges == *seen) {
		me->fd = fd;
		engine_block(POLLING);
	}
	memory_acquire_edge(&descriptors[index].clock);
	*seen = descriptors[index].edges;
}
