/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the system, in a run. Outside of one, when
 * constructors run, most of it does nothing and succeeds.
 *
 * A membarrier is a full fence in every other thread, in each at a moment of
 * its own between begin and end of the call. A thread that is woken knows no
 * more than before: nothing but a lock, the lock of a descriptor, and the end
 * of a thread orders memory.
 */
#include "engine.h"
#include "shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#undef free
#undef close
#undef memcpy
#undef memset

#define LOCKS 64
#define FDS 32
#define FIRST_FD 1000
#define PAUSE_NS 1000

struct lock {
	const void *address;
	struct thread *owner;
	struct clock clock;
};

static struct kernel {
	struct lock locks[LOCKS];
	unsigned int lock_count;
	struct {
		bool open;
		uint64_t value;
		uint64_t edges; /* how often it was written to */
		struct clock clock;
	} fd[FDS];
	unsigned int fds;
} kernel;

/* Made by constructors, and so as old as the process. */
static void (*destructors[KEYS])(void *);
static unsigned int keys;
static void (*child_handlers[8])(void);
static unsigned int child_handler_count;

void kernel_begin(void)
{
	/* Variables of the process are as at the start, so all is empty. */
}

/* A system call, which is a full fence for the thread on x86. */
static void enter(void)
{
	point();
	memory_drain(me);
}

/* ----------------------------------------------------- futex, membarrier -- */

static int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * 1000000000 + time->tv_nsec;
}

__attribute__((noreturn)) static void end_cancelled(void)
{
	me->cancellable = false;
	me->cancel_disabled = true;
	while (me->cleanups != NULL) {
		struct cleanup *cleanup = me->cleanups;
		me->cleanups = cleanup->next;
		cleanup->run(cleanup->context);
	}
	engine_end_thread();
}

static void check_cancelled(void)
{
	if (me->cancelled && me->cancellable && !me->cancel_disabled)
		end_cancelled();
}

static long futex_wait(const uint32_t *futex, uint32_t expected, const struct timespec *deadline)
{
	enter();
	check_cancelled();
	trace("futex wait", (uintptr_t)futex, expected);
	if (*futex != expected) {
		errno = EAGAIN;
		return -1;
	}
	me->futex = futex;
	me->deadline_ns = deadline != NULL ? ns_of(deadline) : INT64_MAX;
	if (me->deadline_ns <= engine->time_ns) {
		me->futex = NULL;
		me->deadline_ns = INT64_MAX;
		errno = ETIMEDOUT;
		return -1;
	}
	engine_block(ASLEEP);
	trace("woken", (uintptr_t)futex, (uint64_t)me->answer);
	check_cancelled();
	errno = me->answer;
	return me->answer == 0 ? 0 : -1;
}

static long futex_wake(const uint32_t *futex, int most)
{
	struct thread *sleepers[THREADS];
	unsigned int n = 0;
	long woken = 0;
	enter();
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].futex == futex)
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

static long membarrier(void)
{
	enter();
	trace("membarrier", 0, 0);
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

static void wake_pollers(int fd)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == POLLING && engine->threads[i].fd == fd)
			engine_wake(&engine->threads[i], 0);
}

static long use_fd(bool write, int fd, uint64_t *value)
{
	enter();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	if (index >= kernel.fds || !kernel.fd[index].open)
		sched_fail("%s of descriptor %d, which is not open", write ? "a write" : "a read",
			fd);
	trace(write ? "write eventfd" : "read eventfd", (uintptr_t)fd, kernel.fd[index].value);
	/* The kernel has a lock for each eventfd, and one for each epoll. */
	memory_acquire_edge(&kernel.fd[index].clock);
	memory_release_edge(&kernel.fd[index].clock);
	if (write) {
		kernel.fd[index].value += *value;
		kernel.fd[index].edges++;
		wake_pollers(fd);
		return sizeof(*value);
	}
	if (kernel.fd[index].value == 0) {
		errno = EAGAIN;
		return -1;
	}
	*value = kernel.fd[index].value;
	kernel.fd[index].value = 0;
	return sizeof(*value);
}

long shim_syscall(long number, ...)
{
	va_list arguments;
	long a[6];
	if (!is_running())
		return 0;
	va_start(arguments, number);
	int wanted = number == SYS_futex ? 6 : number == SYS_membarrier ? 1 : 3;
	for (int i = 0; i < wanted; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	switch (number) {
	case SYS_futex:
		if ((int)a[1] == FUTEX_WAKE_PRIVATE)
			return futex_wake((const uint32_t *)a[0], (int)a[2]);
		return futex_wait((const uint32_t *)a[0], (uint32_t)a[2],
			(const struct timespec *)a[3]);
	case SYS_membarrier:
		return membarrier();
	case SYS_write:
		return use_fd(true, (int)a[0], (uint64_t *)a[1]);
	case SYS_read:
		return use_fd(false, (int)a[0], (uint64_t *)a[1]);
	default:
		sched_fail("system call %ld", number);
	}
}

int shim_eventfd(unsigned int value, int flags)
{
	(void)flags;
	enter();
	if (kernel.fds == FDS) {
		errno = EMFILE;
		return -1;
	}
	kernel.fd[kernel.fds].open = true;
	kernel.fd[kernel.fds].value = value;
	kernel.fd[kernel.fds].edges = value;
	return FIRST_FD + (int)kernel.fds++;
}

int shim_close(int fd)
{
	enter();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	if (index >= kernel.fds || !kernel.fd[index].open)
		sched_fail("close() of descriptor %d, which is not open", fd);
	kernel.fd[index].open = false;
	return 0;
}

bool sched_fd_is_readable(int fd)
{
	point();
	unsigned int index = (unsigned int)(fd - FIRST_FD);
	sched_require(index < kernel.fds && kernel.fd[index].open, "poll() of %d, not open", fd);
	memory_acquire_edge(&kernel.fd[index].clock);
	return kernel.fd[index].value > 0;
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
	while (kernel.fd[index].edges == *seen) {
		me->fd = fd;
		engine_block(POLLING);
	}
	memory_acquire_edge(&kernel.fd[index].clock);
	*seen = kernel.fd[index].edges;
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

bool shim_cas2(void *address, const void *expected, const void *desired);
bool shim_cas2(void *address, const void *expected, const void *desired)
{
	trace_at(__builtin_return_address(0));
	return memory_cas2((uintptr_t)address, expected, desired);
}

/* ----------------------------------------------------------------- memory -- */

/* The bytes before a piece of the heap say how long it is. */
static void *take(size_t bytes, size_t align)
{
	char *memory = NULL;
	if (bytes <= SIZE_MAX / 2)
		memory = memory_take(bytes + align, align < 16 ? 16 : align);
	if (memory == NULL)
		return NULL;
	memory += align < 16 ? 16 : align;
	((size_t *)(void *)memory)[-1] = bytes;
	return memory;
}

void *shim_malloc(size_t bytes)
{
	return take(bytes, 16);
}

void *shim_calloc(size_t count, size_t bytes)
{
	return take(bytes > 0 && count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes, 16);
}

void *shim_aligned_alloc(size_t align, size_t bytes)
{
	return take(bytes, align);
}

void shim_free(void *memory)
{
	if (memory != NULL)
		memory_freed((uintptr_t)memory, ((size_t *)memory)[-1]);
}

void *shim_realloc(void *memory, size_t bytes)
{
	void *larger = take(bytes, 16);
	if (larger != NULL && memory != NULL) {
		size_t before = ((size_t *)memory)[-1];
		memcpy(larger, memory, before < bytes ? before : bytes);
		shim_free(memory);
	}
	return larger;
}

char *shim_strdup(const char *text)
{
	char *copy = take(strlen(text) + 1, 16);
	return copy != NULL ? strcpy(copy, text) : NULL;
}

void *shim_mmap(void *address, size_t bytes, int rights, int flags, int fd, off_t offset)
{
	(void)address, (void)flags, (void)fd, (void)offset;
	void *memory = rights == PROT_NONE ? memory_reserve(bytes, 4096)
					   : memory_take(bytes, 4096);
	if (memory == NULL)
		errno = ENOMEM;
	return memory != NULL ? memory : MAP_FAILED;
}

int shim_munmap(void *address, size_t bytes)
{
	enter();
	memory_freed((uintptr_t)address, bytes);
	return 0;
}

int shim_mprotect(void *address, size_t bytes, int rights)
{
	(void)rights;
	if (is_running())
		enter();
	memory_open(address, bytes);
	return 0;
}

int shim_madvise(void *address, size_t bytes, int advice)
{
	enter();
	trace("madvise", (uintptr_t)address, bytes);
	if (advice == MADV_DONTNEED)
		memory_zero((uintptr_t)address, bytes);
	return 0;
}

/* ------------------------------------------------------------------ locks -- */

static struct lock *lock_at(const void *address)
{
	struct lock *unused = NULL;
	for (unsigned int i = 0; i < kernel.lock_count; i++) {
		if (kernel.locks[i].address == address)
			return &kernel.locks[i];
		if (kernel.locks[i].address == NULL)
			unused = &kernel.locks[i];
	}
	if (unused == NULL && kernel.lock_count == LOCKS)
		sched_fail("too many locks");
	if (unused == NULL)
		unused = &kernel.locks[kernel.lock_count++];
	memset(unused, 0, sizeof(*unused));
	unused->address = address;
	return unused;
}

int shim_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *unused)
{
	(void)unused;
	memset(mutex, 0, sizeof(*mutex));
	/* The child of a fork makes locks anew that others held. */
	if (is_running())
		lock_at(mutex)->owner = NULL;
	return 0;
}

int shim_mutex_destroy(pthread_mutex_t *mutex)
{
	struct lock *lock = lock_at(mutex);
	if (lock->owner != NULL)
		sched_fail("a lock is destroyed that is held");
	lock->address = NULL;
	return 0;
}

int shim_mutex_lock(pthread_mutex_t *mutex)
{
	if (!is_running())
		return 0;
	enter();
	struct lock *lock = lock_at(mutex);
	while (lock->owner != NULL) {
		me->lock = lock;
		engine_block(LOCKED);
	}
	lock->owner = me;
	memory_acquire_edge(&lock->clock);
	trace("lock", (uintptr_t)mutex, 0);
	return 0;
}

int shim_mutex_unlock(pthread_mutex_t *mutex)
{
	if (!is_running())
		return 0;
	enter();
	struct lock *lock = lock_at(mutex);
	if (lock->owner != me)
		sched_fail("a lock is unlocked by thread %u (%s), which does not hold it", me->id,
			me->name);
	memory_release_edge(&lock->clock);
	lock->owner = NULL;
	trace("unlock", (uintptr_t)mutex, 0);
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == LOCKED && engine->threads[i].lock == lock)
			engine_wake(&engine->threads[i], 0);
	return 0;
}

/* Every once of the library is done by a constructor, or by the first call. */
int shim_once(pthread_once_t *once, void (*run)(void))
{
	if (*(int *)once != 2) {
		*(int *)once = 2;
		run();
	}
	return 0;
}

/* ---------------------------------------------------------------- threads -- */

int shim_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare, (void)parent;
	if (child_handler_count == 8)
		return ENOMEM;
	child_handlers[child_handler_count++] = child;
	return 0;
}

void sched_become_child(void)
{
	point();
	memory_drain(me);
	for (unsigned int i = 0; i < engine->count; i++)
		if (&engine->threads[i] != me)
			engine->threads[i].state = ENDED;
	/* Whatever other threads did, the child is a copy of: no race. */
	for (unsigned int i = 0; i < engine->count; i++) {
		memory_drain(&engine->threads[i]);
		clock_join(&me->clock, &engine->threads[i].clock);
	}
	for (unsigned int i = 0; i < child_handler_count; i++)
		child_handlers[i]();
}

int shim_key_create(pthread_key_t *ret_key, void (*destructor)(void *))
{
	if (keys == KEYS)
		return EAGAIN;
	destructors[keys] = destructor;
	*ret_key = keys++;
	return 0;
}

int shim_key_delete(pthread_key_t key)
{
	destructors[key] = NULL;
	return 0;
}

int shim_setspecific(pthread_key_t key, const void *value)
{
	me->specific[key] = (void *)(uintptr_t)value;
	return 0;
}

void kernel_thread_ends(void)
{
	for (unsigned int i = 0; i < keys; i++) {
		void *value = me->specific[i];
		me->specific[i] = NULL;
		if (value != NULL && destructors[i] != NULL)
			destructors[i](value);
	}
}

int shim_setcancelstate(int state, int *ret_old)
{
	if (!is_running())
		return 0;
	if (ret_old != NULL)
		*ret_old = me->cancel_disabled ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
	me->cancel_disabled = state == PTHREAD_CANCEL_DISABLE;
	return 0;
}

int shim_setcanceltype(int type, int *ret_old)
{
	if (ret_old != NULL)
		*ret_old = me->cancellable ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
	me->cancellable = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	check_cancelled();
	return 0;
}

void sched_cancel(unsigned int id)
{
	struct thread *thread = &engine->threads[id];
	enter();
	thread->cancelled = true;
	if (thread->state == ASLEEP && thread->cancellable && !thread->cancel_disabled)
		engine_wake(thread, EINTR);
}

void shim_cleanup_push(struct shim_cleanup *cleanup)
{
	struct cleanup *entry = (struct cleanup *)(void *)cleanup;
	entry->next = me->cleanups;
	me->cleanups = entry;
}

void shim_cleanup_pop(int run)
{
	struct cleanup *entry = me->cleanups;
	me->cleanups = entry->next;
	if (run)
		entry->run(entry->context);
}
