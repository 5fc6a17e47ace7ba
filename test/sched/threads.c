/* SPDX-License-Identifier: MIT */
/*
 * The states of threads: which of them run on, sleep, stop and wake, and what
 * happens when none can run.
 */
#include "engine.h"

#include <errno.h>

#define STEPS_MAX 400000
#define YIELDS 16 /* of a thread, until its oldest store is seen */

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

void engine_go_on(struct thread *thread)
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
			engine_go_on(thread);
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

void engine_stop(struct thread *thread)
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
	engine_switch_to(next);
}

void engine_reschedule(void)
{
	if (engine->alone)
		engine_stop(me);
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
