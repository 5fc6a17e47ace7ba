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
#include "kernel.h"
#include "base/fence.h"

#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct engine *engine;

extern char __data_start[], _end[];
static char *variables;     /* as they were at the start */
static char *locals;        /* the process's thread-local variables */
static char *locals_before; /* as they were at the start */
static size_t locals_bytes;

__attribute__((noreturn)) void engine_give_up(const char *message)
{
	fprintf(stderr, "sched: %s\n", message);
	exit(2);
}

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		engine_give_up("no memory");
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
	/* Once for all runs, of which each has its own answer: engine_run(). */
	fence_init();
	dl_iterate_phdr(find_locals, NULL);
	if (locals_bytes > TLS_BYTES)
		engine_give_up("too many thread-local variables");
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
	/* The last stores may stay in the buffer beyond the last load. Then its
	 * processor passes full fences as it goes on to other threads. So a
	 * membarrier has no need of a thread that has ended. */
	if (me->buffered > 0)
		point();
	memory_fence_of(me);
	/* In the child of a fork thread 0 may have gone. */
	if (me->id == 0 || engine->threads[0].state == ENDED)
		end_run();
	engine_block(ENDED);
	engine_give_up("a thread that has ended runs");
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
	engine_give_up("setcontext() failed");
}

void engine_switch_to(struct thread *next)
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

struct thread *engine_add_thread(const char *name, void (*run)(void *), void *context)
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
	fence_asymmetric = !plan->full_fences;
	engine->plan = *plan;
	engine->run++;
	engine->steps = 0;
	engine->count = 0;
	engine->alone = engine->unloaded = false;
	engine->odds = engine->refused = 0;
	engine->mapped_max = 0;
	engine->time_ns = 1000000000;
	engine->failed = false;
	engine->pc = NULL;
	engine->lowest = 0;
	engine->next_end = UINT64_MAX;
	strategy_begin();
	memory_begin();
	engine->current = engine_add_thread("main", run_program, NULL);
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
		engine_give_up(engine->failure);
	trace("FAILED", 0, 0);
	end_run();
}
