/* SPDX-License-Identifier: MIT */
/*
 * engine: what the parts of the scheduler share. All that changes in a run is
 * in memory that they map themselves: other variables are set back.
 */
#ifndef MAGRING_SCHED_ENGINE_H
#define MAGRING_SCHED_ENGINE_H

#include <setjmp.h>

#include "scheduler.h"

#define THREADS SCHED_THREADS
#define STACK_BYTES ((size_t)128 << 10)
#define TLS_BYTES 1024
#define BUFFERED 8
#define KEYS 8
#define CHANGES 5

/* ----------------------------------------------------------------- clocks -- */

/*
 * A vector clock, twice. The first half is what happens before, for races. The
 * second half also has what fences order, and is what a load may not miss.
 */
struct clock {
	uint32_t at[2 * THREADS];
};

static inline void clock_join(struct clock *clock, const struct clock *other)
{
	for (int i = 0; i < 2 * THREADS; i++)
		clock->at[i] = clock->at[i] > other->at[i] ? clock->at[i] : other->at[i];
}

/* ---------------------------------------------------------------- threads -- */

enum state { UNUSED, RUNNABLE, ASLEEP, POLLING, LOCKED, WAITING, STOPPED, ENDED };

/* A store in a thread's store buffer. */
struct buffered {
	uintptr_t address;
	unsigned int size;
	uint64_t value;
	struct clock release;
	bool releases;
	uint32_t epoch;
};

struct cleanup {
	struct cleanup *next;
	void (*run)(void *);
	void *context;
};

struct thread {
	/* Of all runs. */
	char *stack;
	jmp_buf begin;
	bool has_begun;

	/* Valid if something else says so. */
	jmp_buf jump;
	struct buffered buffer[BUFFERED];
	char tls[TLS_BYTES];

	/* Zero when a run begins. */
	char run_begin;
	unsigned int id;
	enum state state;
	enum state stopped_as; /* the state before it stopped */
	bool started;
	bool dead; /* stopped for good */
	const char *name;
	void (*run)(void *);
	void *context;
	uint64_t steps;

	struct clock clock;
	struct clock unacquired; /* of relaxed loads, for an acquire fence */
	struct clock released;   /* at the last release fence */
	bool has_unacquired;
	bool has_released;
	unsigned int buffered;
	unsigned int yields;

	const uint32_t *futex;
	uint32_t futex_kinds;
	int64_t deadline_ns;
	int answer; /* of the sleep: 0 or an errno */
	int fd;
	void *lock;
	bool cancellable; /* asynchronously, now */
	bool cancel_disabled;
	bool cancelled;
	struct cleanup *cleanups;
	void *specific[KEYS];
	uint64_t stopped_until;
	int priority;
	void *const *frames; /* NULL: the stack is as it is */
	unsigned int frame_count;
	char run_end;
};

/* -------------------------------------------------------------- decisions -- */

/* What deviates from the default: run on, no fault, the newest value. */
enum decision_kind {
	SWITCH,    /* to a thread */
	DRAIN,     /* the oldest store of a thread's buffer reaches memory */
	EXPIRE,    /* a thread's deadline passes */
	INTERRUPT, /* a thread's sleep ends */
	STOP,      /* the running thread, for long */
	DIE,       /* the running thread, for good */
	STALE,     /* a load returns an older value */
	FAIL_WEAK, /* a weak CAS fails */
	CHOICE,    /* of the program */
	REFUSE,    /* the system has no memory */
};

struct decision {
	uint8_t kind;
	uint8_t thread; /* that ran */
	uint16_t value;
	uint32_t step; /* of that thread */
};

#define DECISIONS 65536

enum strategy { RANDOM, PCT, EXHAUSTIVE, REPLAY };

struct plan {
	const struct sched_program *program;
	enum sched_memory memory;
	bool full_fences; /* as where membarrier is refused */
	enum strategy strategy;
	uint64_t seed;
};

/* One level of the search through all schedules. */
struct branch {
	uint16_t options;
	uint16_t chosen;
};

struct engine {
	struct plan plan;
	struct thread threads[THREADS];
	struct thread *current;
	unsigned int count;
	jmp_buf host;
	bool running;
	bool failed;
	bool tracing;
	void *pc;  /* of the running step */
	void *log; /* of trace.c */
	char failure[512];

	uint32_t run; /* the number of this run */
	uint64_t steps;
	uint64_t countdown; /* steps until the scheduler decides */
	uint64_t next_end;  /* the step at which a stopped thread goes on */
	bool alone;         /* one thread runs while thread 0 waits for it */
	bool unloaded;      /* no thread may run code of the library */
	unsigned int odds;  /* memory is refused once in so many times; 0: never */
	size_t mapped_max;  /* bytes that are mapped at once without rights; 0: any */
	unsigned int refused;
	int64_t time_ns;

	uint64_t random;
	unsigned int mean; /* steps between two decisions */
	unsigned int stops_left;
	bool may_die;
	unsigned int changes; /* of priority, in this run */
	unsigned int changed;
	uint64_t change_at[CHANGES];
	uint64_t acted_at;
	int lowest;
	const struct sched_program *measured;
	uint64_t length[3]; /* of its runs without deviations, by memory */

	struct decision decisions[DECISIONS];
	unsigned int decided;
	struct decision script[DECISIONS]; /* of a replay */
	unsigned int script_length;
	unsigned int script_at[THREADS];

	struct branch branches[65536];
	unsigned int depth;  /* in this run */
	unsigned int known;  /* of the search */
	unsigned int budget; /* deviations left in this run */
	unsigned int bound;  /* deviations of a run */

	uint64_t total_steps;
	uint64_t total_runs;
};
extern struct engine *engine;
#define me (engine->current)

/* Whether a run is on. Not so when constructors run, or the program itself. */
static inline bool is_running(void)
{
	return __builtin_expect(engine != NULL && engine->running, 1);
}

/* engine.c */
void engine_init(void);
/* Whether the run went well. */
bool engine_run(const struct plan *plan);
/* The program ends with a message. */
__attribute__((noreturn)) void engine_give_up(const char *message);
struct thread *engine_add_thread(const char *name, void (*run)(void *), void *context);
/* Returns when the running thread is to go on. */
void engine_switch_to(struct thread *next);
/* The running thread has ended. */
__attribute__((noreturn)) void engine_end_thread(void);

/* threads.c */
/* Steps of the running thread. */
void engine_reschedule(void);
static inline void point(void)
{
	if (!is_running())
		return;
	me->steps++;
	engine->steps++;
	engine->time_ns++;
	if (__builtin_expect(--engine->countdown == 0, 0))
		engine_reschedule();
}
/* The running thread gives way. */
void engine_yield(void);
/* The running thread is in a state in which it does not run. */
void engine_block(enum state state);
void engine_wake(struct thread *thread, int answer);
/* A thread stops for good; one that has stopped goes on. */
void engine_stop(struct thread *thread);
void engine_go_on(struct thread *thread);
void engine_perform(const struct decision *decision);

/* strategy.c */
void strategy_begin(void);
/* The thread to run, of those that can. */
struct thread *strategy_pick(struct thread *fallback);
void strategy_act(void);
unsigned int strategy_decide(enum decision_kind kind, unsigned int n);
uint64_t strategy_countdown(void);
uint64_t strategy_random(void);

/* search.c */
/* One of n, by the search. */
unsigned int search_choose(unsigned int n);
/* The next schedule of a search; false: there is none. */
bool search_next(void);

/* memory.c */
uint64_t memory_load(uintptr_t address, unsigned int size, int order);
void memory_store(uintptr_t address, unsigned int size, uint64_t value, int order);
enum rmw { EXCHANGE, ADD, SUB, AND, OR, XOR };
uint64_t memory_rmw(uintptr_t address, unsigned int size, enum rmw kind, uint64_t operand,
	int order);
bool memory_cas(uintptr_t address, unsigned int size, uint64_t *expected, uint64_t desired,
	int order, int failure, bool weak);
bool memory_cas2(uintptr_t address, const uint64_t expected[2], const uint64_t desired[2]);
void memory_fence(int order);
void memory_fence_of(struct thread *thread);
void memory_release_edge(struct clock *clock);
void memory_acquire_edge(const struct clock *clock);

/* buffers.c */
void memory_drain(struct thread *thread);
void memory_drain_one(struct thread *thread);

/* cells.c */
void memory_plain(uintptr_t address, size_t bytes, bool write);
void memory_freed(uintptr_t address, size_t bytes);
void memory_zero(uintptr_t address, size_t bytes);

/* arena.c */
void memory_init(void);
void memory_begin(void);
void *memory_take(size_t bytes, size_t align);
/* The same, but nothing is written to it until it is opened. */
void *memory_reserve(size_t bytes, size_t align);
/*
 * The same, with free addresses behind it; and map memory at the first of these,
 * if address is that, as far as there is room.
 */
#define MEMORY_HOLE ((size_t)16 * 4096)
void *memory_reserve_hole(size_t bytes, size_t align);
bool memory_fill_hole(char *address, size_t bytes);
void memory_open(void *address, size_t bytes);

/* rights.c */
/* Mapped without rights; and made accessible by the running thread. */
void rights_reserve(void *address, size_t bytes);
void rights_open(void *address, size_t bytes);

/* trace.c */
void trace_step(const char *what, uintptr_t address, uint64_t value);
#define trace(what, address, value) \
	do \
		if (__builtin_expect(engine->tracing, 0)) \
			trace_step(what, address, value); \
	while (0)
static inline void trace_at(void *pc)
{
	if (engine != NULL)
		engine->pc = pc;
}

#endif
