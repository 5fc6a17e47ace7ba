/* SPDX-License-Identifier: MIT */
/*
 * A test of the scheduler itself: small programs, of which it is known what
 * they may do. It is compiled as the library's sources are.
 *
 * For each kind of memory and each strategy the set of the outcomes that were
 * seen must be the set that the literature gives: none missing, none more.
 */
#include "engine_test.h"

#include <stdarg.h>
#include <stdlib.h>

#undef mmap

#define SEEDS 3000
#define SEARCH_MAX 200000

struct tally *tally;
_Atomic int x, y, z;
int r[4];

const char *const memory_names[] = { "sc", "tso", "weak" };
static const char *const strategy_names[] = { "random", "pct", "exhaustive" };

const struct sched_program *sched_programs[] = { NULL };

void check(bool condition, const char *format, ...)
{
	tally->checks++;
	if (condition)
		return;
	va_list arguments;
	va_start(arguments, format);
	printf("FAILED: ");
	vprintf(format, arguments);
	printf("\n");
	fflush(stdout);
	va_end(arguments);
	tally->failures++;
}

void run_threads(void (*const threads[4])(void *))
{
	static const char *const names[] = { "a", "b", "c", "d" };
	unsigned int spawned[4], n = 0;
	for (; n < 4 && threads[n] != NULL; n++)
		spawned[n] = sched_spawn(names[n], threads[n], NULL);
	sched_wait();
	for (unsigned int i = 0; i < n; i++)
		sched_require(sched_has_ended(spawned[i]), "thread %s has not ended", names[i]);
}

void hash_step(uint64_t value)
{
	tally->hash = (tally->hash ^ value) * 0x100000001b3;
}

static void count_failure(const char *failure)
{
	tally->failed++;
	if (failure != NULL && strstr(engine->failure, failure) != NULL)
		return;
	tally->unexpected++;
	strcpy(tally->failure, engine->failure);
}

bool run_many(const struct sched_program *program, enum sched_memory memory, enum strategy strategy,
	unsigned int n, const char *failure)
{
	struct plan plan = { .program = program, .memory = memory, .strategy = strategy };
	unsigned int most = strategy == EXHAUSTIVE ? SEARCH_MAX : n;
	tally->runs = tally->failed = tally->unexpected = 0;
	memset(tally->seen, 0, sizeof(tally->seen));
	engine->bound = n;
	engine->known = 0;
	while (tally->runs < most) {
		plan.seed++;
		if (!engine_run(&plan))
			count_failure(failure);
		tally->hashes[tally->runs % 4096] = tally->hash;
		tally->runs++;
		if (strategy == EXHAUSTIVE && !search_next())
			return true;
	}
	return strategy != EXHAUSTIVE;
}

/* ----------------------------------------------------------------- litmus -- */

void litmus_run(void)
{
	const struct litmus *litmus = (const struct litmus *)engine->plan.program;
	run_threads(litmus->threads);
	if (litmus->last != NULL)
		litmus->last();
	unsigned int outcome = 0;
	for (unsigned int i = 0; i < litmus->registers; i++)
		outcome = outcome * 10 + (unsigned int)r[i];
	tally->seen[outcome]++;
}

static bool is_allowed(const struct litmus *litmus, enum sched_memory memory, const char *text)
{
	const char *list = litmus->outcomes[0];
	int registers[4];
	if (litmus->allowed != NULL) {
		for (int i = 0; i < 4; i++)
			registers[i] = text[i] - '0';
		return litmus->allowed(memory, registers);
	}
	for (int i = 1; i <= (int)memory; i++)
		list = litmus->outcomes[i] != NULL ? litmus->outcomes[i] : list;
	return strstr(list, text) != NULL;
}

static void check_outcomes(const struct litmus *litmus, enum sched_memory memory,
	enum strategy strategy)
{
	char text[8];
	unsigned int most = 1;
	bool whole = run_many(&litmus->program, memory, strategy,
		strategy == EXHAUSTIVE ? (litmus->bound != 0 ? litmus->bound : 3)
				       : (litmus->seeds != 0 ? litmus->seeds : SEEDS),
		NULL);
	const char *name = litmus->program.name;
	check(whole, "%s %s: the search has no end", name, memory_names[memory]);
	check(tally->failed == 0, "%s %s %s: %s", name, memory_names[memory],
		strategy_names[strategy], tally->failure);
	for (unsigned int i = 0; i < litmus->registers; i++)
		most *= 10;
	for (unsigned int i = 0; i < most; i++) {
		snprintf(text, sizeof(text), "%0*u", (int)litmus->registers, i);
		bool allowed = is_allowed(litmus, memory, text);
		if (!allowed && tally->seen[i] == 0)
			continue;
		check(allowed == (tally->seen[i] > 0),
			"%s %s %s: outcome %s, %s, seen %lu times of %lu", name,
			memory_names[memory], strategy_names[strategy], text,
			allowed ? "allowed" : "forbidden", (unsigned long)tally->seen[i],
			(unsigned long)tally->runs);
	}
}

void litmus_check(const struct litmus *litmus)
{
	for (enum sched_memory memory = SCHED_SC; memory <= SCHED_WEAK; memory++)
		for (enum strategy strategy = RANDOM; strategy <= EXHAUSTIVE; strategy++)
			check_outcomes(litmus, memory, strategy);
}

/* ----------------------------------------------------------------- faults -- */

void fault_run(void)
{
	run_threads(((const struct fault *)engine->plan.program)->threads);
}

static void check_fault(const struct fault *fault, enum sched_memory memory, enum strategy strategy)
{
	const char *name = fault->program.name;
	bool whole = run_many(&fault->program, memory, strategy,
		strategy == EXHAUSTIVE ? 2 : SEEDS / 10, fault->failure);
	check(whole, "%s %s: the search has no end", name, memory_names[memory]);
	check(tally->unexpected == 0, "%s %s %s: %s", name, memory_names[memory],
		strategy_names[strategy], tally->failure);
	bool right = fault->often == NEVER  ? tally->failed == 0
		: fault->often == SOMETIMES ? tally->failed > 0 && tally->failed < tally->runs
					    : tally->failed == tally->runs;
	check(right, "%s %s %s: failed in %lu of %lu runs", name, memory_names[memory],
		strategy_names[strategy], (unsigned long)tally->failed, (unsigned long)tally->runs);
}

void fault_check(const struct fault *fault)
{
	for (enum sched_memory memory = SCHED_SC; memory <= SCHED_WEAK; memory++)
		for (enum strategy strategy = RANDOM; strategy <= EXHAUSTIVE; strategy++)
			check_fault(fault, memory, strategy);
}

int main(void)
{
	/* Before the engine remembers the variables. */
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	if (tally == MAP_FAILED)
		return 2;
	engine_init();
	litmus_tests();
	litmus_order_tests();
	litmus_rmw_tests();
	race_tests();
	reuse_tests();
	schedule_tests();
	replay_tests();
	system_tests();
	end_tests();
	rights_tests();
	unload_tests();
	printf("%u checks, %u failed\n", tally->checks, tally->failures);
	return tally->failures > 0;
}
