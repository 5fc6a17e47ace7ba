/* SPDX-License-Identifier: MIT */
/*
 * Fibers, and a run from its begin to its end.
 *
 * A run begins on thread 0 with everything as it was when the process had
 * started: variables, the memory that the library asked for, and what is
 * thread-local. The thread-local variables of the running fiber are in the
 * process's own; those of the others are kept aside. So no thread may hand the
 * address of such a variable to another.
 */
#include "engine.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STEPS_MAX 400000
#define YIELDS 16 /* of a thread, until its oldest store is seen */

struct engine *engine;

extern char __data_start[], _end[];
static char *variables;     /* as they were at the start */
static char *locals;        /* the process's thread-local variables */
static char *locals_before; /* as they were at the start */
static size_t locals_bytes;

__attribute__((noreturn)) static void give_up(const char *message)
{
	fprintf(stderr, "sched: %s\n", message);
	exit(2);
}

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		give_up("no memory");
	return memory;
}

static int find_locals(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_TLS)
			continue;
		locals = info->dlpi_tls_data;
		locals_bytes = info->dlpi_phdr[i].p_memsz;
	}
	return 1; /* the first is the program */
}

/* A crash of the library fails the run, and no more. */
static void crashed(int signal)
{
	if (engine == NULL || !engine->running)
		_exit(3);
	sched_fail("%s", signal == SIGABRT ? "abort()" : strsignal(signal));
}

static void catch_crashes(void)
{
	stack_t stack = { .ss_sp = map(65536), .ss_size = 65536 };
	struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER };
	sigaltstack(&stack, NULL);
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

void engine_init(void)
{
	dl_iterate_phdr(find_locals, NULL);
	if (locals_bytes > TLS_BYTES)
		give_up("too many thread-local variables");
	engine = map(sizeof(*engine));
	memory_init();
	char *stacks = memory_take(THREADS * STACK_BYTES, 4096);
	for (unsigned int i = 0; i < THREADS; i++)
		engine->threads[i].stack = stacks + i * STACK_BYTES;
	catch_crashes();
	variables = map((size_t)(_end - __data_start));
	locals_before = map(TLS_BYTES);
	memcpy(locals_before, locals, locals_bytes);
	memcpy(variables, __data_start, (size_t)(_end - __data_start));
}

/* ---------------------------------------------------------------- fibers -- */

__attribute__((noreturn)) static void end_run(void)
{
	engine->running = false;
	_longjmp(engine->host, 1);
}

__attribute__((noreturn)) void engine_end_thread(void)
{
	kernel_thread_ends();
	/* The last stores may stay in the buffer beyond the last load. */
	if (me->buffered > 0)
		point();
	memory_drain(me);
	/* In the child of a fork thread 0 may have gone. */
	if (me->id == 0 || engine->threads[0].state == ENDED)
		end_run();
	engine_block(ENDED);
	give_up("a thread that has ended runs");
}

/* Where each run of the fiber begins, at the bottom of its stack. */
static void entry(void)
{
	_setjmp(me->begin);
	me->run(me->context);
	engine_end_thread();
}

/* The first time a fiber begins costs two system calls, and no other. */
__attribute__((noreturn)) static void resume(struct thread *thread)
{
	if (thread->started)
		_longjmp(thread->jump, 1);
	thread->started = true;
	if (thread->has_begun)
		_longjmp(thread->begin, 1);
	thread->has_begun = true;
	ucontext_t start;
	getcontext(&start);
	start.uc_stack.ss_sp = thread->stack;
	start.uc_stack.ss_size = STACK_BYTES;
	start.uc_link = NULL;
	makecontext(&start, entry, 0);
	setcontext(&start);
	give_up("setcontext() failed");
}

static void switch_to(struct thread *next)
{
	struct thread *self = me;
	if (next == self)
		return;
	memcpy(self->tls, locals, locals_bytes);
	memcpy(locals, next->tls, locals_bytes);
	engine->current = next;
	if (_setjmp(self->jump) == 0)
		resume(next);
}

/* --------------------------------------------------------------- threads -- */

static struct thread *add_thread(const char *name, void (*run)(void *), void *context)
{
	struct thread *thread = &engine->threads[engine->count];
	/* The rest is as it was, or not read before it is set. */
	memset(&thread->run_begin, 0,
		offsetof(struct thread, run_end) - offsetof(struct thread, run_begin));
	thread->id = engine->count++;
	thread->state = RUNNABLE;
	thread->name = name;
	thread->run = run;
	thread->context = context;
	thread->priority = (int)(strategy_random() % 1000) + 1000;
	thread->deadline_ns = INT64_MAX;
	memcpy(thread->tls, locals_before, locals_bytes);
	return thread;
}

unsigned int sched_spawn(const char *name, void (*run)(void *), void *context)
{
	if (engine->count == THREADS || me->id != 0)
		give_up("too many threads, or not by thread 0");
	memory_drain(me);
	struct thread *thread = add_thread(name, run, context);
	thread->clock = me->clock;
	thread->clock.at[thread->id]++;
	thread->clock.at[THREADS + thread->id]++;
	me->clock.at[me->id]++;
	me->clock.at[THREADS + me->id]++;
	return thread->id;
}

void sched_wait(void)
{
	engine_block(WAITING);
	/* What has ended is known. */
	for (unsigned int i = 1; i < engine->count; i++)
		if (engine->threads[i].state == ENDED)
			clock_join(&me->clock, &engine->threads[i].clock);
}

static void wake_earliest(void)
{
	struct thread *first = NULL;
	for (unsigned int i = 0; i < engine->count; i++) {
		struct thread *thread = &engine->threads[i];
		if (thread->state == ASLEEP && thread->deadline_ns != INT64_MAX &&
			(first == NULL || thread->deadline_ns < first->deadline_ns))
			first = thread;
	}
	if (first != NULL)
		engine_perform(&(struct decision){ .kind = EXPIRE, .value = (uint16_t)first->id });
}

static bool can_run(void)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == RUNNABLE)
			return true;
	return false;
}

static void go_on(struct thread *thread)
{
	thread->state = thread->stopped_as;
	thread->dead = false;
}

/*
 * Threads that have stopped for long go on if it is time, or must. It is time at
 * the same step whatever decides, or a replay would be another run.
 */
static void end_stops(bool now)
{
	if (!now && engine->steps < engine->next_end)
		return;
	engine->next_end = UINT64_MAX;
	for (unsigned int i = 0; i < engine->count; i++) {
		struct thread *thread = &engine->threads[i];
		if (thread->state != STOPPED || thread->dead)
			continue;
		if (now || engine->steps >= thread->stopped_until)
			go_on(thread);
		else if (thread->stopped_until < engine->next_end)
			engine->next_end = thread->stopped_until;
	}
}

/* No thread can run: what happens next. */
static void stand_still(void)
{
	end_stops(true);
	for (unsigned int i = 0; i < engine->count; i++)
		memory_drain(&engine->threads[i]);
	if (!can_run())
		wake_earliest();
	if (!can_run() && engine->threads[0].state == WAITING)
		engine->threads[0].state = RUNNABLE;
	if (!can_run())
		sched_fail("standstill: thread 0 (%s) never goes on", engine->threads[0].name);
}

static struct thread *after(const struct thread *thread)
{
	for (unsigned int i = 1; i <= engine->count; i++) {
		struct thread *next = &engine->threads[(thread->id + i) % engine->count];
		if (next->state == RUNNABLE)
			return next;
	}
	return NULL;
}

static void stop(struct thread *thread)
{
	if (thread->state != RUNNABLE && thread->state != ASLEEP)
		return;
	thread->stopped_as = thread->state;
	thread->state = STOPPED;
	thread->dead = true;
}

static void run_next(struct thread *fallback)
{
	if (engine->steps > STEPS_MAX)
		sched_fail("endless: %d steps", STEPS_MAX);
	struct thread *next = engine->alone ? &engine->threads[0] : strategy_pick(fallback);
	engine->alone = false;
	engine->countdown = strategy_countdown();
	if (engine->next_end - engine->steps < engine->countdown)
		engine->countdown = engine->next_end - engine->steps;
	switch_to(next);
}

void engine_reschedule(void)
{
	if (engine->alone)
		stop(me);
	end_stops(false);
	strategy_act();
	if (me->state != RUNNABLE && !can_run())
		stand_still();
	run_next(me->state == RUNNABLE ? me : after(me));
}

void engine_yield(void)
{
	if (!is_running())
		return;
	me->steps++;
	engine->steps++;
	if (engine->steps > STEPS_MAX)
		sched_fail("endless: %d steps", STEPS_MAX);
	if (engine->alone)
		return;
	end_stops(false);
	if (me->buffered > 0 && ++me->yields % YIELDS == 0)
		memory_drain_one(me);
	me->priority = --engine->lowest;
	run_next(after(me));
}

void engine_block(enum state state)
{
	memory_drain(me);
	me->steps++;
	engine->steps++;
	me->state = state;
	end_stops(false);
	if (!can_run())
		stand_still();
	run_next(after(me));
}

void engine_wake(struct thread *thread, int answer)
{
	if (thread->state == STOPPED)
		thread->stopped_as = RUNNABLE;
	else
		thread->state = RUNNABLE;
	thread->answer = answer;
	thread->futex = NULL;
	thread->deadline_ns = INT64_MAX;
	if (engine->plan.strategy == PCT)
		engine->countdown = 1;
}

void engine_perform(const struct decision *decision)
{
	struct thread *thread = &engine->threads[decision->value % THREADS];
	switch (decision->kind) {
	case DRAIN:
		memory_drain_one(thread);
		break;
	case EXPIRE:
		if (thread->state == ASLEEP && thread->deadline_ns != INT64_MAX) {
			if (engine->time_ns < thread->deadline_ns)
				engine->time_ns = thread->deadline_ns;
			engine_wake(thread, ETIMEDOUT);
		}
		break;
	case INTERRUPT:
		if (thread->state == ASLEEP)
			engine_wake(thread, EINTR);
		break;
	case STOP:
	case DIE:
		memory_drain(me); /* on x86 an interrupt does it */
		me->stopped_as = me->state;
		me->state = STOPPED;
		me->dead = decision->kind == DIE;
		me->stopped_until = engine->steps + 1 + decision->value;
		if (!me->dead && me->stopped_until < engine->next_end)
			engine->next_end = me->stopped_until;
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------------------- runs -- */

static void run_program(void *unused)
{
	(void)unused;
	engine->plan.program->run();
}

/* How long a run is: PCT wants to know, and no other run's may count. */
static void measure(const struct plan *plan)
{
	struct plan straight = *plan;
	unsigned int script_length = engine->script_length;
	if (engine->measured != plan->program)
		memset(engine->length, 0, sizeof(engine->length));
	engine->measured = plan->program;
	if (engine->length[plan->memory] != 0)
		return;
	bool tracing = engine->tracing;
	straight.strategy = REPLAY;
	engine->script_length = 0;
	engine->tracing = false;
	engine_run(&straight);
	engine->tracing = tracing;
	engine->script_length = script_length;
	engine->length[plan->memory] = engine->steps + 1;
}

bool engine_run(const struct plan *plan)
{
	if (plan->strategy == PCT)
		measure(plan);
	memcpy(__data_start, variables, (size_t)(_end - __data_start));
	memcpy(locals, locals_before, locals_bytes);
	engine->plan = *plan;
	engine->run++;
	engine->steps = 0;
	engine->count = 0;
	engine->alone = false;
	engine->time_ns = 1000000000;
	engine->failed = false;
	engine->pc = NULL;
	engine->lowest = 0;
	engine->next_end = UINT64_MAX;
	strategy_begin();
	memory_begin();
	kernel_begin();
	engine->current = add_thread("main", run_program, NULL);
	me->clock.at[0] = me->clock.at[THREADS] = 1;
	engine->countdown = strategy_countdown();
	if (_setjmp(engine->host) == 0) {
		engine->running = true;
		resume(me);
	}
	engine->running = false;
	engine->total_steps += engine->steps;
	engine->total_runs++;
	memcpy(__data_start, variables, (size_t)(_end - __data_start));
	memcpy(locals, locals_before, locals_bytes);
	return !engine->failed;
}

void sched_fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(engine->failure, sizeof(engine->failure), format, arguments);
	va_end(arguments);
	engine->failed = true;
	if (!engine->running)
		give_up(engine->failure);
	trace("FAILED", 0, 0);
	end_run();
}

/* --------------------------------------------------- what programs ask for -- */

/* Beyond the last are threads of an earlier run. */
static enum state state_of(unsigned int thread)
{
	return thread < engine->count ? engine->threads[thread].state : UNUSED;
}

bool sched_has_ended(unsigned int thread)
{
	return state_of(thread) == ENDED;
}

bool sched_is_asleep(unsigned int thread)
{
	enum state state = state_of(thread);
	return state == ASLEEP || state == POLLING || state == LOCKED;
}

bool sched_has_stopped(unsigned int thread)
{
	return state_of(thread) == STOPPED;
}

void sched_stop(unsigned int id)
{
	stop(&engine->threads[id]);
}

void sched_run_alone(unsigned int id, unsigned int steps)
{
	struct thread *thread = &engine->threads[id];
	if (thread->state == STOPPED)
		go_on(thread);
	if (thread->state != RUNNABLE || steps == 0)
		return;
	engine->alone = true;
	engine->countdown = steps;
	switch_to(thread);
}

void sched_resume_all(void)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == STOPPED)
			go_on(&engine->threads[i]);
}

unsigned int sched_self(void)
{
	return me->id;
}

uint64_t sched_steps(void)
{
	return me->steps;
}

uint64_t sched_moment(void)
{
	return engine->steps;
}

int64_t sched_time(void)
{
	return engine->time_ns;
}

enum sched_memory sched_memory_kind(void)
{
	return engine->plan.memory;
}

void sched_pass(unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++)
		point();
}

void sched_write(const void *address, size_t bytes)
{
	memory_plain((uintptr_t)address, bytes, true);
}

void sched_read(const void *address, size_t bytes)
{
	memory_plain((uintptr_t)address, bytes, false);
}

uint64_t sched_load(const uint64_t *from, int order)
{
	return memory_load((uintptr_t)from, 8, order);
}

void sched_store(uint64_t *to, uint64_t value, int order)
{
	memory_store((uintptr_t)to, 8, value, order);
}

uint64_t sched_add(uint64_t *to, uint64_t value, int order)
{
	return memory_rmw((uintptr_t)to, 8, ADD, value, order);
}

bool sched_cas(uint64_t *to, uint64_t *expected, uint64_t desired, int order)
{
	return memory_cas((uintptr_t)to, 8, expected, desired, order, __ATOMIC_RELAXED, false);
}

/* A step of its own, so that a replay tells two choices apart. */
unsigned int sched_choose(unsigned int n)
{
	me->steps++;
	engine->steps++;
	return strategy_decide(CHOICE, n);
}

struct sched_knowledge sched_knowledge(void)
{
	struct sched_knowledge knowledge = { .thread = me->id };
	/* A step of its own, so that two moments of a thread differ. */
	me->clock.at[me->id]++;
	me->clock.at[THREADS + me->id]++;
	memcpy(knowledge.of, me->clock.at, sizeof(knowledge.of));
	return knowledge;
}
