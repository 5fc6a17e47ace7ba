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
	/* Sets of epoll with this descriptor: of one thread each, exclusive, and
	 * one that threads share, for edges. */
	bool in_own[THREADS], has_event[THREADS];
	bool in_shared, shared_has_event;
} descriptors[FDS];
static unsigned int descriptor_count;

/* Threads that poll: all, those with an exclusive set, or with the shared one. */
enum pollers { PLAIN, OWN, SHARED };
static enum pollers polls_as[THREADS];

static unsigned int find_pollers(int fd, enum pollers as, struct thread **ret_pollers)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == POLLING && engine->threads[i].fd == fd &&
			polls_as[i] == as)
			ret_pollers[n++] = &engine->threads[i];
	return n;
}

/* As ep_poll_callback() does: the first exclusive waiter that sleeps is woken,
 * and no more. If none sleeps, all have the event. */
static void wake_pollers(int fd)
{
	struct thread *pollers[THREADS];
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	unsigned int n = find_pollers(fd, PLAIN, pollers);
	for (unsigned int i = 0; i < n; i++)
		engine_wake(pollers[i], 0);
	n = find_pollers(fd, OWN, pollers);
	if (n > 0) {
		struct thread *chosen = pollers[strategy_decide(CHOICE, n)];
		descriptors[index].has_event[chosen->id] = true;
		engine_wake(chosen, 0);
	} else {
		for (unsigned int i = 0; i < THREADS; i++)
			descriptors[index].has_event[i] = descriptors[index].in_own[i];
	}
	descriptors[index].shared_has_event = descriptors[index].in_shared;
	n = find_pollers(fd, SHARED, pollers);
	if (n > 0)
		engine_wake(pollers[strategy_decide(CHOICE, n)], 0);
}

static void sleep_as(int fd, enum pollers as)
{
	polls_as[me->id] = as;
	me->fd = fd;
	engine_block(POLLING);
	polls_as[me->id] = PLAIN;
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
	while (!sched_fd_is_readable(fd))
		sleep_as(fd, PLAIN);
}

void sched_poll_edge(int fd, uint64_t *seen)
{
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	(void)sched_fd_is_readable(fd); /* it is open */
	while (descriptors[index].edges == *seen)
		sleep_as(fd, PLAIN);
	memory_acquire_edge(&descriptors[index].clock);
	*seen = descriptors[index].edges;
}

/* An event is a matter of a moment: what is reported is readable then. */
void sched_poll_exclusive(int fd, bool by_edges)
{
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	bool readable = sched_fd_is_readable(fd);
	bool *event = &descriptors[index].has_event[me->id];
	if (!descriptors[index].in_own[me->id])
		*event = readable;
	descriptors[index].in_own[me->id] = true;
	while (!*event || !readable) {
		*event = false;
		sleep_as(fd, OWN);
		readable = sched_fd_is_readable(fd);
	}
	*event = !by_edges;
}

void sched_poll_shared(int fd)
{
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	bool readable = sched_fd_is_readable(fd);
	bool *event = &descriptors[index].shared_has_event;
	if (!descriptors[index].in_shared)
		*event = readable;
	descriptors[index].in_shared = true;
	while (!*event || !readable) {
		*event = false;
		sleep_as(fd, SHARED);
		readable = sched_fd_is_readable(fd);
	}
	*event = false;
}
