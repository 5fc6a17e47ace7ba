/* SPDX-License-Identifier: MIT */
/*
 * Which of the possible runs is run. All that is open in a run is decided here,
 * by one of these:
 *
 *	RANDOM      each some steps, on the average 1 to 64, something happens:
 *	            mostly another thread goes on
 *	PCT         threads have priorities, and at a few random steps the running
 *	            one gets the lowest. Burckhardt et al., "A randomized scheduler
 *	            with probabilistic guarantees of finding bugs", 2010
 *	EXHAUSTIVE  every run with so many deviations at most. Musuvathi and
 *	            Qadeer, "Iterative context bounding", 2007
 *	REPLAY      a list of deviations
 *
 * Every decision that deviates from the default is noted, with the thread and
 * the number of its step. The list of these is the run. It can be made shorter
 * as long as it fails. A deviation that a step no longer allows is left out.
 */
#include "engine.h"

#include <string.h>

#define PCT_STEPS 4096 /* until something happens, at most */

/* splitmix64, by S. Vigna. */
uint64_t strategy_random(void)
{
	uint64_t z = engine->random += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)((strategy_random() >> 32) * n >> 32);
}

/* The steps of a run at which priorities change, in order. */
static void choose_changes(void)
{
	engine->changes = 2 + below(CHANGES - 1);
	engine->changed = 0;
	engine->acted_at = 0;
	for (unsigned int i = 0; i < engine->changes; i++) {
		uint64_t step = 1 + below((unsigned int)engine->length[engine->plan.memory]);
		unsigned int at = i;
		for (; at > 0 && engine->change_at[at - 1] > step; at--)
			engine->change_at[at] = engine->change_at[at - 1];
		engine->change_at[at] = step;
	}
}

void strategy_begin(void)
{
	engine->random = engine->plan.seed;
	engine->decided = 0;
	engine->depth = 0;
	engine->budget = engine->bound;
	engine->mean = 1u << below(7);
	engine->stops_left = engine->plan.program->flags & SCHED_MAY_STOP ? below(3) : 0;
	engine->may_die = engine->plan.program->flags & SCHED_MAY_DIE && below(2) == 0;
	memset(engine->script_at, 0, sizeof(engine->script_at));
	if (engine->plan.strategy == PCT)
		choose_changes();
}

uint64_t strategy_countdown(void)
{
	uint64_t next;
	switch (engine->plan.strategy) {
	case RANDOM:
		return 1 + below(2 * engine->mean);
	case PCT:
		next = engine->acted_at + PCT_STEPS;
		if (engine->changed < engine->changes && engine->change_at[engine->changed] < next)
			next = engine->change_at[engine->changed];
		return next > engine->steps ? next - engine->steps : 1;
	default:
		return 1;
	}
}

static void note(enum decision_kind kind, unsigned int value)
{
	static const char *const names[] = { "switch", "drain", "expire", "interrupt", "stop",
		"die", "stale", "fail weak", "choice", "refuse" };
	trace(names[kind], 0, value);
	if (engine->decided < DECISIONS)
		engine->decisions[engine->decided++] = (struct decision){ .kind = (uint8_t)kind,
			.thread = (uint8_t)me->id,
			.value = (uint16_t)value,
			.step = (uint32_t)me->steps };
}

/* What the script has for this step of the running thread, or NULL. */
static const struct decision *scripted(enum decision_kind from, enum decision_kind to)
{
	for (unsigned int i = engine->script_at[me->id]; i < engine->script_length; i++) {
		const struct decision *decision = &engine->script[i];
		if (decision->thread != me->id)
			continue;
		if (decision->step > me->steps)
			return NULL;
		if (decision->step == me->steps && decision->kind >= from && decision->kind <= to) {
			engine->script_at[me->id] = i + 1;
			return decision;
		}
	}
	return NULL;
}

unsigned int strategy_decide(enum decision_kind kind, unsigned int n)
{
	unsigned int value = 0;
	if (n < 2)
		return 0;
	/* Several at one step could not be told from each other in a replay. */
	if (kind == CHOICE || kind == REFUSE) {
		me->steps++;
		engine->steps++;
		engine->countdown -= engine->countdown > 1;
	}
	switch (engine->plan.strategy) {
	case RANDOM:
	case PCT:
		if (kind == CHOICE || (kind == STALE && below(4) == 0))
			value = below(n);
		else if (kind == FAIL_WEAK)
			value = below(16) == 0;
		else if (kind == REFUSE)
			value = below(engine->odds) == 0;
		break;
	case EXHAUSTIVE:
		if (kind == CHOICE)
			value = search_choose(n);
		else if (engine->budget > 0) {
			value = search_choose(n);
			engine->budget -= value != 0;
		}
		break;
	case REPLAY: {
		const struct decision *decision = scripted(kind, kind);
		value = decision != NULL && decision->value < n ? decision->value : 0;
	}
	}
	if (value != 0)
		note(kind, value);
	return value;
}

/* ------------------------------------------------------------ who is next -- */

static struct thread *random_runnable(void)
{
	struct thread *runnable[THREADS];
	unsigned int n = 0;
	for (unsigned int i = 0; i < engine->count; i++)
		if (engine->threads[i].state == RUNNABLE)
			runnable[n++] = &engine->threads[i];
	return runnable[below(n)];
}

static struct thread *highest(void)
{
	struct thread *first = NULL;
	for (unsigned int i = 0; i < engine->count; i++) {
		struct thread *thread = &engine->threads[i];
		if (thread->state == RUNNABLE &&
			(first == NULL || thread->priority > first->priority))
			first = thread;
	}
	return first;
}

/* All that run on instead of the fallback. To leave a runnable thread costs. */
static struct thread *searched(struct thread *fallback)
{
	struct thread *options[THREADS] = { fallback };
	unsigned int n = 1;
	bool free = me->state != RUNNABLE;
	/* Not to begin a thread, and to leave it before its first step, are one. */
	bool may = free || (engine->budget > 0 && me->steps > 1);
	for (unsigned int i = 0; i < engine->count && may; i++)
		if (engine->threads[i].state == RUNNABLE && &engine->threads[i] != fallback)
			options[n++] = &engine->threads[i];
	unsigned int chosen = search_choose(n);
	if (chosen > 0 && !free)
		engine->budget--;
	return options[chosen];
}

struct thread *strategy_pick(struct thread *fallback)
{
	struct thread *next = fallback;
	const struct decision *decision;
	switch (engine->plan.strategy) {
	case RANDOM:
		next = random_runnable();
		break;
	case PCT:
		next = highest();
		break;
	case EXHAUSTIVE:
		next = searched(fallback);
		break;
	case REPLAY:
		decision = scripted(SWITCH, SWITCH);
		if (decision != NULL && decision->value < engine->count &&
			engine->threads[decision->value].state == RUNNABLE)
			next = &engine->threads[decision->value];
	}
	if (next != fallback)
		note(SWITCH, next->id);
	return next;
}

/* ------------------------------------------------------------ what happens -- */

static void perform(enum decision_kind kind, unsigned int value)
{
	note(kind, value);
	engine_perform(&(struct decision){ .kind = (uint8_t)kind, .value = (uint16_t)value });
}

/* What may happen to other threads now. */
static unsigned int possible(struct decision *events)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < engine->count; i++) {
		struct thread *thread = &engine->threads[i];
		if (thread->buffered > 0)
			events[n++] = (struct decision){ .kind = DRAIN, .value = (uint16_t)i };
		if (thread->state != ASLEEP)
			continue;
		if (thread->deadline_ns != INT64_MAX)
			events[n++] = (struct decision){ .kind = EXPIRE, .value = (uint16_t)i };
		if (engine->plan.program->flags & SCHED_MAY_INTERRUPT)
			events[n++] = (struct decision){ .kind = INTERRUPT, .value = (uint16_t)i };
	}
	return n;
}

static void act_at_random(void)
{
	struct decision events[3 * THREADS];
	unsigned int n;
	while ((n = possible(events)) > 0 && below(3) == 0) {
		unsigned int i = below(n);
		if (events[i].kind == DRAIN || below(4) == 0)
			perform(events[i].kind, events[i].value);
	}
	if (me->id == 0)
		return;
	if (engine->stops_left > 0 && below(8) == 0) {
		engine->stops_left--;
		perform(STOP, below(2000));
	} else if (engine->may_die && below(16) == 0) {
		engine->may_die = false;
		perform(DIE, 0);
	}
}

void strategy_act(void)
{
	struct decision events[3 * THREADS];
	const struct decision *decision;
	unsigned int chosen;
	switch (engine->plan.strategy) {
	case PCT:
		engine->acted_at = engine->steps;
		while (engine->changed < engine->changes &&
			engine->steps >= engine->change_at[engine->changed]) {
			engine->changed++;
			me->priority = --engine->lowest;
		}
		act_at_random();
		break;
	case RANDOM:
		act_at_random();
		break;
	case EXHAUSTIVE:
		while (engine->budget > 0 && (chosen = search_choose(possible(events) + 1)) > 0) {
			engine->budget--;
			perform(events[chosen - 1].kind, events[chosen - 1].value);
		}
		break;
	case REPLAY:
		while ((decision = scripted(DRAIN, DIE)) != NULL)
			perform(decision->kind, decision->value);
	}
}
