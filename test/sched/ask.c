/* SPDX-License-Identifier: MIT */
/*
 * What programs ask of a run. See scheduler.h.
 */
#include "engine.h"

#include <string.h>

unsigned int sched_spawn(const char *name, void (*run)(void *), void *context)
{
	if (engine->count == THREADS || me->id != 0)
		engine_give_up("too many threads, or not by thread 0");
	memory_drain(me);
	struct thread *thread = engine_add_thread(name, run, context);
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
	engine_stop(&engine->threads[id]);
}

void sched_run_alone(unsigned int id, unsigned int steps)
{
	struct thread *thread = &engine->threads[id];
	if (thread->state == STOPPED)
		engine_go_on(thread);
	if (thread->state != RUNNABLE || steps == 0)
		return;
	engine->alone = true;
	engine->countdown = steps;
	engine_switch_to(thread);
}

void sched_resume_all(void)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == STOPPED)
			engine_go_on(&engine->threads[i]);
}

void sched_set_stack(void *const *frames, unsigned int count)
{
	me->frames = frames;
	me->frame_count = count;
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
