/* SPDX-License-Identifier: MIT */
/*
 * scheduler: runs programs of a few threads over the shipped sources, one step at a
 * time, in an order that a seed decides.
 *
 * The library is compiled as for ThreadSanitizer. The compiler then puts a call
 * before each access to memory, and makes each atomic operation a call. Here
 * these calls lead to a scheduler and to a model of memory. A header that comes
 * before all others does the same with system calls, locks and memory. Threads
 * are fibers of one thread. What a run does depends on nothing but its seed.
 *
 * A program is plain C. Its own accesses are no steps. Between two runs every
 * variable of the process is as it was before the first, and so is the heap of
 * the library. Programs do not use malloc().
 */
#ifndef MAGRING_SCHED_SCHEDULER_H
#define MAGRING_SCHED_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_THREADS 8

/* How memory behaves in a run. See memory.c. */
enum sched_memory { SCHED_SC, SCHED_TSO, SCHED_WEAK };

/* What a program allows the scheduler to do to its threads. */
#define SCHED_MAY_STOP (1u << 0)      /* a thread stops for long */
#define SCHED_MAY_DIE (1u << 1)       /* one thread stops for good */
#define SCHED_MAY_INTERRUPT (1u << 2) /* sleeps end with EINTR, or without reason */
#define SCHED_SMALL (1u << 3)         /* small enough for all schedules */

struct sched_program {
	const char *name;
	const char *about;
	void (*run)(void); /* on thread 0 */
	unsigned int flags;
};

/* All programs, ended by NULL. */
extern const struct sched_program *sched_programs[];

/* The next thread's number, which starts from 1. Thread 0 alone may spawn. */
unsigned int sched_spawn(const char *name, void (*run)(void *), void *context);

/*
 * Thread 0 waits until every other thread has ended, or none can go on: each is
 * asleep without a deadline, waits for a lock, or has stopped for good.
 */
void sched_wait(void);

bool sched_has_ended(unsigned int thread);
bool sched_is_asleep(unsigned int thread);
bool sched_has_stopped(unsigned int thread);
/* Another thread stops where it is, for good, if it runs or sleeps. */
void sched_stop(unsigned int thread);
/* Another thread runs for so many steps, and no other meanwhile. Then it stops
 * for good, unless it sleeps or has ended before. */
void sched_run_alone(unsigned int thread, unsigned int steps);
/* Threads that have stopped go on. */
void sched_resume_all(void);
/* What backtrace() finds for the calling thread from now on: return addresses.
 * The true ones change from process to process, and so do their hashes. */
void sched_set_stack(void *const *frames, unsigned int count);
/* As pthread_cancel() does. */
void sched_cancel(unsigned int thread);
/* The calling thread goes on as the only thread of a forked child. */
void sched_become_child(void);
/* The process is stored, and restored without its registration for membarrier. */
void sched_checkpoint(void);

/*
 * From now on the system refuses the memory that it is asked for once in so many
 * times. 0: never, as it is at first. And how often it has.
 */
void sched_refuse(unsigned int odds);
/* And it maps no more bytes at once without rights, which is no such refusal. */
void sched_limit_mappings(size_t bytes);
unsigned int sched_refused(void);
/* Mappings and pieces of the heap that the run has. */
unsigned int sched_pieces(void);
/*
 * The constructors of the library run, as others may have started threads
 * before. Its destructors run as at exit(), beside threads that go on; or as by
 * dlclose(), after which no thread may run its code.
 */
void sched_load_library(void);
void sched_exit_process(void);
void sched_unload_library(void);

/*
 * From now on the library may end the process with a line to stderr. A thread
 * that does so goes no further, and the others go on. Otherwise that fails the
 * run. And how many threads have done so, and the last line.
 */
void sched_expect_abort(void);
unsigned int sched_aborts(void);
const char *sched_last_line(void);

/* The calling thread. */
unsigned int sched_self(void);
/* Its steps so far: to bound the steps of a call. */
uint64_t sched_steps(void);
/* All threads' steps so far: a moment in real time. */
uint64_t sched_moment(void);
/* CLOCK_MONOTONIC of the run, in ns. */
int64_t sched_time(void);
/* How memory behaves in this run. */
enum sched_memory sched_memory_kind(void);

/* Steps of the calling thread that do nothing: others run meanwhile. */
void sched_pass(unsigned int steps);

/* fence_light() of base/fence.h, for the program's own accesses. */
void sched_fence_light(void);

/* A choice of the program: 0 to n - 1. */
unsigned int sched_choose(unsigned int n);

/* The program accesses memory of its own, which must not race. */
void sched_write(const void *address, size_t bytes);
void sched_read(const void *address, size_t bytes);

/*
 * What the calling thread knows of every thread: what happens before now.
 * Before the other if its own entry is in the other's.
 */
struct sched_knowledge {
	unsigned int thread;
	uint32_t of[SCHED_THREADS];
};
struct sched_knowledge sched_knowledge(void);
static inline bool sched_happens_before(const struct sched_knowledge *one,
	const struct sched_knowledge *other)
{
	return one->of[one->thread] <= other->of[one->thread];
}

/* The run has failed. */
__attribute__((format(printf, 1, 2), noreturn)) void sched_fail(const char *format, ...);
#define sched_require(condition, ...) \
	do \
		if (!(condition)) \
			sched_fail(__VA_ARGS__); \
	while (0)

/* Atomic variables of a program, as the library's are: 8 bytes each. */
uint64_t sched_load(const uint64_t *from, int order);
void sched_store(uint64_t *to, uint64_t value, int order);
uint64_t sched_add(uint64_t *to, uint64_t value, int order);
bool sched_cas(uint64_t *to, uint64_t *expected, uint64_t desired, int order);

/* A name for memory, in traces. */
void sched_name(const void *address, size_t bytes, const char *name);

/* A descriptor of the run is readable. */
bool sched_fd_is_readable(int fd);
/* The calling thread sleeps until a descriptor is readable, as poll() does. */
void sched_poll(int fd);
/* Until it was written to once more than *seen, as an edge of epoll. */
void sched_poll_edge(int fd, uint64_t *seen);
/* By a set of epoll of its own, with EPOLLEXCLUSIVE, and EPOLLET or not. */
void sched_poll_exclusive(int fd, bool by_edges);
/* By a set that all such threads share, with EPOLLET. */
void sched_poll_shared(int fd);

#endif
