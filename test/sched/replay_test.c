/* SPDX-License-Identifier: MIT */
/*
 * A seed is a run, and so are the decisions that it has noted: the same steps,
 * by the trace, and the same failure. Shorter scripts fail as well.
 */
#include "engine_test.h"
#include "shim.h"
#include "script.h"
#include "trace.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <errno.h>

#define ROUNDS 20 /* so many that stops end within a run */
#define THREAD(name) static void name(void *unused __attribute__((unused)))

static pthread_mutex_t mutex;
static int chosen;

/* Something of everything that is decided. */
static void mix(_Atomic int *mine, _Atomic int *other)
{
	static const struct timespec soon = { .tv_sec = 1, .tv_nsec = 500 };
	for (int i = 0; i < ROUNDS; i++) {
		int value = R(*other, RLX);
		W(*mine, i, RLX);
		atomic_compare_exchange_weak_explicit(&z, &value, i, AR, RLX);
		chosen += 0 * (int)sched_choose(2) + 0 * (int)sched_choose(3);
		unsigned int last = sched_choose(3);
		if (last == 1)
			syscall(SYS_futex, mine, FUTEX_WAIT_BITSET_PRIVATE, i, &soon, NULL, ~0u);
		if (last == 2)
			syscall(SYS_futex, other, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		pthread_mutex_lock(&mutex);
		chosen += (int)last;
		pthread_mutex_unlock(&mutex);
	}
	/* Sometimes: both threads have chosen much. */
	pthread_mutex_lock(&mutex);
	sched_require(chosen < 3 * ROUNDS || R(*other, RLX) != ROUNDS - 1, "chosen %d, %d", chosen,
		R(z, RLX));
	pthread_mutex_unlock(&mutex);
}
THREAD(mix_x)
{
	mix(&x, &y);
}
THREAD(mix_y)
{
	mix(&y, &x);
}
static void run_mix(void)
{
	sched_spawn("a", mix_x, NULL);
	sched_spawn("b", mix_y, NULL);
	sched_spawn("c", mix_y, NULL);
	sched_wait();
}
static const struct sched_program mixture = { "mixture", "", run_mix,
	SCHED_MAY_STOP | SCHED_MAY_DIE | SCHED_MAY_INTERRUPT };

/* Threads block all the time, so it matters when one that has stopped goes on. */
THREAD(doze)
{
	for (int i = 0; i < 100; i++) {
		int64_t until = sched_time() + 100;
		for (int j = 0; j < 5; j++)
			W(x, j, RLX);
		syscall(SYS_futex, &y, FUTEX_WAIT_BITSET_PRIVATE, 0,
			&(struct timespec){ .tv_sec = until / 1000000000,
				.tv_nsec = until % 1000000000 },
			NULL, ~0u);
	}
}
static void run_doze(void)
{
	run_threads((void (*const[4])(void *)){ doze, doze, doze, doze });
}
static const struct sched_program dozing = { "dozing", "", run_doze, SCHED_MAY_STOP };

/* A small one, for the search: an update is lost. */
THREAD(increment)
{
	W(x, R(x, RLX) + 1, RLX);
	W(z, 1, RLX);
}
static void run_increment(void)
{
	run_threads((void (*const[4])(void *)){ increment, increment });
	sched_require(R(x, RLX) == 2, "x is %d", R(x, RLX));
}
static const struct sched_program lost_update = { "lost update", "", run_increment, 0 };

/* The run with all its steps: its hash and whether it went well. */
static bool run_traced(const struct plan *plan, uint64_t *ret_hash, char *ret_failure)
{
	trace_begin();
	bool good = engine_run(plan);
	*ret_hash = trace_hash();
	engine->tracing = false;
	strcpy(ret_failure, good ? "" : engine->failure);
	return good;
}

static void check_repeats(struct plan plan, unsigned int *ret_failed)
{
	char first[512], again[512];
	uint64_t hash, same, seed = plan.seed;
	bool good = run_traced(&plan, &hash, first);
	script_keep();
	*ret_failed += !good;
	const char *name = plan.program->name;
	if (plan.strategy != EXHAUSTIVE) {
		engine->measured = NULL; /* as in another process */
		run_traced(&plan, &same, again);
		check(hash == same && strcmp(first, again) == 0,
			"%s %s, seed %lu: another run, %s, %s", name, memory_names[plan.memory],
			(unsigned long)plan.seed, first, again);
	}
	plan.strategy = REPLAY;
	plan.seed = 99;
	run_traced(&plan, &same, again);
	check(hash == same && strcmp(first, again) == 0,
		"%s %s, seed %lu: the replay is another run: %s, %s", name,
		memory_names[plan.memory], seed, first, again);
	check(engine->decided == engine->script_length, "%s: %u decisions, not %u", name,
		engine->decided, engine->script_length);
}

static void check_seeds(enum sched_memory memory, enum strategy strategy)
{
	unsigned int failed = 0;
	struct plan plan = { .program = &mixture, .memory = memory, .strategy = strategy };
	for (plan.seed = 1; plan.seed <= 300; plan.seed++)
		check_repeats(plan, &failed);
	check(failed > 5 && failed < 295, "mixture %s: %u of 300 failed", memory_names[memory],
		failed);
}

static void check_dozing(enum sched_memory memory, enum strategy strategy)
{
	unsigned int failed = 0;
	struct plan plan = { .program = &dozing, .memory = memory, .strategy = strategy };
	for (plan.seed = 1; plan.seed <= 100; plan.seed++)
		check_repeats(plan, &failed);
	check(failed == 0, "dozing: %s", engine->failure);
}

static void check_searched(enum sched_memory memory)
{
	unsigned int failed = 0, runs = 0, known;
	struct plan plan = { .program = &lost_update, .memory = memory, .strategy = EXHAUSTIVE };
	engine->bound = 2;
	engine->known = 0;
	do {
		known = engine->known;
		check_repeats(plan, &failed);
		/* Run it again: the replay had no branches. */
		engine->known = known;
		engine_run(&plan);
		runs++;
	} while (search_next());
	check(failed > 0 && failed < runs, "lost update %s: %u of %u failed", memory_names[memory],
		failed, runs);
}

/* Without any one of its decisions the run goes well. */
static void check_needed(const struct plan *plan)
{
	struct decision script[16];
	unsigned int length = engine->script_length;
	check(length <= 4, "%u decisions needed", length);
	memcpy(script, engine->script, sizeof(script));
	for (unsigned int i = 0; i < length && length <= 4; i++) {
		memcpy(engine->script, script, sizeof(script));
		memmove(engine->script + i, engine->script + i + 1,
			(length - i - 1) * sizeof(script[0]));
		engine->script_length = length - 1;
		check(engine_run(plan) || engine->decided >= length, "decision %u of %u not needed",
			i, length);
	}
}

static void check_shrinks(enum sched_memory memory, enum strategy strategy)
{
	struct plan plan = { .program = &lost_update, .memory = memory, .strategy = strategy };
	unsigned int shrunk = 0;
	for (plan.seed = 1; plan.seed <= 200; plan.seed++) {
		if (engine_run(&plan))
			continue;
		script_keep();
		unsigned int before = engine->script_length;
		script_shrink(&plan);
		struct plan again = plan;
		again.strategy = REPLAY;
		check(!engine_run(&again) && strcmp(engine->failure, "x is 1") == 0,
			"shrunk, %u decisions: no failure, or another", engine->script_length);
		check(engine->script_length > 0 && engine->script_length <= before,
			"%s: shrunk from %u to %u", memory_names[memory], before,
			engine->script_length);
		check_needed(&again);
		shrunk++;
	}
	check(shrunk > 0, "no run to shrink");
}

void replay_tests(void)
{
	for (enum sched_memory memory = SCHED_SC; memory <= SCHED_WEAK; memory++) {
		check_seeds(memory, RANDOM);
		check_seeds(memory, PCT);
		check_dozing(memory, RANDOM);
		check_dozing(memory, PCT);
		check_searched(memory);
		check_shrinks(memory, RANDOM);
		check_shrinks(memory, PCT);
	}
}
